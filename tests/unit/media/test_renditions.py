"""Every kind of picture comes out upright, in its colours, in four sizes, with nothing attached."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from chalicelib.media.findings import Reason, Rendition
from chalicelib.media.inspection import inspect
from chalicelib.media.renditions import render, tint
from tests.pictures import a_photo, colour_at, is_near, opened, srgb_profile, written

RED, GREEN, BLUE = (208, 48, 32), (32, 160, 64), (32, 64, 192)
SECRET = b"secret-place-48.2082N"


def rendered(raw: bytes, media_type: str) -> dict[tuple[str, str], Rendition]:
    """All renditions by name and format."""
    assert inspect(raw, media_type).reason is None
    return {(one.name, one.format): one for one in render(raw, media_type)}


def shown(raw: bytes, media_type: str) -> Image.Image:
    """The large WebP rendition."""
    return opened(rendered(raw, media_type)["large", "webp"].content)


def has_corners(image: Image.Image) -> bool:
    """Whether red, green and blue are where they belong."""
    return (
        is_near(colour_at(image, 0.1, 0.1), RED)
        and is_near(colour_at(image, 0.9, 0.1), GREEN)
        and is_near(colour_at(image, 0.1, 0.9), BLUE)
    )


@pytest.mark.covers(18)
def test_four_sizes_in_three_formats() -> None:
    """A large photograph has 12 renditions whose files agree with what is told of them."""
    made = rendered(written(a_photo(2400, 1800), "JPEG"), "image/jpeg")
    assert len(made) == 12
    sizes = {name: (made[name, "avif"].width, made[name, "avif"].height) for name, _ in made}
    assert sizes == {
        "large": (1600, 1200),
        "medium": (800, 600),
        "small": (400, 300),
        "thumb": (160, 120),
    }
    for one in made.values():
        image = opened(one.content)
        assert image.format == one.format.upper()
        assert image.size == (one.width, one.height)
        assert has_corners(image)


def test_small_pictures_are_not_enlarged() -> None:
    """A picture of 200 pixels is the same in three sizes, and smaller in the fourth."""
    made = rendered(written(a_photo(200, 100), "PNG"), "image/png")
    assert {made[name, "webp"].width for name in ("large", "medium", "small")} == {200}
    assert (made["thumb", "jpeg"].width, made["thumb", "jpeg"].height) == (160, 80)
    tiny = rendered(written(a_photo(3000, 1), "PNG"), "image/png")
    assert (tiny["thumb", "avif"].width, tiny["thumb", "avif"].height) == (160, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_all_orientations_come_out_upright(orientation: int, kind: str) -> None:
    """The corners are where they belong, and width and height are those people see."""
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    photo = a_photo(300, 200)
    stored = photo.transpose(turns[orientation]) if orientation > 1 else photo
    exif = Image.Exif()
    exif[0x0112] = orientation
    raw = written(stored, kind, exif=exif)
    verdict = inspect(raw, f"image/{kind.lower()}")
    assert (verdict.width, verdict.height) == (300, 200)
    image = shown(raw, f"image/{kind.lower()}")
    assert image.size == (300, 200)
    assert has_corners(image)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_png_mode_keeps_its_picture(mode: str) -> None:
    """Grey, palette, transparency and 16 bits come out with the light and dark where they were."""
    grey = Image.linear_gradient("L").resize((300, 200))
    stored = grey.convert(mode)
    if mode == "I;16":
        levels = grey.convert("I").point(list(range(0, 65_536, 257)) + [0] * 65_280, "L")
        assert levels.size == grey.size
        stored = Image.frombytes("I;16", grey.size, b"".join(bytes((b, b)) for b in grey.tobytes()))
    image = shown(written(stored, "PNG"), "image/png")
    top, bottom = colour_at(image, 0.5, 0.02)[0], colour_at(image, 0.5, 0.98)[0]
    assert top < 40
    assert bottom > 215


def test_transparency_is_kept_and_white_in_jpeg() -> None:
    """AVIF and WebP stay see-through; JPEG stands on white, not on black."""
    picture = Image.new("RGBA", (300, 200), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (0, 0, 150, 200))
    made = rendered(written(picture, "PNG"), "image/png")
    for kind in ("avif", "webp"):
        image = opened(made["large", kind].content)
        assert image.mode == "RGBA"
        alpha = image.getchannel("A")
        assert (alpha.getpixel((10, 10)), alpha.getpixel((290, 10))) == (255, 0)
    jpeg = opened(made["large", "jpeg"].content)
    assert is_near(colour_at(jpeg, 0.9, 0.5), (255, 255, 255))


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_transparent_palette_entry_stays_transparent(kind: str) -> None:
    """A palette picture with a see-through colour keeps it."""
    palette = Image.new("P", (300, 200), 1)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.paste(0, (150, 0, 300, 200))
    raw = written(palette, kind, transparency=0)
    alpha = shown(raw, f"image/{kind.lower()}").getchannel("A")
    assert (alpha.getpixel((10, 10)), alpha.getpixel((290, 10))) == (255, 0)


def test_transparent_grey_of_16_bits_stays_transparent() -> None:
    """A tRNS chunk of a 16-bit grey picture makes that level see-through."""
    rows = b"".join(b"\0" + b"\x12\x34" * 4 + b"\xff\xff" * 4 for _ in range(8))
    raw = png(8, 8, 16, rows, [(b"tRNS", b"\x12\x34")])
    image = shown(raw, "image/png")
    assert image.getchannel("A").getpixel((0, 0)) == 0
    assert image.getchannel("A").getpixel((7, 0)) == 255


def png(width: int, height: int, bits: int, rows: bytes, more: list[tuple[bytes, bytes]]) -> bytes:
    """A grey PNG made chunk by chunk."""
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), *more, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def test_cmyk_comes_out_in_its_colours() -> None:
    """A CMYK photograph has its colours again, within what the conversion loses."""
    image = shown(written(a_photo().convert("CMYK"), "JPEG", quality=95), "image/jpeg")
    assert image.mode == "RGB"
    assert has_corners(image)


def test_embedded_profile_decides_the_colours() -> None:
    """Pixels of another colour space are converted to sRGB and not shown as they are."""
    lab = ImageCms.createProfile("LAB")
    profile = ImageCms.ImageCmsProfile(lab).tobytes()
    wrong_channels = shown(written(a_photo(), "JPEG", icc_profile=profile), "image/jpeg")
    assert has_corners(wrong_channels)
    own = shown(written(a_photo(), "JPEG", icc_profile=srgb_profile()), "image/jpeg")
    assert has_corners(own)
    swapped = swapped_profile()
    turned = shown(written(a_photo(), "JPEG", icc_profile=swapped), "image/jpeg")
    red = colour_at(turned, 0.1, 0.1)
    assert red[1] > red[0]


def swapped_profile() -> bytes:
    """An sRGB profile whose red and green primaries are exchanged."""
    raw = bytearray(srgb_profile())
    count = struct.unpack_from(">I", raw, 128)[0]
    entries = {bytes(raw[132 + 12 * n : 136 + 12 * n]): 132 + 12 * n for n in range(count)}
    red, green = entries[b"rXYZ"], entries[b"gXYZ"]
    raw[red + 4 : red + 12], raw[green + 4 : green + 12] = (
        raw[green + 4 : green + 12],
        raw[red + 4 : red + 12],
    )
    return bytes(raw)


def test_broken_profile_does_not_refuse_the_picture() -> None:
    """Colours are then taken as sRGB."""
    raw = written(a_photo(), "JPEG", icc_profile=b"no profile at all")
    assert has_corners(shown(raw, "image/jpeg"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.covers(17)
def test_nothing_of_the_original_leaves_but_pixels(kind: str) -> None:
    """EXIF, XMP, comments, profiles and bytes behind the end are in no rendition."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    options: dict[str, object] = {"exif": exif, "xmp": SECRET, "icc_profile": srgb_profile()}
    if kind == "PNG":
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Comment", SECRET.decode())
        options = {"exif": exif, "pnginfo": notes, "icc_profile": srgb_profile()}
    if kind in {"GIF", "JPEG"}:
        options = {**options, "comment": SECRET}
    raw = written(a_photo(300, 200), kind, **options) + SECRET
    assert SECRET in raw
    for one in rendered(raw, f"image/{kind.lower()}").values():
        assert SECRET not in one.content
        image = opened(one.content)
        assert not image.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment", "photoshop"} & set(image.info)


