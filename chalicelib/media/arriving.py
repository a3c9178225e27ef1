"""A file arrived in the quarantine: the upload it belongs to is told once."""

from dataclasses import dataclass, replace
from typing import Final

from chalicelib.kernel.clock import Clock, instant
from chalicelib.kernel.domain_events import MEDIA_UPLOADED, Actor, Cause
from chalicelib.kernel.ids import is_id
from chalicelib.media.moves import Move, Originals, Overtaken, Uploads
from chalicelib.media.rules import Status, media_id_of

ACTOR: Final = Actor("system", "media_uploaded")


@dataclass(frozen=True, slots=True)
class Deps:
    """What the arrival of a file needs."""

    uploads: Uploads
    originals: Originals
    clock: Clock


def take_upload(key: str, etag: str, deps: Deps) -> bool:
    """Pin the ETag of the first file that came for an upload; False if it changes nothing.

    A second event for the object, a second file and a file nobody asked for have no effect: what
    is inspected is the file whose ETag is pinned here.
    """
    media_id = media_id_of(key)
    upload = deps.uploads.media(media_id) if is_id(media_id, "med") else None
    if upload is None or upload.status is not Status.AWAITING:
        return False
    pinned = etag or deps.originals.etag(key)
    if pinned is None:
        return False
    cause = Cause(instant(deps.clock.now()), ACTOR, upload.correlation_id)
    after = replace(upload, status=Status.UPLOADED, etag=pinned)
    try:
        deps.uploads.move(Move(upload, after, MEDIA_UPLOADED, cause, {"etag": pinned}))
    except Overtaken:
        return False
    return True
