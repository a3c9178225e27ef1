"""What looking at a picture yields: a verdict, and renditions to publish; no decoder here."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

EXTENSIONS: Final = MappingProxyType({"avif": "avif", "webp": "webp", "jpeg": "jpg"})
MEDIA_TYPES: Final = MappingProxyType(
    {"avif": "image/avif", "webp": "image/webp", "jpeg": "image/jpeg"}
)
_HASH_LENGTH: Final = 16


class Undecodable(Exception):
    """The decoder cannot make pixels of this file."""


class Reason(StrEnum):
    """Why an upload is refused."""

    UNSUPPORTED_TYPE = "unsupported_type"
    TYPE_MISMATCH = "type_mismatch"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_FRAMES = "too_many_frames"
    CORRUPT = "corrupt"
    CHANGED_AFTER_UPLOAD = "changed_after_upload"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: a type and size as people see it, or the reason of the refusal."""

    media_type: str | None
    width: int = 0
    height: int = 0
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Rendition:
    """One picture to publish."""

    name: str
    format: str
    width: int
    height: int
    content: bytes

    def key(self, media_id: str) -> str:
        """Where it is published: under its content's hash, so that it may be kept for ever."""
        digest = hashlib.sha256(self.content).hexdigest()[:_HASH_LENGTH]
        return f"media/{media_id}/{self.name}-{digest}.{EXTENSIONS[self.format]}"


class Painter(Protocol):
    """Judges pictures and makes renditions of them."""

    def inspect(self, raw: bytes, declared_type: str) -> Verdict:
        """Whether the shop takes this file."""
        ...

    def render(self, raw: bytes, media_type: str) -> Iterator[Rendition]:
        """The twelve renditions; Undecodable if there are none."""
        ...

    def tint(self, raw: bytes, media_type: str) -> str:
        """The mean colour, #rrggbb; Undecodable if there is none."""
        ...
