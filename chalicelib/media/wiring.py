"""The real adapters of the upload routes, built once per process."""

from functools import lru_cache

from chalicelib.aws.objects import Bucket, Form, Upload
from chalicelib.aws.settings import settings
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.ids import Ids
from chalicelib.media.pipeline_wiring import quarantine, uploads
from chalicelib.media.service import Deps
from chalicelib.products.hanging import wall


class SignedForms:
    """The quarantine as the routes use it; implements `service.Quarantine`."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def form(self, key: str, media_type: str, bytes_max: int, valid_s: int) -> Form:
        """The signed form for exactly this key and type."""
        return self._bucket.form(Upload(key, media_type, bytes_max, valid_s))

    def etag(self, key: str) -> str | None:
        """The ETag of the object; None if there is none."""
        return self._bucket.etag(key)


@lru_cache(maxsize=1)
def deps() -> Deps:
    """What the use cases of uploads need."""
    return Deps(uploads(), SignedForms(quarantine()), wall(), SystemClock(), Ids())


def media_base_url() -> str:
    """Under which renditions answer."""
    return settings().media_base_url