def test_animation_gives_its_first_frame() -> None:
    """Frames after the first are not shown."""
    first, second = a_photo(300, 200), Image.new("RGB", (300, 200), "black")
    for kind in ("GIF", "WEBP", "PNG"):
        raw = written(first, kind, save_all=True, append_images=[second] * 3)
        assert has_corners(shown(raw, f"image/{kind.lower()}"))


def test_tint_is_the_mean_colour() -> None:
    """The placeholder of a plain picture is its colour; transparency counts as white."""
    assert tint(written(Image.new("RGB", (90, 60), "#336699"), "PNG"), "image/png") == "#336699"
    clear = Image.new("RGBA", (90, 60), (0, 0, 0, 0))
    assert tint(written(clear, "PNG"), "image/png") == "#ffffff"


@pytest.mark.parametrize(
    ("raw", "declared", "reason"),
    [
        (b"hello, I am a text", "image/png", Reason.UNSUPPORTED_TYPE),
        (b"", "image/png", Reason.UNSUPPORTED_TYPE),
        (b"%PDF-1.7", "image/png", Reason.UNSUPPORTED_TYPE),
        (b"\xff\xd8\xff", "image/jpeg", Reason.CORRUPT),
        (b"\xff\xd8\xff\xe0\x00\x04ab\xff\xd9", "image/jpeg", Reason.CORRUPT),
        (b"GIF89a", "image/gif", Reason.CORRUPT),
        (b"RIFF\x00\x00\x00\x00WEBPVP9 ", "image/webp", Reason.CORRUPT),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "image/png", Reason.CORRUPT),
    ],
)
def test_refusals_tell_why(raw: bytes, declared: str, reason: Reason) -> None:
    """Type first, then what the headers say, then the decoder."""
    assert inspect(raw, declared).reason is reason


