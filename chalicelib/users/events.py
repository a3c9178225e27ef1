"""The schedule of this slice: key rings are rotated every thirty days."""

import logging
from datetime import timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from chalice.app import CloudWatchEvent, Rate

from chalicelib.aws.clients import client
from chalicelib.aws.rotation import Rotation
from chalicelib.aws.settings import settings
from chalicelib.edge.blueprints import EventBlueprint
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.ids import Ids

# The identity ring seals fields that were written under any of its versions, and its first one
# holds pepper and look-up keys. The gateway's key is set by hand, by whoever has the contract.
ROTATED: Final = MappingProxyType(
    {"tokens": False, "identity": True, "links": False, "webhook": False}
)

# A ring is kept for five minutes, and a token made with its current key lives for fifteen.
LEAST_AGE: Final = timedelta(minutes=20)
blueprint: Final = EventBlueprint(__name__)
logger: Final = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def rotation() -> Rotation:
    """The rotation of this deployment's secrets."""
    return Rotation(client("secretsmanager"), settings().secret_id, Ids().token_bytes)


@blueprint.schedule(Rate(30, unit=Rate.DAYS), name="rotate_secrets")
def rotate_secrets(_event: CloudWatchEvent) -> None:
    """Give every ring a new current key; the one before stays valid until the next time.

    A schedule may fire twice, and a second rotation would end what the first has just replaced
    and functions still make and accept: rings rotated a moment ago are left alone.
    """
    due = rotation().due(ROTATED, SystemClock().now() - LEAST_AGE)
    if due:
        rotation().rotate(due)
    logger.info("secrets rotated", extra={"count": len(due)})
