"""The schedule of analytics."""

import logging
from datetime import UTC, datetime
from typing import Final

from chalice.app import CloudWatchEvent, Cron

from chalicelib.analytics.service import report_missing_days
from chalicelib.analytics.wiring import deps
from chalicelib.edge.blueprints import EventBlueprint, new_correlation_id

blueprint: Final = EventBlueprint(__name__)
logger: Final = logging.getLogger(__name__)


class TickMalformed(ValueError):
    """The schedule did not say when it fired; nothing was reported."""


def _moment(written: object) -> datetime:
    try:
        written_at = datetime.fromisoformat(str(written))
    except ValueError as error:
        raise TickMalformed("time") from error
    if written_at.tzinfo is None:
        raise TickMalformed("a time without its zone")
    return written_at.astimezone(UTC)


@blueprint.schedule(Cron(0, 6, "*", "*", "?", "*"), name="daily_report")
def daily_report(event: CloudWatchEvent) -> None:
    """Report every missing day of the last seven."""
    scheduled_at = _moment(event.to_dict()["time"])
    reported = report_missing_days(scheduled_at, new_correlation_id(), deps())
    logger.info("reported", extra={"count": len(reported)})
