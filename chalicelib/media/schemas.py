"""Wire models of uploads."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from chalicelib.media.rules import UPLOAD_BYTES_MAX
from chalicelib.products.presentation import ProductView
from chalicelib.wire.models import Request, View, line

Alt = Annotated[str, line(0, 200)]


class RequestUpload(Request):
    """A file that somebody wants to send."""

    purpose: Literal["product", "chat"]
    filename: Annotated[str, line(1, 200)]
    content_type: Literal["image/jpeg", "image/png", "image/webp", "image/gif"]
    size: Annotated[int, Field(ge=1, le=UPLOAD_BYTES_MAX)]
    alt: Alt = ""


class AttachPicture(Request):
    """Where a picture is to hang."""

    product_id: Annotated[str, line(1, 40)]
    alt: Alt | None = None
    position: Annotated[int, Field(ge=0, le=99)] = 0

    @field_validator("alt", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        # Absent means the words that came with the upload.
        if value is None:
            raise ValueError("must not be null")
        return value


class RenditionView(View):
    """One published file."""

    name: str
    format: str
    width: int
    height: int
    bytes: int
    url: str


class MediaView(View):
    """An upload as its owner sees it."""

    id: str
    purpose: str
    status: str
    content_type: str | None
    width: int | None
    height: int | None
    placeholder: str | None
    alt: str
    reject_reason: str | None
    renditions: list[RenditionView]
    attached_to: str | None
    created_at: str
    updated_at: str
    version: int


class UploadForm(View):
    """What the file is posted with, and until when."""

    url: str
    fields: dict[str, str]
    expires_at: str


class RequestedView(View):
    """An upload that waits for its file."""

    media: MediaView
    upload: UploadForm


class AttachedView(View):
    """The product with its pictures."""

    product: ProductView


class ReprocessedView(View):
    """The upload that is processed again."""

    media: MediaView
