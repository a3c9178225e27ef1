"""The real adapters of analytics, built once per process."""

from functools import lru_cache

from chalicelib.analytics.service import Deps
from chalicelib.analytics.store import JournalDays, ReportRows
from chalicelib.aws.settings import settings
from chalicelib.aws.tables import core_table
from chalicelib.kernel.clock import SystemClock


@lru_cache(maxsize=1)
def deps() -> Deps:
    """What reports of this process are made with."""
    return Deps(
        journal=JournalDays(core_table()),
        reports=ReportRows(core_table()),
        clock=SystemClock(),
        currency=settings().shop_currency,
    )
