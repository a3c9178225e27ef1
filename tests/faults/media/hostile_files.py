"""Thousands of hostile and odd files, made from a seed: what the world may post to the bucket."""

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from PIL import Image, PngImagePlugin

from tests.pictures import a_photo, srgb_profile, written

SECRET: Final = b"48.2082N-16.3738E-do-not-publish"
TRUNCATIONS: Final = 33
FLIPS: Final = 70
SPLICES: Final = 24
TYPES: Final = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
TAILS: Final = (
    SECRET,
    b"PK\x03\x04" + SECRET,
    b"<html><script>alert(1)</script>" + SECRET,
    b"%PDF-1.7\n" + SECRET,
    b"\x7fELF" + SECRET,
    b"\0" * 5000,
)
MAGIC: Final = {
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/webp": b"RIFF\x24\x00\x00\x00WEBP",
    "image/gif": b"GIF89a",
}


class Hostile(NamedTuple):
    """One file: what is wrong with it, what it is declared as, its bytes."""

    name: str
    declared: str
    raw: bytes


def hostile_files() -> Iterator[Hostile]:
    """All of them, the same on every machine."""
    bases = list(base_files())
    yield from bases
    for family in (truncated, flipped, spliced, mislabelled, with_tails, with_odd_profiles):
        for base in bases:
            yield from family(base)
    for rest in (giants, bombs, mad_animations, odd_png_chunks, odd_jpeg_segments, stubs, noise):
        yield from rest()


def base_files() -> Iterator[Hostile]:
    """Good files of every kind, full of things that must not leave."""
    photo = a_photo(96, 72)
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x0112] = 6
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", SECRET.decode())
    notes.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    full: dict[str, Any] = {"exif": exif, "icc_profile": srgb_profile()}
    made: list[tuple[str, str, Image.Image, dict[str, Any]]] = [
        ("baseline", "JPEG", photo, {**full, "comment": SECRET, "xmp": SECRET}),
        ("progressive", "JPEG", photo, {**full, "progressive": True}),
        ("grey", "JPEG", photo.convert("L"), {"exif": exif}),
        ("cmyk", "JPEG", photo.convert("CMYK"), {"exif": exif}),
        ("rgb", "PNG", photo, {**full, "pnginfo": notes}),
        ("rgba", "PNG", photo.convert("RGBA"), {**full, "pnginfo": notes}),
        ("palette", "PNG", photo.quantize(32), {"transparency": 0}),
        ("deep", "PNG", photo.convert("L").convert("I;16"), {}),
        ("bits", "PNG", photo.convert("1"), {}),
        ("lossy", "WEBP", photo, {**full, "xmp": SECRET}),
        ("lossless", "WEBP", photo.convert("RGBA"), {**full, "lossless": True}),
        ("moving", "WEBP", photo, {"save_all": True, "append_images": [photo.rotate(90)] * 3}),
        ("still", "GIF", photo, {"comment": SECRET}),
        ("moving", "GIF", photo, {"save_all": True, "append_images": [photo.rotate(90)] * 3}),
        ("moving", "PNG", photo, {"save_all": True, "append_images": [photo.rotate(90)] * 3}),
    ]
    for name, kind, image, options in made:
        yield Hostile(f"{kind} {name}", TYPES[kind], written(image, kind, **options))


def truncated(base: Hostile) -> Iterator[Hostile]:
    """Cut at every few per cent."""
    for part in range(TRUNCATIONS):
        cut = len(base.raw) * part // TRUNCATIONS
        yield Hostile(f"{base.name} cut at {cut}", base.declared, base.raw[:cut])


def flipped(base: Hostile) -> Iterator[Hostile]:
    """A few bits turned over, most of them in the headers."""
    for seed in range(FLIPS):
        chance = random.Random(f"{base.name} {seed}")
        raw = bytearray(base.raw)
        reach = len(raw) if seed % 2 else min(len(raw), 200)
        for _ in range(chance.randint(1, 8)):
            raw[chance.randrange(reach)] ^= 1 << chance.randrange(8)
        yield Hostile(f"{base.name} flipped {seed}", base.declared, bytes(raw))


