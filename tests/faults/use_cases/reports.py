"""The daily report: two missed days, a schedule that fires twice, and one mail for each day."""

from datetime import UTC, datetime, timedelta

from tests.faults.harness.clients import ClientSession
from tests.faults.harness.clock import START
from tests.faults.harness.rows import read_books
from tests.faults.harness.world import World
from tests.faults.use_cases.journey import Journey, Visit, ends
from tests.faults.use_cases.shop import CORE
from tests.faults.use_cases.telling import told_once

DAYS_BEFORE = 7
MISSED = 2
FIRES_AT = datetime(2026, 3, 4, 6, 0, tzinfo=UTC)


def sell_and_miss(visit: Visit) -> None:
    """The days before are reported, something is sold, and the next two days nothing fires."""
    world = visit.session.world
    world.fire("daily_report")
    visit.finish()
    visit.place("lamp")
    visit.finish()
    world.clock.advance_to(FIRES_AT.timestamp())


def fire_twice(visit: Visit) -> None:
    """The schedule fires, and fires again before the mails are out."""
    for _ in range(2):
        visit.session.world.fire("daily_report")


def one_report_a_day(world: World, session: ClientSession) -> list[str]:
    """Every day up to yesterday has one report, as its orders say, and one mail."""
    rows = world.substrate.rows(CORE)
    reports = {row["day"]: row for row in rows if row["pk"].startswith("REPORT#") and "day" in row}
    found = [] if sorted(reports) == _days() else [f"T36 reports of {sorted(reports)}"]
    (order,) = read_books(rows).orders.values()
    for day, report in reports.items():
        is_sold = order["placed_at"].startswith(day)
        told = [report[name] for name in ("orders_placed", "orders_paid", "units", "revenue")]
        if told != ([1, 1, 1, order["total"]] if is_sold else [0, 0, 0, 0]):
            found.append(f"T36 {day}: {told}")
    return found + told_once(world, session)


def _days() -> list[str]:
    first = START.date() - timedelta(days=DAYS_BEFORE)
    return [(first + timedelta(days=n)).isoformat() for n in range(DAYS_BEFORE + MISSED)]


USE_CASES = (
    Journey(
        "daily_report", fire_twice, ends("PAID"), check=one_report_a_day, prepare=sell_and_miss
    ),
)