def test_type_and_limits_are_told_apart() -> None:
    """Another type than declared, too many pixels, too long a side, too many frames."""
    assert inspect(written(a_photo(), "PNG"), "image/jpeg").reason is Reason.TYPE_MISMATCH
    wide = png(16_385, 1, 8, b"\0" * 16_386, [])
    assert inspect(wide, "image/png").reason is Reason.TOO_MANY_PIXELS
    assert inspect(png(8000, 8000, 1, b"", []), "image/png").reason is Reason.TOO_MANY_PIXELS
    assert inspect(png(16_384, 1, 8, b"\0" * 16_385, []), "image/png").reason is None


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_a_hundred_frames_are_the_limit(kind: str) -> None:
    """100 frames are taken, 101 refused."""
    small = Image.new("L", (8, 8))
    frames = [Image.new("L", (8, 8), 2 * n) for n in range(1, 101)]
    options = {"save_all": True, "lossless": True}
    too_many = written(small, kind, append_images=frames, **options)
    assert inspect(too_many, f"image/{kind.lower()}").reason is Reason.TOO_MANY_FRAMES
    just_enough = written(small, kind, append_images=frames[:99], **options)
    assert inspect(just_enough, f"image/{kind.lower()}").reason is None


def test_truncated_files_are_corrupt() -> None:
    """A file cut in the middle is refused in every format."""
    for kind in ("JPEG", "PNG", "WEBP"):
        raw = written(a_photo(), kind)
        assert inspect(raw[: len(raw) // 2], f"image/{kind.lower()}").reason is Reason.CORRUPT


def test_large_transparent_pictures_are_shrunk_in_bands() -> None:
    """Shrinking band by band leaves no seam."""
    photo = a_photo(4000, 3000).convert("RGBA")
    image = shown(written(photo, "PNG", compress_level=1), "image/png")
    plain = photo.convert("RGB").resize((1600, 1200), Image.Resampling.LANCZOS)
    for y in range(0, 1200, 7):
        assert is_near(colour_at(image, 0.03, y / 1200), colour_at(plain, 0.03, y / 1200))
    file = io.BytesIO()
    plain.save(file, "PNG")
    assert file.getvalue()
