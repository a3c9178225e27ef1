"""The keys of a user's rows; plain functions, so that the authorizer loads nothing else."""

from chalicelib.aws.items import Key


def partition(user_id: str) -> str:
    """Everything a user owns, history included."""
    return f"USER#{user_id}"


def profile_key(user_id: str) -> Key:
    """The user itself."""
    return partition(user_id), "PROFILE"


def preferences_key(user_id: str) -> Key:
    """What the user wants to be told, and by which way."""
    return partition(user_id), "PREFS"


def mfa_key(user_id: str) -> Key:
    """The second factor."""
    return partition(user_id), "MFA"


def session_key(user_id: str, session_id: str) -> Key:
    """One signed-in device."""
    return partition(user_id), f"SESS#{session_id}"


def address_key(user_id: str, address_id: str) -> Key:
    """One address."""
    return partition(user_id), f"ADDR#{address_id}"


def device_key(user_id: str, device_id: str) -> Key:
    """One device that takes push messages."""
    return partition(user_id), f"DEV#{device_id}"


def email_key_key(email_key: str) -> Key:
    """Which user has an e-mail address; it exists once, which makes addresses unique."""
    return f"EMAIL#{email_key}", "META"


def one_time_key(token_hash: str) -> Key:
    """A one-time token, by the hash of it."""
    return f"OTT#{token_hash}", "META"


def once_key(name: str) -> Key:
    """Something this deployment does once."""
    return f"SEEN#users#{name}", "META"


def role_partition(role: str) -> str:
    """The index partition of staff with one role."""
    return f"ROLE#{role}"
