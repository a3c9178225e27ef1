"""Idempotency records: found before the work, written in the effect's own transaction."""

import json
import zlib
from datetime import datetime
from typing import Final

from chalicelib.aws.encryption import Sealer
from chalicelib.aws.items import Item, Key
from chalicelib.aws.table import Table
from chalicelib.aws.writes import Put
from chalicelib.kernel.clock import epoch_s, instant
from chalicelib.kernel.idempotency import (
    AlreadyAnswered,
    IdempotencyInProgress,
    IdempotencyMismatch,
    Once,
    RecordedReply,
)

KEPT_S: Final = 7 * 86_400
LABEL: Final = "idempotency"


def record_key(once: Once) -> Key:
    """Where the record of a key stands: one per subject, operation and key."""
    return f"IDEM#{once.subject}#{once.operation}#{once.key}", "META"


class IdempotencyRecords:
    """The records in one table; bodies are sealed, since replies hold personal data."""

    def __init__(self, table: Table, sealer: Sealer) -> None:
        self._table = table
        self._sealer = sealer

    def answer_again(self, once: Once) -> None:
        """Raise AlreadyAnswered if the key has its effect; IdempotencyMismatch if another's.

        Called before the work, and again when the record's own condition failed.
        """
        item = self._table.get(record_key(once))
        if item is not None:
            raise AlreadyAnswered(self._open(item, once))

    def collided(self, once: Once) -> Exception:
        """What to raise when the record appeared while this request was writing its own."""
        try:
            self.answer_again(once)
        except (AlreadyAnswered, IdempotencyMismatch) as answer:
            return answer
        return IdempotencyInProgress()

    def put(self, once: Once, reply: RecordedReply, now: datetime) -> Put:
        """The write that joins the effect's transaction; label `idempotency`."""
        key = record_key(once)
        head = json.dumps([reply.status, dict(reply.headers)]).encode()
        # A reply of many lines is kept in half the space: the table bills each KB, and twice here.
        kept = zlib.compress(head + b"\n" + reply.body)
        item: Item = {
            "pk": key[0],
            "sk": key[1],
            "fingerprint": once.fingerprint,
            "status": reply.status,
            "body": self._sealer.seal(kept, key[0]),
            "created_at": instant(now),
            "ttl": epoch_s(now) + KEPT_S,
        }
        return Put(item, label=LABEL)

    def _open(self, item: Item, once: Once) -> RecordedReply:
        if item["fingerprint"] != once.fingerprint:
            raise IdempotencyMismatch
        kept = zlib.decompress(self._sealer.open(item["body"], item["pk"]))
        head, _, body = kept.partition(b"\n")
        status, headers = json.loads(head)
        return RecordedReply(status, body, headers)
