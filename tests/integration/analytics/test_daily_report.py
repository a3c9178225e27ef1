"""The daily report: one a day, equal to a recomputation, however the schedule fires."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine

from chalicelib.analytics.events import daily_report
from chalicelib.analytics.wiring import deps
from chalicelib.aws.event_rows import event_put
from chalicelib.aws.tables import core_table
from chalicelib.kernel.clock import instant
from chalicelib.kernel.domain_events import EVENT_TYPES, Actor, Cause, DomainEvent
from tests.cloud import cloud
from tests.events import data_of
from tests.front_door import FrontDoor, member, staff_member

CONTEXT = SimpleNamespace(aws_request_id="r")
MONTH_BEGINS = datetime(2026, 3, 1, tzinfo=UTC)
SIX = timedelta(hours=6)


@pytest.fixture(autouse=True)
def _cloud() -> Iterator[None]:
    with cloud():
        yield


def tick(scheduled_at: datetime) -> None:
    """The schedule fires."""
    event = {
        "version": "0",
        "id": "1",
        "account": "1",
        "region": "us-east-1",
        "detail": {},
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "time": f"{scheduled_at:%Y-%m-%dT%H:%M:%SZ}",
        "resources": [],
    }
    daily_report(event, CONTEXT)


def happened(name: str, at: datetime, order: str, version: int, **data: Any) -> None:
    """Put an event of an order into the journal."""
    kind = EVENT_TYPES[name]
    told = data_of(kind, order_id=order, **data)
    cause = Cause(instant(at), Actor("system", "test"), "corr-0001")
    core_table().write(event_put(f"ORDER#{order}", DomainEvent(kind, order, version, cause, told)))


def reported() -> list[str]:
    """The days of the month that have a report."""
    days = [(MONTH_BEGINS + timedelta(days=number)).date().isoformat() for number in range(31)]
    return [day for day in days if deps().reports.get(day)]


def test_the_day_is_half_open_in_utc() -> None:
    """Midnight belongs to the day it begins."""
    midnight = MONTH_BEGINS + timedelta(days=1)
    happened(
        "OrderPlaced",
        midnight - timedelta(milliseconds=1),
        "ord_00000000000000000000000001",
        1,
        total=1,
        lines=[],
    )
    happened("OrderPlaced", midnight, "ord_00000000000000000000000002", 1, total=1, lines=[])
    with time_machine.travel(midnight + timedelta(days=2), tick=False):
        tick(midnight + timedelta(days=2))
    for day in ("2026-03-01", "2026-03-02"):
        report = deps().reports.get(day)
        assert report is not None
        assert report.orders_placed == 1


def test_a_day_that_is_not_over_is_not_reported() -> None:
    """Neither today nor, just after midnight, the day whose requests may still be writing."""
    with time_machine.travel(MONTH_BEGINS + timedelta(days=1, seconds=30), tick=False):
        tick(MONTH_BEGINS + timedelta(days=20))
    assert reported() == []
    with time_machine.travel(MONTH_BEGINS + timedelta(days=1, minutes=3), tick=False):
        tick(MONTH_BEGINS + timedelta(days=1, minutes=3))
    assert reported() == ["2026-03-01"]


def test_a_pause_of_a_week_is_caught_up() -> None:
    """The tick after it reports the seven days before, once."""
    with time_machine.travel(MONTH_BEGINS + timedelta(days=10) + SIX, tick=False):
        tick(MONTH_BEGINS + timedelta(days=10) + SIX)
        tick(MONTH_BEGINS + timedelta(days=10) + SIX)
    assert reported() == [f"2026-03-{day:02d}" for day in range(4, 11)]


def test_reports_are_read_by_those_who_may() -> None:
    """Strangers 401, customers 403, merchants read; a day without report, or none, is 404."""
    with time_machine.travel(MONTH_BEGINS + timedelta(days=1) + SIX, tick=False):
        tick(MONTH_BEGINS + timedelta(days=1) + SIX)
        path = "/admin/reports/daily/2026-03-01"
        assert FrontDoor().get(path).status == 401
        assert member().door.get(path).status == 403
        door = staff_member("merchant").door
        assert door.get(path).body == {
            "day": "2026-03-01",
            "orders_placed": 0,
            "orders_paid": 0,
            "orders_failed": {},
            "units": 0,
            "revenue": 0,
            "refunded": 0,
            "currency": "EUR",
            "top_variants": [],
            "created_at": "2026-03-02T06:00:00.000Z",
        }
        for day in ("2026-03-02", "2026-3-1", "20260301", "2026-02-30", "today"):
            assert door.get(f"/admin/reports/daily/{day}").status == 404
