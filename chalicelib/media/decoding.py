"""Foreign pictures made into plain upright sRGB pixels: the only module that opens them.

Whatever a decoder throws is `Undecodable`: a bad picture is an answer and never a fault.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Only the plug-ins that are used: Pillow's own init() imports all forty.
from PIL import (
    AvifImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from chalicelib.media.containers import GIF, JPEG, PNG, WEBP
from chalicelib.media.findings import Undecodable

PLUGINS: Final = (
    AvifImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)
WHITE: Final = (255, 255, 255)
ORIENTATION: Final = 0x0112
GAP: Final = 2.0
# A JPEG shrunk by its own decoder to just above the target loses what grain it has.
DRAFT_GAP: Final = 1.3
MIN_FACTOR: Final = 2
BAND_ROWS: Final = 64

_FORMATS: Final = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP", GIF: "GIF"}
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS: Final = frozenset({5, 6, 7, 8})
_HIGH_BYTE: Final = tuple(level >> 8 for level in range(65_536))

# Our own limits are tighter and are checked before anything is decoded.
Image.MAX_IMAGE_PIXELS = None


@contextmanager
def decoder() -> Iterator[None]:
    """Whatever happens within is the file's fault; foreign warnings are not repeated."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MemoryError:
        raise
    except Exception as error:
        raise Undecodable(type(error).__name__) from error


class Foreign:
    """An opened picture that has not been decoded yet: first frame, metadata still there."""

    def __init__(self, raw: bytes, media_type: str) -> None:
        with decoder():
            self._image = Image.open(io.BytesIO(raw), formats=[_FORMATS[media_type]])
        self._orientation = _orientation(self._image)
        # A JPEG opened for a smaller size changes its own.
        self.size = self._image.size

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height as people see it; `size` is as stored."""
        width, height = self.size
        return (height, width) if self._orientation in _SIDEWAYS else (width, height)

    def check(self) -> None:
        """Read the whole first frame; Undecodable if that cannot be done.

        A JPEG is decoded at an eighth: every coefficient is read, a sixty-fourth of the pixels
        is kept.
        """
        with decoder():
            self._image.draft(None, (1, 1))
            self._image.load()

    def pixels(self, longest: int) -> Image.Image:
        """Upright sRGB pixels, RGB or RGBA, at most `longest` on the long side, nothing else.

        JPEGs are decoded at the smallest eighth that is still large enough; colours are
        converted after shrinking, where it costs least.
        """
        width, height = self.size
        scale = min(1.0, longest / max(width, height))
        target = (max(1, round(width * scale)), max(1, round(height * scale)))
        with decoder():
            profile = self._image.info.get("icc_profile")
            self._image.draft(None, (int(target[0] * DRAFT_GAP), int(target[1] * DRAFT_GAP)))
            self._image.load()
            image = shrunk(_nearly(self._image, target), target)
            image = _in_srgb(image, profile)
            turn = _TURNS.get(self._orientation)
            return bare(image if turn is None else image.transpose(turn))


def shrunk(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    """The picture at `target`, which is never larger than it."""
    if image.size == target:
        return image
    return image.resize(target, Image.Resampling.BICUBIC, reducing_gap=GAP)


def on_white(image: Image.Image) -> Image.Image:
    """The picture without transparency, as on a white page."""
    if image.mode != "RGBA":
        return image
    page = Image.new("RGB", image.size, WHITE)
    page.paste(image, mask=image.getchannel("A"))
    return page


def bare(image: Image.Image) -> Image.Image:
    """The same pixels with nothing attached: encoders copy what they find in `info`."""
    image.info = {}
    return image


def _orientation(image: Image.Image) -> int:
    """1 to 8; unreadable EXIF data is no reason to refuse a picture."""
    try:
        with decoder():
            turned = image.getexif().get(ORIENTATION, 1)
    except Undecodable:
        return 1
    return turned if isinstance(turned, int) and turned in _TURNS else 1


def _nearly(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    """Plain pixels at twice the target or a little more, made band by band.

    A second copy of fifty million pixels would cost more memory than the picture itself.
    """
    width, height = image.size
    factor = int(min(width / target[0], height / target[1]) / GAP)
    if factor < MIN_FACTOR:
        return _plain(image)
    bands = []
    for top in range(0, height, BAND_ROWS * factor):
        box = (0, top, width, min(height, top + BAND_ROWS * factor))
        bands.append(_plain(image.crop(box)).reduce(factor))
    whole = Image.new(bands[0].mode, (bands[0].width, sum(band.height for band in bands)))
    for number, band in enumerate(bands):
        whole.paste(band, (0, number * BAND_ROWS))
    return whole


def _plain(image: Image.Image) -> Image.Image:
    """8 bits a channel in a mode that can be resized: L, RGB, RGBA or CMYK."""
    if image.mode in {"I", "I;16", "I;16B", "I;16L", "F"}:
        return _eight_bit(image)
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in {"L", "RGB", "CMYK"}:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit grey by its high byte; a transparent grey stays transparent."""
    wide = image.convert("I")
    grey = wide.point(_HIGH_BYTE, "L")
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    mask = wide.point([0 if level == clear else 255 for level in range(65_536)], "L")
    return Image.merge("RGBA", (grey, grey, grey, mask))


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Colours as the embedded profile means them; without a usable one as sRGB."""
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if alpha is not None else image
    converted = _by_profile(colours, profile) if profile else None
    colours = converted if converted is not None else colours.convert("RGB")
    if alpha is not None:
        colours.putalpha(alpha)
    return colours


def _by_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        return ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        # A broken profile, or one for other channels than the picture has.
        return None
