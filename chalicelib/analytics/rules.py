"""The daily report: sums over one UTC day of the event journal."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from chalicelib.kernel.domain_events import DomainEvent

CATCH_UP_DAYS: Final = 7
TOP_VARIANTS: Final = 5
# An event is dated before it is committed, and a request may take half a minute.
SETTLED_S: Final = 120


@dataclass(frozen=True, slots=True)
class TopVariant:
    """A variant and how many units of it were paid for."""

    variant_id: str
    units: int


@dataclass(frozen=True, slots=True)
class DailyReport:
    """What happened on one day; money in minor units."""

    day: str
    orders_placed: int
    orders_paid: int
    orders_failed: dict[str, int]
    units: int
    revenue: int
    refunded: int
    currency: str
    top_variants: tuple[TopVariant, ...]
    created_at: str


@dataclass(slots=True)
class Tally:
    """The sums of a day while its events are read."""

    counts: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    variants: Counter[str] = field(default_factory=Counter)

    def add(self, event: DomainEvent) -> None:
        """Count one event; most types change nothing."""
        data = event.data
        match event.type.name:
            case "OrderPlaced":
                self.counts["placed"] += 1
            case "OrderPaid":
                self.counts["paid"] += 1
                self.counts["revenue"] += data["total"]
                for line in data["lines"]:
                    self.variants[line["variant_id"]] += line["quantity"]
            case "OrderFailed":
                self.failed[data["reason"]] += 1
            case "RefundSettled":
                self.counts["refunded"] += data["refund_amount"]
            case _:
                pass


def report_of(
    day: date, events: Iterable[DomainEvent], currency: str, created_at: str
) -> DailyReport:
    """The report of a day from all its events."""
    tally = Tally()
    for event in events:
        tally.add(event)
    # Equal units are told in the order of ids, so that a recomputation gives the same report.
    ranked = sorted(tally.variants.items(), key=lambda entry: (-entry[1], entry[0]))
    return DailyReport(
        day=day.isoformat(),
        orders_placed=tally.counts["placed"],
        orders_paid=tally.counts["paid"],
        orders_failed=dict(sorted(tally.failed.items())),
        units=tally.variants.total(),
        revenue=tally.counts["revenue"],
        refunded=tally.counts["refunded"],
        currency=currency,
        top_variants=tuple(TopVariant(*entry) for entry in ranked[:TOP_VARIANTS]),
        created_at=created_at,
    )


def reportable_days(now: datetime) -> Iterator[date]:
    """The last seven UTC days that are over, oldest first."""
    today = (now.astimezone(UTC) - timedelta(seconds=SETTLED_S)).date()
    for back in range(CATCH_UP_DAYS, 0, -1):
        yield today - timedelta(days=back)


def day_of(written: str) -> date | None:
    """The day that `written` (YYYY-MM-DD) names; None for any other text."""
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return None
    return day if day.isoformat() == written else None
