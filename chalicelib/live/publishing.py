"""Telling those who listen: pushes get the next numbers of their topic, once for each event."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chalicelib.kernel.clock import epoch_s
from chalicelib.live.records import Fields

SEEN_KEPT_S: Final = 14 * 86_400


@dataclass(frozen=True, slots=True)
class Draft:
    """A push without its number.

    `ends_sessions_of` names a user whose sockets are closed behind it, as far as their sessions
    are over.
    """

    topic: str
    type: str
    data: Fields
    ends_sessions_of: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """The mark that an event had its effect on a consumer."""

    key: tuple[str, str]
    ttl: int


def seen_by(consumer: str, event_id: str, now: datetime) -> Seen:
    """The mark of one event for one consumer."""
    return Seen((f"SEEN#{consumer}#{event_id}", "META"), epoch_s(now) + SEEN_KEPT_S)
