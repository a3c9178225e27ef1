"""A generated month of orders against its daily reports, through the use case."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.analytics.rules import DailyReport
from chalicelib.analytics.service import Deps, report_missing_days
from chalicelib.kernel.clock import instant, moment
from chalicelib.kernel.domain_events import EVENT_TYPES, Actor, Cause, DomainEvent

MONTH_BEGINS = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = [(MONTH_BEGINS + timedelta(days=number)).date().isoformat() for number in range(31)]


@dataclass
class Shop:
    """A journal, the reports and a clock that the test moves."""

    events: list[DomainEvent] = field(default_factory=list)
    reports: dict[str, DailyReport] = field(default_factory=dict)
    ready: list[str] = field(default_factory=list)
    time: datetime = MONTH_BEGINS

    def now(self) -> datetime:
        """What the test says."""
        return self.time

    def of_day(self, day: date) -> Iterator[DomainEvent]:
        """The events of a day."""
        return (one for one in self.events if moment(one.occurred_at).date() == day)

    def get(self, day: str) -> DailyReport | None:
        """The report of a day."""
        return self.reports.get(day)

    def add(self, report: DailyReport, event: DomainEvent) -> bool:
        """Store one report a day."""
        if report.day in self.reports:
            return False
        self.reports[report.day] = report
        self.ready.append(event.data["day"])
        return True

    def tick(self, scheduled_at: datetime) -> None:
        """The schedule fires."""
        report_missing_days(scheduled_at, "corr-0001", Deps(self, self, self, "EUR"))

    def happened(self, name: str, at: datetime, order: str, **data: Any) -> None:
        """Put an event of an order into the journal."""
        kind = EVENT_TYPES[name]
        told = kind.data(**{one: data.get(one) for one in kind.fields})
        cause = Cause(instant(at), Actor("system", "test"), "corr-0001")
        self.events.append(DomainEvent(kind, order, len(self.events) + 1, cause, told))


def a_month(shop: Shop, seeded: random.Random) -> dict[str, Counter[str]]:
    """Four hundred orders; what each day must report, summed while they are made."""
    expected = {day: Counter[str]() for day in [*DAYS, "2026-04-01"]}
    for number in range(400):
        placed = MONTH_BEGINS + timedelta(seconds=seeded.randrange(31 * 86_400))
        paid = placed + timedelta(seconds=seeded.randrange(7_200))
        order, units = f"ord_{number}", seeded.randrange(1, 5)
        variant, total = f"var_{seeded.randrange(8)}", units * 1000
        shop.happened("OrderPlaced", placed, order, total=total)
        expected[placed.date().isoformat()]["placed"] += 1
        sums = expected[paid.date().isoformat()]
        if seeded.random() < 0.2:
            shop.happened("OrderFailed", paid, order, reason="out_of_stock")
            sums["failed"] += 1
            continue
        shop.happened("OrderPaid", paid, order, total=total, lines=[_line(variant, units)])
        sums.update({"paid": 1, "revenue": total, "units": units, variant: units})
        if seeded.random() < 0.3:
            shop.happened("RefundSettled", paid, order, kind="refund", refund_amount=500)
            sums["refunded"] += 500
    return expected


def _line(variant: str, units: int) -> dict[str, Any]:
    return {"variant_id": variant, "product_id": "prd_1", "quantity": units}


@pytest.mark.parametrize("seed", range(4127, 4137))
@pytest.mark.covers(39)
def test_every_day_equals_a_recomputation_from_its_orders(seed: int) -> None:
    """After duplicated, missed and late ticks each day has one report with the right sums."""
    seeded, shop = random.Random(seed), Shop()
    expected = a_month(shop, seeded)
    for day in range(1, 38):
        scheduled_at = MONTH_BEGINS + timedelta(days=day, hours=6)
        late = timedelta(hours=seeded.choice([0, 0, 0, 1, 30, 70]))
        shop.time = max(shop.time, scheduled_at + late)
        for _ in range(seeded.choice([0, 1, 1, 2, 3]) if day < 37 else 1):
            shop.tick(scheduled_at)
    for day_ in DAYS:
        report, sums = shop.reports[day_], expected[day_]
        told = (report.orders_placed, report.orders_paid, report.revenue, report.refunded)
        assert told == (sums["placed"], sums["paid"], sums["revenue"], sums["refunded"])
        assert report.units == sums["units"]
        assert report.orders_failed.get("out_of_stock", 0) == sums["failed"]
        top = sorted((-sums[name], name) for name in sums if name.startswith("var_"))[:5]
        assert [(-one.units, one.variant_id) for one in report.top_variants] == top
    assert len(shop.ready) == len(set(shop.ready))
