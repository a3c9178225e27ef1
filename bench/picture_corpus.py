"""Thirteen pictures such as people upload, made here: sizes, kinds and colours that cost."""

import io
import random
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageFilter

NAMES = (
    "jpeg-6mp.jpg",
    "jpeg-12mp.jpg",
    "jpeg-24mp.jpg",
    "jpeg-48mp.jpg",
    "progressive.jpg",
    "grey.jpg",
    "cmyk.jpg",
    "small.jpg",
    "turned.jpg",
    "profile.jpg",
    "rgb.png",
    "rgba.png",
    "photo.webp",
)


def a_scene() -> Image.Image:
    """Six megapixels of sky, hills, lights and grain."""
    size = (3000, 2000)
    sky = Image.linear_gradient("L").resize(size)
    bands = [
        sky.point([floor + level * reach // 255 for level in range(256)])
        for floor, reach in ((40, 200), (60, 110), (120, 60))
    ]
    scene = Image.merge("RGB", bands)
    draw = ImageDraw.Draw(scene)
    chance = random.Random(7)
    for _ in range(400):
        x, y, side = chance.randrange(3000), chance.randrange(800, 2000), chance.randrange(4, 90)
        colour = tuple(chance.randrange(256) for _ in range(3))
        draw.ellipse((x, y, x + side, y + side), fill=colour)
        draw.line((x, y, x + 3 * side, y - side), fill=colour, width=3)
    scene = scene.filter(ImageFilter.GaussianBlur(1.2))
    grain = Image.effect_noise(size, 6).convert("RGB")
    return ImageChops.add(scene, grain, scale=1, offset=-128)


def write_corpus(folder: Path) -> None:
    """Make the files."""
    folder.mkdir(parents=True, exist_ok=True)
    scene = a_scene()
    turned = Image.Exif()
    turned[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "jpeg-6mp.jpg": (scene, {"quality": 92}),
        "jpeg-12mp.jpg": (scene.resize((4000, 3000)), {"quality": 88}),
        "jpeg-24mp.jpg": (scene.resize((6000, 4000)), {"quality": 88}),
        "jpeg-48mp.jpg": (scene.resize((8000, 6000)), {"quality": 85}),
        "progressive.jpg": (scene.resize((2400, 1600)), {"quality": 85, "progressive": True}),
        "grey.jpg": (scene.convert("L"), {"quality": 90}),
        "cmyk.jpg": (scene.resize((2000, 1333)).convert("CMYK"), {"quality": 90}),
        "small.jpg": (scene.resize((900, 600)), {"quality": 85}),
        "turned.jpg": (scene, {"quality": 90, "exif": turned}),
        "profile.jpg": (scene, {"quality": 90, "icc_profile": profile}),
        "rgb.png": (scene.resize((2000, 1333)), {"compress_level": 6}),
        "rgba.png": (scene.resize((1600, 1067)).convert("RGBA"), {"compress_level": 6}),
        "photo.webp": (scene, {"quality": 85}),
    }
    kinds = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
    for name, (image, options) in made.items():
        file = io.BytesIO()
        image.save(file, kinds[name.rpartition(".")[2]], **options)
        (folder / name).write_bytes(file.getvalue())


if __name__ == "__main__":
    write_corpus(Path(sys.argv[1]))
