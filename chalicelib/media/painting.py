"""Pillow as the painter of this shop."""

from collections.abc import Iterator

from chalicelib.media.findings import Rendition, Verdict
from chalicelib.media.inspection import inspect
from chalicelib.media.renditions import render, tint


class PillowPainter:
    """Implements `findings.Painter`."""

    def inspect(self, raw: bytes, declared_type: str) -> Verdict:
        """Whether the shop takes this file."""
        return inspect(raw, declared_type)

    def render(self, raw: bytes, media_type: str) -> Iterator[Rendition]:
        """The twelve renditions; Undecodable if there are none."""
        return render(raw, media_type)

    def tint(self, raw: bytes, media_type: str) -> str:
        """The mean colour, #rrggbb; Undecodable if there is none."""
        return tint(raw, media_type)
