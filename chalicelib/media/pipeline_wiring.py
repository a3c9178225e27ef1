"""The real adapters of arriving files, pipeline steps and sweeping; light enough for them all."""

from functools import lru_cache

from chalicelib.aws.objects import Bucket, bucket
from chalicelib.aws.settings import settings
from chalicelib.aws.tables import core_table
from chalicelib.media.findings import Painter
from chalicelib.media.store import MediaTable, OriginalBucket


@lru_cache(maxsize=1)
def uploads() -> MediaTable:
    """The uploads of this process."""
    return MediaTable(core_table())


@lru_cache(maxsize=1)
def originals() -> OriginalBucket:
    """The quarantine of this stage."""
    return OriginalBucket(quarantine())


def quarantine() -> Bucket:
    """The bucket that browsers post to."""
    return bucket(settings().uploads_bucket)


def gallery() -> Bucket:
    """The bucket that the public reads."""
    return bucket(settings().media_bucket)


@lru_cache(maxsize=1)
def painter() -> Painter:
    """The painter of this process; loaded by the first picture, since the API has none."""
    from chalicelib.media.painting import PillowPainter  # noqa: PLC0415 - see the docstring

    return PillowPainter()
