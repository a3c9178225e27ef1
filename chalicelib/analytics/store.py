"""Reports in the core table, and the journal they are computed from."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta

from chalicelib.analytics.rules import DailyReport, TopVariant
from chalicelib.aws.event_rows import event_put, journal_partition, read_event
from chalicelib.aws.items import Key
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.writes import Put
from chalicelib.kernel.clock import instant
from chalicelib.kernel.domain_events import DomainEvent, UnknownEvent

_FIELDS = (
    *("day", "orders_placed", "orders_paid", "orders_failed", "units"),
    *("revenue", "refunded", "currency", "created_at"),
)


def report_key(day: str) -> Key:
    """The report of one day."""
    return f"REPORT#{day}", "META"


class ReportRows:
    """Reports with their events."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, day: str) -> DailyReport | None:
        """The report of a day."""
        item = self._table.get(report_key(day))
        if item is None:
            return None
        top = tuple(TopVariant(**entry) for entry in item["top_variants"])
        return DailyReport(**{name: item[name] for name in _FIELDS}, top_variants=top)

    def add(self, report: DailyReport, event: DomainEvent) -> bool:
        """Store a new one with its event; False if that day has its report."""
        pk, sk = report_key(report.day)
        item = {"pk": pk, "sk": sk, "version": 1, **asdict(report)}
        try:
            self._table.transact([Put(item, label="report"), event_put(pk, event)])
        except ConditionFailed:
            return False
        return True


class JournalDays:
    """The event rows of the core table by day."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of_day(self, day: date) -> Iterator[DomainEvent]:
        """Every event of a UTC day, each once."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        for hour in range(24):
            yield from self._of_hour(midnight + timedelta(hours=hour))

    def _of_hour(self, hour: datetime) -> Iterator[DomainEvent]:
        query = Query(journal_partition(instant(hour)), index="gsi2", limit=500)
        while True:
            found = self._table.query(query)
            for row in found.items:
                try:
                    yield read_event(row)
                except UnknownEvent:
                    # Parked by the relay when it was written, with an alert.
                    continue
            if found.next is None:
                return
            query = replace(query, after=found.next)
