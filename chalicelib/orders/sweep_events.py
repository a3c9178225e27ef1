"""The sweeper: every minute it finds what all others have left behind."""

import logging
from collections.abc import Callable
from typing import Final

from chalice.app import CloudWatchEvent, Rate

from chalicelib.edge.blueprints import EventBlueprint
from chalicelib.orders.sweep_wiring import sweeps

logger: Final = logging.getLogger(__name__)
blueprint: Final = EventBlueprint(__name__)


class SweepFailed(RuntimeError):
    """Some of the sweeps did not come to their end; the next minute tries again."""


@blueprint.schedule(Rate(1, unit=Rate.MINUTES), name="sweeper")
def sweeper(_event: CloudWatchEvent) -> None:
    """Look after everything that is overdue; one sweep's failure does not stop the others."""
    failed = [name for name, sweep in sweeps().items() if not _is_swept(name, sweep)]
    if failed:
        raise SweepFailed(", ".join(failed))


def _is_swept(name: str, sweep: Callable[[], object]) -> bool:
    try:
        sweep()
    except Exception:
        logger.exception("sweep failed", extra={"source": name})
        return False
    return True
