"""Entities as rows and back, as far as nothing in them is sealed."""

from dataclasses import asdict, fields
from typing import Any, Final, TypeVar

from chalicelib.aws.items import Item, Key
from chalicelib.kernel.clock import epoch_s, moment
from chalicelib.users import keys
from chalicelib.users.possessions import Device, Preferences
from chalicelib.users.rules import OneTimeToken, Session, User, is_staff

# Cleaning lags behind expiry by days anyway; an hour keeps expired rows readable as expired.
CLEANED_AFTER_S: Final = 3_600

Entity = TypeVar("Entity")


def row(key: Key, values: dict[str, Any]) -> Item:
    """An item at `key`; fields that are None are not stored."""
    kept = {name: value for name, value in values.items() if value is not None}
    return {"pk": key[0], "sk": key[1], **kept}


def entity(kind: type[Entity], item: Item) -> Entity:
    """The entity whose fields a row holds."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # all are dataclasses
    return kind(**{name: item[name] for name in names if name in item})


def user_values(user: User) -> dict[str, Any]:
    """The fields of a user, and the index keys of staff."""
    by_role = keys.role_partition(user.role) if is_staff(user.role) else None
    sort = f"{user.created_at}#{user.id}" if by_role else None
    return asdict(user) | {"gsi1pk": by_role, "gsi1sk": sort}


def read_user(item: Item) -> User:
    """The user in a PROFILE row."""
    return entity(User, item)


def session_row(session: Session) -> Item:
    """A SESS row; it is cleaned away once the session is over."""
    values = asdict(session) | {"ttl": _cleaned_at(session.expires_at)}
    return row(keys.session_key(session.user_id, session.id), values)


def read_session(item: Item) -> Session:
    """The session in a SESS row."""
    return entity(Session, item)


def token_row(token: OneTimeToken) -> Item:
    """An OTT row; the hash is its key."""
    values = asdict(token) | {"ttl": _cleaned_at(token.expires_at)}
    return row(keys.one_time_key(token.token_hash), values)


def read_token(item: Item) -> OneTimeToken:
    """The token in an OTT row."""
    return entity(OneTimeToken, item)


def _cleaned_at(expires_at: str) -> int:
    return epoch_s(moment(expires_at)) + CLEANED_AFTER_S


def preferences_values(preferences: Preferences) -> dict[str, Any]:
    """The fields of a PREFS row."""
    updates = {name: getattr(preferences, name) for name in ("email", "sms", "push")}
    return {"order_updates": updates, "marketing_email": preferences.marketing_email}


def read_preferences(item: Item | None) -> Preferences:
    """The preferences in a PREFS row, the defaults without one."""
    if item is None:
        return Preferences()
    return Preferences(**item["order_updates"], marketing_email=item["marketing_email"])


def device_row(user_id: str, device: Device) -> Item:
    """A DEV row."""
    return row(keys.device_key(user_id, device.id), asdict(device))


def read_device(item: Item) -> Device:
    """The device in a DEV row."""
    return entity(Device, item)
