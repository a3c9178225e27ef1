"""Daily reports: one for each UTC day, however often the schedule fires."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from chalicelib.analytics.rules import DailyReport, day_of, report_of, reportable_days
from chalicelib.kernel.clock import Clock, instant
from chalicelib.kernel.domain_events import DAILY_REPORT_READY, Actor, Cause, DomainEvent
from chalicelib.kernel.errors import NotFound

REPORTER = Actor("system", "daily_report")


class Journal(Protocol):
    """The events of the shop by time."""

    def of_day(self, day: date) -> Iterable[DomainEvent]:
        """Every event of a UTC day, each once."""
        ...


class Reports(Protocol):
    """The reports of the shop."""

    def get(self, day: str) -> DailyReport | None:
        """The report of a day."""
        ...

    def add(self, report: DailyReport, event: DomainEvent) -> bool:
        """Store a new one with its event; False if that day has its report."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """What reports are made with."""

    journal: Journal
    reports: Reports
    clock: Clock
    currency: str


def report_missing_days(scheduled_at: datetime, correlation_id: str, deps: Deps) -> list[str]:
    """Report every day of the last seven that has no report yet; the days reported (T36).

    A tick that comes late looks at the days before its scheduled time; one that comes early
    does not report a day that is not over.
    """
    now = min(scheduled_at, deps.clock.now())
    missing = [day for day in reportable_days(now) if deps.reports.get(day.isoformat()) is None]
    return [day.isoformat() for day in missing if _report(day, correlation_id, deps)]


def _report(day: date, correlation_id: str, deps: Deps) -> bool:
    at = instant(deps.clock.now())
    report = report_of(day, deps.journal.of_day(day), deps.currency, at)
    told = DAILY_REPORT_READY.data(day=report.day)
    cause = Cause(at, REPORTER, correlation_id)
    event = DomainEvent(DAILY_REPORT_READY, f"report_{report.day}", 1, cause, told)
    return deps.reports.add(report, event)


def daily_report(day: str, deps: Deps) -> DailyReport:
    """The report of a day; NotFound if there is none or the day is none."""
    report = deps.reports.get(day) if day_of(day) else None
    if report is None:
        raise NotFound
    return report
