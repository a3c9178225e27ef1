"""Telling those who listen: pushes get the next numbers of their topic, once for each event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

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


class PushStore(Protocol):
    """Keeps pushes until they are fanned out and for a day after."""

    def append(
        self, drafts: Sequence[Draft], seen: Seen, others: Sequence[Any], now: datetime
    ) -> bool:
        """Number and keep them with `others`, all or nothing; False if done before.

        `others` are writes of the caller's own table (Any: their kind is the store's business).
        """
        ...


def seen_by(consumer: str, event_id: str, now: datetime) -> Seen:
    """The mark of one event for one consumer."""
    return Seen((f"SEEN#{consumer}#{event_id}", "META"), epoch_s(now) + SEEN_KEPT_S)
