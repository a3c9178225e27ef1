"""Uploads as their owners and the catalogue's staff use them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from chalicelib.kernel.clock import Clock, instant, later
from chalicelib.kernel.domain_events import MEDIA_DELETED, MEDIA_REPROCESS_REQUESTED, Cause
from chalicelib.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from chalicelib.kernel.ids import Ids, is_id
from chalicelib.media.moves import Move, Overtaken, Uploads
from chalicelib.media.rules import (
    FORM_VALID_S,
    UPLOAD_BYTES_MAX,
    Media,
    NotUsable,
    OriginalGone,
    Status,
    original_key,
)
from chalicelib.media.schemas import AttachPicture, RequestUpload
from chalicelib.products.service import Display

CHANGE_TRIES = 4


class Visitor(NamedTuple):
    """Who asks, and whether the catalogue is theirs to keep."""

    user_id: str
    keeps_catalogue: bool


@dataclass(frozen=True, slots=True)
class Requested:
    """An upload that waits for its file, and what the file is posted with."""

    media: Media
    url: str
    fields: Mapping[str, str]
    expires_at: str


class MediaRows(Uploads, Protocol):
    """Where uploads are kept, with what changes together with products."""

    def add(self, media: Media) -> None:
        """Write a new upload."""
        ...

    def hang(self, media: Media, product_id: str, others: Sequence[Any]) -> None:
        """Hang a picture with the product's writes (Any: they are the store's own)."""
        ...

    def move_with(self, move: Move, others: Sequence[Any]) -> Media:
        """Write a move with the product's writes (Any: they are the store's own)."""
        ...


class Quarantine(Protocol):
    """Where browsers post files."""

    def form(self, key: str, media_type: str, bytes_max: int, valid_s: int) -> Any:
        """The signed form: `url` and `fields` (Any: the adapter's own)."""
        ...

    def etag(self, key: str) -> str | None:
        """The ETag of the object; None if there is none."""
        ...


class Wall(Protocol):
    """The pictures of products."""

    def hang(
        self, product_id: str, media_id: str, alt: str, position: int, cause: Cause
    ) -> Any | None:  # Any: the product and the writes, see products.hanging
        """Hang a picture; None if there is no such product."""
        ...

    def take_down(self, product_id: str, media_id: str, cause: Cause) -> Any | None:
        """Take a picture down; None if there is no such product (Any: as above)."""
        ...

    def display(self, product_id: str) -> Display | None:
        """The product as it stands now."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """What the use cases of uploads need."""

    uploads: MediaRows
    quarantine: Quarantine
    wall: Wall
    clock: Clock
    ids: Ids


def request_upload(wanted: RequestUpload, owner_id: str, cause: Cause, deps: Deps) -> Requested:
    """An upload that waits for its file, and a form for exactly that file, good for 5 minutes."""
    media = Media(
        id=deps.ids.new("med"),
        owner_id=owner_id,
        purpose=wanted.purpose,
        filename=wanted.filename,
        declared_type=wanted.content_type,
        declared_size=wanted.size,
        status=Status.AWAITING,
        alt=wanted.alt,
        correlation_id=cause.correlation_id,
        created_at=cause.occurred_at,
        updated_at=cause.occurred_at,
        version=1,
    )
    deps.uploads.add(media)
    form = deps.quarantine.form(
        original_key(media.id), wanted.content_type, UPLOAD_BYTES_MAX, FORM_VALID_S
    )
    expires_at = instant(later(deps.clock.now(), FORM_VALID_S))
    return Requested(media, form.url, form.fields, expires_at)


def read_media(media_id: str, visitor: Visitor, deps: Deps) -> Media:
    """The upload of its owner, or any for the catalogue's staff; NotFound otherwise."""
    media = deps.uploads.media(media_id)
    if media is None or media.status is Status.DELETED:
        raise NotFound
    if media.owner_id != visitor.user_id and not visitor.keeps_catalogue:
        raise NotFound
    return media


def attach_picture(
    media_id: str, wanted: AttachPicture, visitor: Visitor, cause: Cause, deps: Deps
) -> Display:
    """The product with the picture hung, or hung anew; NotUsable unless it is ready and free."""
    for _ in range(CHANGE_TRIES):
        media = read_media(media_id, visitor, deps)
        if not _is_hangable(media, wanted.product_id):
            raise NotUsable
        alt = media.alt if wanted.alt is None else wanted.alt
        rehung = None
        if is_id(wanted.product_id, "prd"):
            rehung = deps.wall.hang(wanted.product_id, media_id, alt, wanted.position, cause)
        if rehung is None:
            raise Invalid.field("product_id", "unknown_product", "There is no such product.")
        try:
            deps.uploads.hang(media, wanted.product_id, rehung.writes)
        except Overtaken:
            continue
        return _displayed(wanted.product_id, deps)
    raise Unavailable


def reprocess(media_id: str, visitor: Visitor, cause: Cause, deps: Deps) -> Media:
    """The upload back in the pipeline; its old renditions stay in use until there are new ones."""
    for _ in range(CHANGE_TRIES):
        media = read_media(media_id, visitor, deps)
        if media.status not in {Status.READY, Status.FAILED}:
            raise Conflict
        if media.etag is None or deps.quarantine.etag(original_key(media_id)) != media.etag:
            raise OriginalGone
        after = replace(media, status=Status.UPLOADED, run=None, claimed_at=None, looks=0)
        move = Move(media, after, MEDIA_REPROCESS_REQUESTED, cause, {"etag": media.etag})
        try:
            return deps.uploads.move(move)
        except Overtaken:
            continue
    raise Unavailable


def delete_media(media_id: str, visitor: Visitor, cause: Cause, deps: Deps) -> None:
    """Take the picture down and forget the upload; refused while the pipeline has it in hand."""
    for _ in range(CHANGE_TRIES):
        media = read_media(media_id, visitor, deps)
        if not media.may_become(Status.DELETED):
            raise Conflict
        after = replace(media, status=Status.DELETED, attached_to=None, renditions=())
        move = Move(media, after, MEDIA_DELETED, cause)
        rehung = None
        if media.attached_to is not None:
            rehung = deps.wall.take_down(media.attached_to, media_id, cause)
        try:
            deps.uploads.move_with(move, rehung.writes if rehung else ())
        except Overtaken:
            continue
        if media.attached_to is not None:
            deps.wall.display(media.attached_to)
        return
    raise Unavailable


def _is_hangable(media: Media, product_id: str) -> bool:
    is_free = media.attached_to in {None, product_id}
    return media.status is Status.READY and media.purpose == "product" and is_free


def _displayed(product_id: str, deps: Deps) -> Display:
    display = deps.wall.display(product_id)
    if display is None:
        raise NotFound
    return display
