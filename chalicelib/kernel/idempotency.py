"""An effect that happens once per Idempotency-Key, and the reply that is given again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.kernel.errors import Conflict, Invalid


@dataclass(frozen=True, slots=True)
class RecordedReply:
    """The first reply to a key: status, body byte for byte, and headers that belong to it."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Once:
    """A key with what it stands for; a store writes it in the effect's own transaction.

    `present` turns the effect's result (any entity the use case names) into the reply that is
    recorded and given.
    """

    subject: str
    operation: str
    key: str
    fingerprint: str
    present: Callable[[Any], RecordedReply]


class AlreadyAnswered(Exception):
    """The key's effect exists: the edge gives this first reply again."""

    def __init__(self, reply: RecordedReply) -> None:
        super().__init__("already answered")
        self.reply = reply


class IdempotencyMismatch(Invalid):
    """The key was used before with another body."""

    code = "idempotency_mismatch"
    message = "This Idempotency-Key was used with another request."


class IdempotencyInProgress(Conflict):
    """Another request writes this key's record right now."""

    code = "idempotency_in_progress"
    message = "A request with this Idempotency-Key is in progress."
    retry_after_s = 1
