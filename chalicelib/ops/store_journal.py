"""The journal: every event of the shop by time, and those of one aggregate by version."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from chalicelib.aws.event_rows import PREFIX, journal_partition, read_event
from chalicelib.aws.items import Item
from chalicelib.aws.table import Query, Table
from chalicelib.kernel.clock import instant, moment
from chalicelib.kernel.domain_events import UnknownEvent
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.ops.replays import Slice, Span
from chalicelib.ops.rules import aggregate_partition

SCANNED_MAX: Final = 500
_PLACE: Final = ("pk", "sk", "gsi2pk", "gsi2sk")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One event as it was stored."""

    type: str
    source: str
    event_id: str
    schema: int
    aggregate_id: str
    aggregate_version: int
    occurred_at: str
    correlation_id: str
    actor: dict[str, str]
    data: dict[str, Any]  # Any: JSON of many shapes
    relayed_at: str | None


class JournalRows:
    """The event rows of the core table, read by time (index 2) or by aggregate."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, span: Span, position: dict[str, str] | None, most: int) -> Slice:
        """At most `most` events of a span, those of other types passed over."""
        rows, place = self._rows(span, position, most)
        events = []
        for row in rows:
            try:
                events.append(read_event(row))
            except UnknownEvent:
                # Such a row was parked when it was written and cannot be published now either.
                continue
        return Slice(tuple(e for e in events if _is_of(e.type.name, span)), place)

    def entries(self, span: Span, page: PageRequest) -> Page[JournalEntry]:
        """One page of a span, oldest first."""
        position = dict(page.after) if page.after else None
        found: list[Item] = []
        scanned = 0
        while scanned < SCANNED_MAX:
            rows, position = self._rows(span, position, page.limit)
            scanned += max(1, len(rows))
            for row in rows:
                if _is_of(row["type"], span):
                    found.append(row)
                if len(found) == page.limit:
                    position = {name: row[name] for name in _PLACE}
                    return Page(tuple(map(_entry, found)), position)
            if position is None:
                break
        return Page(tuple(map(_entry, found)), position)

    def of_aggregate(self, aggregate_id: str, page: PageRequest) -> Page[JournalEntry]:
        """The history of one aggregate, oldest first; empty for an unknown one."""
        partition = aggregate_partition(aggregate_id)
        if partition is None:
            return Page(())
        query = Query(
            partition,
            sort="begins_with(#sk, :events)",
            values={"events": PREFIX},
            limit=page.limit,
            after=page.after,
        )
        found = self._table.query(query)
        return Page(tuple(map(_entry, found.items)), found.next)

    def _rows(
        self, span: Span, position: dict[str, str] | None, most: int
    ) -> tuple[list[Item], dict[str, str] | None]:
        """At most `most` rows behind a position, and where the next stand, if anywhere."""
        rows: list[Item] = []
        for hour, after in _hours(span, position):
            query = Query(
                hour,
                # Rows sort by instant#id, so those at the end of the span itself are left out.
                sort="#sk BETWEEN :begins AND :ends",
                values={"begins": span.from_at, "ends": span.to_at},
                index="gsi2",
                limit=most - len(rows),
                after=after,
            )
            found = self._table.query(query)
            rows.extend(found.items)
            if found.next is not None:
                return rows, dict(found.next)
            if len(rows) == most:
                return rows, _next_hour(hour, span)
        return rows, None


def _hours(
    span: Span, position: dict[str, str] | None
) -> Iterator[tuple[str, dict[str, str] | None]]:
    """The hours of a span from a position on; the first with the place to go on behind."""
    hour = moment(span.from_at).replace(minute=0, second=0, microsecond=0)
    ends = moment(span.to_at)
    begun = position is None
    while hour < ends:
        partition = journal_partition(instant(hour))
        if position is not None and partition == position["gsi2pk"]:
            begun = True
            yield partition, position if "pk" in position else None
        elif begun:
            yield partition, None
        hour += timedelta(hours=1)


def _next_hour(partition: str, span: Span) -> dict[str, str] | None:
    hours = [name for name, _ in _hours(span, None)]
    later = hours[hours.index(partition) + 1 :]
    return {"gsi2pk": later[0]} if later else None


def _is_of(type_name: str, span: Span) -> bool:
    return not span.types or type_name in span.types


def _entry(row: Item) -> JournalEntry:
    return JournalEntry(
        type=row["type"],
        source=row["source"],
        event_id=row["event_id"],
        schema=row["schema"],
        aggregate_id=row["aggregate_id"],
        aggregate_version=row["aggregate_version"],
        occurred_at=row["occurred_at"],
        correlation_id=row["correlation_id"],
        actor=row["actor"],
        data=row["data"],
        relayed_at=row.get("relayed_at"),
    )
