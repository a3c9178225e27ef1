"""Dead letters and replays in the core table."""

from collections.abc import Sequence
from typing import Final

from chalicelib.aws.event_rows import event_put, step
from chalicelib.aws.items import Item, Key
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.writes import Put, Update, Write
from chalicelib.kernel.clock import epoch_s, moment
from chalicelib.kernel.domain_events import DomainEvent
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.ops.rules import (
    CLOSED,
    DeadLetter,
    Kind,
    Replay,
    ReplayStatus,
    Status,
    month_of,
)
from chalicelib.ops.service import Stale, Wanted

SEEN_KEPT_S: Final = 14 * 86_400
REPLAY_KEPT_S: Final = 90 * 86_400
FILTERED_QUERIES_MAX: Final = 10


def dead_letter_key(dead_letter_id: str) -> Key:
    """One dead letter."""
    return f"DEAD#{dead_letter_id}", "META"


def replay_key(replay_id: str) -> Key:
    """One replay."""
    return f"REPLAY#{replay_id}", "META"


def seen_key(seen_as: str) -> Key:
    """A message or run that is a dead letter already."""
    return f"SEEN#ops_worker#{seen_as}", "META"


def status_partition(status: Status, month: str) -> str:
    """The list of one status; closed ones are listed by month."""
    return f"DEAD#{status}#{month}" if status in CLOSED else f"DEAD#{status}"


class DeadLetterRows:
    """Dead letters with their events."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, dead_letter_id: str) -> DeadLetter | None:
        """One dead letter with its body."""
        item = self._table.get(dead_letter_key(dead_letter_id))
        return _letter(item) if item else None

    def add(self, letter: DeadLetter, seen_as: str, event: DomainEvent) -> bool:
        """Store a new one with its event; False if that message was stored before."""
        pk, sk = seen_key(seen_as)
        expires = epoch_s(moment(letter.first_seen_at)) + SEEN_KEPT_S
        seen: Item = {"pk": pk, "sk": sk, "dead_letter_id": letter.id, "ttl": expires}
        root = dead_letter_key(letter.id)
        writes: Sequence[Write] = [
            Put(seen, label="seen"),
            Put({"pk": root[0], "sk": root[1], **_fields(letter)}, label="letter"),
            event_put(root[0], event),
        ]
        try:
            self._table.transact(writes)
        except ConditionFailed as error:
            if "seen" in error.labels:
                return False
            raise
        return True

    def change(self, after: DeadLetter, event: DomainEvent) -> None:
        """One step of its state machine; Stale if it has moved."""
        changes = {
            "status": after.status,
            "gsi2pk": status_partition(after.status, month_of(after.first_seen_at)),
        }
        writes = step(dead_letter_key(after.id), event, changes, "", {})
        try:
            self._table.transact(writes)
        except ConditionFailed as error:
            raise Stale from error

    def listed(self, wanted: Wanted, page: PageRequest) -> Page[DeadLetter]:
        """Those of one status, newest first; few queries even if hardly any is of the source."""
        found: list[DeadLetter] = []
        after = page.after
        for _ in range(FILTERED_QUERIES_MAX):
            rows = self._table.query(
                Query(
                    status_partition(wanted.status, wanted.month),
                    index="gsi2",
                    limit=page.limit - len(found),
                    after=after,
                    is_descending=True,
                )
            )
            letters = map(_letter, rows.items)
            found += [one for one in letters if wanted.source in (None, one.source)]
            after = rows.next
            if after is None or len(found) == page.limit:
                break
        return Page(tuple(found), after)


def _fields(letter: DeadLetter) -> Item:
    return {
        "id": letter.id,
        "source": letter.source,
        "kind": letter.kind,
        "status": letter.status,
        "cause": letter.cause,
        "reference": letter.reference,
        "receive_count": letter.receive_count,
        "body": letter.body,
        "attributes": letter.attributes,
        "correlation_id": letter.correlation_id,
        "first_seen_at": letter.first_seen_at,
        "updated_at": letter.updated_at,
        "version": letter.version,
        "gsi2pk": status_partition(letter.status, month_of(letter.first_seen_at)),
        "gsi2sk": f"{letter.first_seen_at}#{letter.id}",
    }


def _letter(item: Item) -> DeadLetter:
    return DeadLetter(
        id=item["id"],
        source=item["source"],
        kind=Kind(item["kind"]),
        status=Status(item["status"]),
        cause=item["cause"],
        body=item["body"],
        receive_count=item["receive_count"],
        first_seen_at=item["first_seen_at"],
        updated_at=item["updated_at"],
        version=item["version"],
        reference=item.get("reference"),
        correlation_id=item.get("correlation_id"),
        attributes=item["attributes"],
    )


class ReplayRows:
    """Replays with their events."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, replay_id: str) -> Replay | None:
        """One replay."""
        item = self._table.get(replay_key(replay_id))
        return _replay(item) if item else None

    def add(self, replay: Replay, event: DomainEvent) -> None:
        """Store a new one with its event."""
        pk, sk = replay_key(replay.id)
        expires = epoch_s(moment(event.occurred_at)) + REPLAY_KEPT_S
        item: Item = {
            "pk": pk,
            "sk": sk,
            "id": replay.id,
            "from_at": replay.from_at,
            "to_at": replay.to_at,
            "types": list(replay.types),
            "dry_run": replay.dry_run,
            "created_at": event.occurred_at,
            "updated_at": event.occurred_at,
            "version": replay.version,
            "ttl": expires,
            **_progress(replay),
        }
        self._table.transact([Put(item, label="replay"), event_put(pk, event)])

    def advance(self, before: Replay, after: Replay) -> None:
        """Note that a slice is done; Stale if that was noted before."""
        update = Update(
            replay_key(after.id),
            set=_progress(after),
            condition="#slices = :before AND #status = :requested",
            values={"before": before.slices, "requested": ReplayStatus.REQUESTED},
        )
        try:
            self._table.write(update)
        except ConditionFailed as error:
            raise Stale from error

    def finish(self, after: Replay, event: DomainEvent) -> None:
        """Note that it is done, with its event; Stale if that was noted before."""
        guard = "#slices = :before"
        values = {"before": after.slices - 1}
        writes = step(replay_key(after.id), event, _progress(after), guard, values)
        try:
            self._table.transact(writes)
        except ConditionFailed as error:
            raise Stale from error


def _progress(replay: Replay) -> Item:
    return {
        "status": replay.status,
        "matched": replay.matched,
        "published": replay.published,
        "slices": replay.slices,
        "position": replay.position,
    }


def _replay(item: Item) -> Replay:
    return Replay(
        id=item["id"],
        status=ReplayStatus(item["status"]),
        from_at=item["from_at"],
        to_at=item["to_at"],
        types=tuple(item["types"]),
        dry_run=item["dry_run"],
        matched=item["matched"],
        published=item["published"],
        slices=item["slices"],
        position=item.get("position"),
        version=item["version"],
    )
