"""Conditions on users that join the transactions of other slices."""

from typing import Final

from chalicelib.aws.writes import Check
from chalicelib.users.keys import profile_key

LABEL: Final = "user"


def active_user(user_id: str) -> Check:
    """The user is active, still, when the transaction is applied; label `user`."""
    return Check(profile_key(user_id), "#status = :active", {"active": "ACTIVE"}, label=LABEL)
