"""What the first bytes of a file say: its type, its size in pixels, how many frames it holds.

Read from the bytes before any decoder runs, since some decoders reserve memory for the whole
canvas as soon as they open a file. Never trusts the file's name or the declared type.
"""

import struct
from dataclasses import dataclass
from typing import Final

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
WEBP: Final = "image/webp"
GIF: Final = "image/gif"

SIDE_PX_MAX: Final = 16_384
PIXELS_MAX: Final = 50_000_000
FRAMES_MAX: Final = 100

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_GIF_EXTENSION: Final = 0x21
_GIF_IMAGE: Final = 0x2C
_GIF_TABLE: Final = 0x80


class Malformed(Exception):
    """The file breaks its own format."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a file says about itself; the decoder has the last word on the size of a JPEG."""

    width: int
    height: int
    frames: int


def sniff(raw: bytes) -> str | None:
    """The media type by magic bytes; None if it is none of the four that the shop takes."""
    if raw.startswith(b"\xff\xd8\xff"):
        return JPEG
    if raw.startswith(_PNG_SIGNATURE):
        return PNG
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return WEBP
    if raw[:6] in {b"GIF87a", b"GIF89a"}:
        return GIF
    return None


def claim_of(raw: bytes, media_type: str) -> Claim:
    """Size and frames as the headers tell them; Malformed if they cannot be read."""
    try:
        match media_type:
            case "image/png":
                return _png(raw)
            case "image/webp":
                return _webp(raw)
            case "image/gif":
                return _gif(raw)
            case _:
                return _jpeg(raw)
    except (struct.error, IndexError) as error:
        raise Malformed("the file ends within its headers") from error


def is_too_large(width: int, height: int) -> bool:
    """Whether a picture has more pixels, or a longer side, than the shop decodes."""
    return max(width, height) > SIDE_PX_MAX or width * height > PIXELS_MAX


def _png(raw: bytes) -> Claim:
    if raw[12:16] != b"IHDR":
        raise Malformed("no IHDR")
    width, height = struct.unpack_from(">II", raw, 16)
    return Claim(width, height, _png_frames(raw))


def _png_frames(raw: bytes) -> int:
    """Frames of an animated PNG: told before the first pixel, or there are none."""
    at = 8
    while at + 8 <= len(raw):
        length, kind = struct.unpack_from(">I4s", raw, at)
        if kind == b"acTL":
            return int(struct.unpack_from(">I", raw, at + 8)[0])
        if kind == b"IDAT":
            break
        at += 12 + length
    return 1


def _webp(raw: bytes) -> Claim:
    kind = raw[12:16]
    if kind == b"VP8X":
        width = 1 + int.from_bytes(raw[24:27], "little")
        height = 1 + int.from_bytes(raw[27:30], "little")
        return Claim(width, height, _webp_frames(raw))
    if kind == b"VP8L":
        bits = int(struct.unpack_from("<I", raw, 21)[0])
        return Claim(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), 1)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", raw, 26)
        return Claim(width & 0x3FFF, height & 0x3FFF, 1)
    raise Malformed("no known WebP chunk")


def _webp_frames(raw: bytes) -> int:
    frames, at = 0, 12
    while at + 8 <= len(raw) and frames <= FRAMES_MAX:
        kind, length = struct.unpack_from("<4sI", raw, at)
        frames += kind == b"ANMF"
        at += 8 + length + (length & 1)
    return max(1, frames)


def _gif(raw: bytes) -> Claim:
    """The screen grown to the largest frame, since decoders grow it too."""
    width, height, flags = struct.unpack_from("<HHB", raw, 6)
    at = 13 + _table_bytes(flags)
    frames = 0
    while at < len(raw) and frames <= FRAMES_MAX:
        if raw[at] == _GIF_EXTENSION:
            at = _after_blocks(raw, at + 2)
        elif raw[at] == _GIF_IMAGE:
            left, top, wide, high, flags = struct.unpack_from("<HHHHB", raw, at + 1)
            width, height = max(width, left + wide), max(height, top + high)
            frames += 1
            at = _after_blocks(raw, at + 11 + _table_bytes(flags))
        else:
            break
    if not frames:
        raise Malformed("no frame")
    return Claim(width, height, frames)


def _table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & _GIF_TABLE else 0


def _after_blocks(raw: bytes, at: int) -> int:
    while at < len(raw) and raw[at]:
        at += raw[at] + 1
    return at + 1


def _jpeg(raw: bytes) -> Claim:
    """The first frame header; fill bytes and unknown segments are passed over."""
    at = 2
    while True:
        if raw[at] != 0xFF:  # noqa: PLR2004 - every marker begins so
            raise Malformed("no marker where one must be")
        marker = raw[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - a fill byte
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # noqa: PLR2004 - SOF
            height, width = struct.unpack_from(">HH", raw, at + 5)
            return Claim(width, height, 1)
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # noqa: PLR2004 - markers without length
            at += 2
        elif marker in {0xD9, 0xDA}:
            raise Malformed("no frame header before the pixels")
        else:
            at += 2 + int(struct.unpack_from(">H", raw, at + 2)[0])
