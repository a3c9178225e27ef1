"""The bucket trigger of media.

Browser → quarantine bucket → `media_uploaded` (here) → MediaUploaded → bus rule
`start-media-pipeline` → workflow `media-pipeline` → `media_steps` → topic `media-events`.
An invocation that fails twice more ends in `async-dlq`.
"""

import logging
from typing import Final

from chalicelib.edge.uploads import UploadBlueprint, Uploaded
from chalicelib.kernel.clock import SystemClock
from chalicelib.media.arriving import Deps, take_upload
from chalicelib.media.pipeline_wiring import originals, uploads

blueprint: Final = UploadBlueprint(__name__)
logger: Final = logging.getLogger(__name__)


@blueprint.s3_source(prefix="raw/", name="media_uploaded")
def media_uploaded(uploaded: Uploaded) -> None:
    """Tell the upload that its file is there."""
    taken = take_upload(uploaded.key, uploaded.etag, Deps(uploads(), originals(), SystemClock()))
    logger.info("upload taken", extra={"outcome": "taken" if taken else "ignored"})
