"""Pictures that tests make: photographs, odd modes, and their bytes."""

import io
from typing import Any

from PIL import Image, ImageCms, ImageDraw


def a_photo(width: int = 640, height: int = 480) -> Image.Image:
    """A picture with smooth parts, edges and a different colour in each corner."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(image)
    half = (width // 2, height // 2)
    for box, colour in (
        ((0, 0, *half), "#d03020"),
        ((half[0], 0, width, half[1]), "#20a040"),
        ((0, half[1], half[0], height), "#2040c0"),
    ):
        draw.rectangle(box, fill=colour)
    draw.ellipse((width * 3 // 8, height * 3 // 8, width * 5 // 8, height * 5 // 8), fill="white")
    return image


def written(image: Image.Image, kind: str, **options: Any) -> bytes:  # Any: encoder options
    """The file of an image."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    """The image in a file, decoded."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def srgb_profile() -> bytes:
    """An ICC profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def colour_at(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    """The colour at a place given as fractions of the sides."""
    place = (int(x * (image.width - 1)), int(y * (image.height - 1)))
    found = image.convert("RGB").getpixel(place)
    assert isinstance(found, tuple)
    return tuple(int(level) for level in found)


def is_near(one: tuple[int, ...], other: tuple[int, ...], *, within: int = 24) -> bool:
    """Whether two colours differ by little in every channel."""
    return all(abs(a - b) <= within for a, b in zip(one, other, strict=True))
