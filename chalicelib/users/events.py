"""The schedule of this slice: key rings are rotated every thirty days."""

import logging
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from chalice.app import CloudWatchEvent, Rate

from chalicelib.aws.clients import client
from chalicelib.aws.rotation import Rotation
from chalicelib.aws.settings import settings
from chalicelib.edge.blueprints import EventBlueprint
from chalicelib.kernel.ids import Ids

# The identity ring seals fields that were written under any of its versions, and its first one
# holds pepper and look-up keys. The gateway's key is set by hand, by whoever has the contract.
ROTATED: Final = MappingProxyType(
    {"tokens": False, "identity": True, "links": False, "webhook": False}
)

blueprint: Final = EventBlueprint(__name__)
logger: Final = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def rotation() -> Rotation:
    """The rotation of this deployment's secrets."""
    return Rotation(client("secretsmanager"), settings().secret_id, Ids().token_bytes)


@blueprint.schedule(Rate(30, unit=Rate.DAYS), name="rotate_secrets")
def rotate_secrets(_event: CloudWatchEvent) -> None:
    """Give every ring a new current key; the one before stays valid until the next time."""
    rotation().rotate(ROTATED)
    logger.info("secrets rotated")
