"""Uploads: their states, who may see and change them, what happens when; pure and total."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from chalicelib.kernel.errors import Conflict

UPLOAD_BYTES_MAX: Final = 20_971_520
FORM_VALID_S: Final = 300
UPLOAD_DUE_S: Final = 3600
PIPELINE_DUE_S: Final = 900
LOOKS_MAX: Final = 5


class Status(StrEnum):
    """How far an upload has come."""

    AWAITING = "AWAITING"
    UPLOADED = "UPLOADED"
    PROCESSING = "PROCESSING"
    READY = "READY"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    DELETED = "DELETED"


TRANSITIONS: Final[Mapping[Status, frozenset[Status]]] = MappingProxyType(
    {
        Status.AWAITING: frozenset({Status.UPLOADED, Status.EXPIRED, Status.DELETED}),
        Status.UPLOADED: frozenset({Status.PROCESSING, Status.FAILED}),
        Status.PROCESSING: frozenset(
            {Status.PROCESSING, Status.READY, Status.REJECTED, Status.FAILED}
        ),
        Status.READY: frozenset({Status.UPLOADED, Status.DELETED}),
        Status.REJECTED: frozenset({Status.DELETED}),
        Status.FAILED: frozenset({Status.UPLOADED, Status.DELETED}),
        Status.EXPIRED: frozenset({Status.DELETED}),
        Status.DELETED: frozenset(),
    }
)

_DUE_S: Final[Mapping[Status, int]] = MappingProxyType(
    {
        Status.AWAITING: UPLOAD_DUE_S,
        Status.UPLOADED: PIPELINE_DUE_S,
        Status.PROCESSING: PIPELINE_DUE_S,
        Status.DELETED: 0,
    }
)


class OriginalGone(Conflict):
    """The upload itself is no longer there to be processed again."""

    code = "original_gone"
    message = "The original is gone; upload the picture again."


class NotUsable(Conflict):
    """The picture is not ready, or hangs at another product."""

    message = "The picture is not ready, or is in use elsewhere."


@dataclass(frozen=True, slots=True)
class Stored:
    """One published rendition."""

    name: str
    format: str
    width: int
    height: int
    bytes: int
    key: str


@dataclass(frozen=True, slots=True)
class Media:
    """An upload and what became of it; what is not known yet is None."""

    id: str
    owner_id: str
    purpose: str
    filename: str
    declared_type: str
    declared_size: int
    status: Status
    alt: str
    correlation_id: str
    created_at: str
    updated_at: str
    version: int
    etag: str | None = None
    content_type: str | None = None
    width: int | None = None
    height: int | None = None
    sha256: str | None = None
    placeholder: str | None = None
    reject_reason: str | None = None
    renditions: tuple[Stored, ...] = ()
    attached_to: str | None = None
    run: str | None = None
    claimed_at: str | None = None
    looks: int = 0

    def may_become(self, status: Status) -> bool:
        """Whether the drawing of states has that arrow."""
        return status in TRANSITIONS[self.status]

    @property
    def is_working(self) -> bool:
        """Whether the pipeline has it in hand."""
        return self.status in {Status.UPLOADED, Status.PROCESSING}


def due_after_s(status: Status) -> int | None:
    """Seconds after which the sweeper looks at it; None if never."""
    return _DUE_S.get(status)


def original_key(media_id: str) -> str:
    """Where the original lies in the quarantine."""
    return f"raw/{media_id}"


def media_id_of(key: str) -> str:
    """The upload that an original's key names."""
    return key.removeprefix("raw/")


def published_prefix(media_id: str) -> str:
    """Under which all renditions of an upload are published."""
    return f"media/{media_id}/"