def spliced(base: Hostile) -> Iterator[Hostile]:
    """Parts zeroed, doubled, removed or overwritten with 0xFF."""
    edits: list[Callable[[bytes], bytes]] = [
        lambda part: b"\0" * len(part),
        lambda part: part * 2,
        lambda _: b"",
        lambda part: b"\xff" * len(part),
    ]
    for seed in range(SPLICES):
        chance = random.Random(f"splice {base.name} {seed}")
        start = chance.randrange(len(base.raw))
        end = min(len(base.raw), start + chance.randint(1, 64))
        edited = edits[seed % len(edits)](base.raw[start:end])
        raw = base.raw[:start] + edited + base.raw[end:]
        yield Hostile(f"{base.name} spliced {seed}", base.declared, raw)


def mislabelled(base: Hostile) -> Iterator[Hostile]:
    """Declared as each of the other types."""
    for declared in TYPES.values():
        if declared != base.declared:
            yield Hostile(f"{base.name} as {declared}", declared, base.raw)


def with_tails(base: Hostile) -> Iterator[Hostile]:
    """Polyglots: another file behind the picture."""
    for number, tail in enumerate(TAILS):
        yield Hostile(f"{base.name} tail {number}", base.declared, base.raw + tail)


def with_odd_profiles(base: Hostile) -> Iterator[Hostile]:
    """Profiles and EXIF blocks that are cut, noise, huge, or for other channels."""
    kind = next(kind for kind, declared in TYPES.items() if declared == base.declared)
    if kind == "GIF" or "moving" in base.name:
        return
    good = srgb_profile()
    profiles = (b"", b"x", good[:100], good[:-50], b"\xff" * 3000, good[:128] + b"\0" * 400, SECRET)
    image = Image.open(io.BytesIO(base.raw))
    image.load()
    for number, profile in enumerate(profiles):
        raw = written(image, kind, icc_profile=profile)
        yield Hostile(f"{base.name} profile {number}", base.declared, raw)
    for number, block in enumerate((b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", SECRET * 50)):
        yield Hostile(f"{base.name} exif {number}", base.declared, written(image, kind, exif=block))


def giants() -> Iterator[Hostile]:
    """Giant dimensions in tiny files."""
    sides = (0, 1, 16_384, 16_385, 32_768, 65_535)
    for width in sides:
        for height in sides:
            yield Hostile(f"PNG {width}x{height}", "image/png", png(width, height, b"\0"))
            gif = b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0)
            frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\0;"
            yield Hostile(f"GIF {width}x{height}", "image/gif", gif + frame)
            jpeg = bytearray(written(Image.new("L", (8, 8)), "JPEG"))
            struct.pack_into(">HH", jpeg, jpeg.index(b"\xff\xc0") + 5, height, width)
            yield Hostile(f"JPEG {width}x{height}", "image/jpeg", bytes(jpeg))
            size = (max(0, width - 1) & 0xFFFFFF, max(0, height - 1) & 0xFFFFFF)
            canvas = b"".join(side.to_bytes(3, "little") for side in size)
            chunk = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + canvas
            webp = b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk
            yield Hostile(f"WEBP {width}x{height}", "image/webp", webp)


def bombs() -> Iterator[Hostile]:
    """Much out of little: the most pixels that are allowed, in a few kilobytes."""
    for width, height in ((7000, 7000), (16_384, 3000), (3000, 16_384)):
        rows = zlib.compress((b"\0" * (1 + (width + 7) // 8)) * height, 9)
        yield Hostile(f"bomb 1 bit {width}x{height}", "image/png", png(width, height, rows, bits=1))
    text = b"zTXtComment\0\0" + zlib.compress(b"A" * 50_000_000, 9)
    yield Hostile("bomb in a comment", "image/png", png(8, 8, zlib.compress(b"\0" * 72), [text]))
    profile = b"iCCPicc\0\0" + zlib.compress(b"\0" * 50_000_000, 9)
    yield Hostile("bomb in a profile", "image/png", png(8, 8, zlib.compress(b"\0" * 72), [profile]))
    flood = zlib.compress(b"\0" * 60_000_000, 9)
    yield Hostile("more rows than told", "image/png", png(8, 8, flood))


def mad_animations() -> Iterator[Hostile]:
    """Frame counts that are wrong, endless, or told and not kept."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    for count in (0, 1, 99, 100, 101, 1000, 100_000):
        yield Hostile(f"GIF of {count} frames", "image/gif", screen + frame * count + b";")
    far = b"," + struct.pack("<HHHHB", 60_000, 60_000, 5000, 5000, 0) + b"\x02\x02\x44\x01\0"
    yield Hostile("GIF frame outside", "image/gif", screen + frame + far + b";")
    rows = zlib.compress(b"\0" * 72)
    for count in (0, 1, 100, 101, 2**31, 2**32 - 1):
        control = b"acTL" + struct.pack(">II", count, 0)
        yield Hostile(f"PNG told {count} frames", "image/png", png(8, 8, rows, [control]))


def odd_png_chunks() -> Iterator[Hostile]:
    """Every chunk kind with odd content, twice, without a good checksum."""
    rows = zlib.compress(b"\0" * 72)
    kinds = (
        "PLTE tRNS gAMA cHRM sRGB iCCP tEXt zTXt iTXt bKGD pHYs hIST sPLT tIME eXIf acTL fcTL "
        "fdAT IDAT IEND IHDR aaaa ZZZZ"
    ).split()
    for kind in kinds:
        for content in (b"", b"\0", b"\xff" * 13, SECRET, b"\0" * 1024, b"x\0\0" + rows):
            chunk = kind.encode() + content
            for times in (1, 2):
                raw = png(8, 8, rows, [chunk] * times)
                yield Hostile(f"PNG {kind} {len(content)} x{times}", "image/png", raw)
            broken = bytearray(png(8, 8, rows, [chunk]))
            broken[33 + 8 + len(content)] ^= 1
            yield Hostile(f"PNG {kind} {len(content)} bad sum", "image/png", bytes(broken))


def odd_jpeg_segments() -> Iterator[Hostile]:
    """Every marker with odd lengths, right behind the start."""
    good = written(a_photo(32, 24), "JPEG")
    for marker in (*range(0xC0, 0xD0), *range(0xD8, 0xF0), 0xFE, 0x01):
        for length in (0, 1, 2, 65_535):
            segment = bytes((0xFF, marker)) + struct.pack(">H", length) + SECRET
            yield Hostile(f"JPEG {marker:x} {length}", "image/jpeg", good[:2] + segment + good[2:])


def stubs() -> Iterator[Hostile]:
    """Nothing, or little behind the magic bytes."""
    for declared, magic in MAGIC.items():
        for length in range(24):
            yield Hostile(f"stub {declared} {length}", declared, (magic + b"\0" * 24)[:length])


def noise() -> Iterator[Hostile]:
    """Random bytes, with and without a good beginning."""
    for seed in range(30):
        chance = random.Random(f"noise {seed}")
        for declared, magic in MAGIC.items():
            raw = chance.randbytes(chance.randint(1, 4000))
            yield Hostile(f"noise {declared} {seed}", declared, raw if seed % 3 else magic + raw)


def png(
    width: int, height: int, rows: bytes, more: list[bytes] | None = None, *, bits: int = 8
) -> bytes:
    """A grey PNG made chunk by chunk; `more` are kinds with their content."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    chunks = [header, *(more or []), b"IDAT" + rows, b"IEND"]
    return MAGIC["image/png"] + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )
