"""Pictures as the catalogue shows them, and the shape of the media rows that they are read from.

Media writes these rows and stands above; the shape stands here so that both agree on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SIZES: Final = ("thumb", "small", "medium", "large")
FORMATS: Final = ("avif", "webp", "jpeg")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with the addresses of its renditions by size and format."""

    media_id: str
    placeholder: str
    width: int
    height: int
    urls: Mapping[str, Mapping[str, str]]


def media_key(media_id: str) -> tuple[str, str]:
    """The row of a picture or other upload."""
    return f"MEDIA#{media_id}", "META"


def rendition_url(base_url: str, key: str) -> str:
    """Where a rendition answers GET without credentials."""
    return f"{base_url}/{key}"


def picture_of(row: Mapping[str, Any], base_url: str) -> Picture | None:  # Any: an item
    """The picture in a media row; None until its renditions are there."""
    urls: dict[str, dict[str, str]] = {size: {} for size in SIZES}
    for rendition in row.get("renditions", ()):
        url = rendition_url(base_url, rendition["key"])
        urls.setdefault(rendition["name"], {})[rendition["format"]] = url
    if row.get("status") == "DELETED" or not all(len(urls[size]) == len(FORMATS) for size in SIZES):
        return None
    return Picture(row["id"], row["placeholder"], row["width"], row["height"], urls)
