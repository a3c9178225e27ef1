"""One engine over the corpus in one process: `python -m bench.picture_engines ENGINE FILE...`."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageOps

from chalicelib.media import renditions
from chalicelib.media.decoding import Foreign, bare, on_white, shrunk
from chalicelib.media.inspection import inspect

TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
SIZES = (1600, 800, 400, 160)


def ours(kinds: tuple[str, ...]) -> Callable[[bytes, str], None]:
    """Our own rendering with only some of the formats."""

    def run(raw: bytes, media_type: str) -> None:
        image = Foreign(raw, media_type).pixels(SIZES[0])
        for longest in SIZES:
            scale = min(1.0, longest / max(image.size))
            target = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            image = bare(shrunk(image, target))
            for kind in kinds:
                renditions.encode(image, kind)

    return run


def naive(raw: bytes, media_type: str) -> None:
    """What most tutorials do: open, thumbnail and save again for every file that is wanted."""
    del media_type
    for longest in SIZES:
        for kind in ("JPEG", "WEBP"):
            image = ImageOps.exif_transpose(Image.open(io.BytesIO(raw)))
            image = image.convert("RGB")
            image.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=None)
            image.save(io.BytesIO(), kind, quality=80)


def default_avif(raw: bytes, media_type: str) -> None:
    """Our own chain, but AVIF as the library sets it."""
    image = Foreign(raw, media_type).pixels(SIZES[0])
    for longest in SIZES:
        scale = min(1.0, longest / max(image.size))
        target = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = bare(shrunk(image, target))
        renditions.encode(image, "jpeg")
        renditions.encode(image, "webp")
        image.save(io.BytesIO(), "AVIF", max_threads=1)


def whole_pipeline(raw: bytes, media_type: str) -> None:
    """Inspect, render and tint, as the steps do."""
    if inspect(raw, media_type).reason:
        raise SystemExit("the corpus has a bad file")
    for _ in renditions.render(raw, media_type):
        pass
    renditions.tint(raw, media_type)


ENGINES: dict[str, Callable[[bytes, str], None]] = {
    "ours": ours(("jpeg", "webp")),
    "ours-three": ours(("jpeg", "webp", "avif")),
    "naive": naive,
    "default-avif": default_avif,
    "pipeline": whole_pipeline,
}


def similarity(raw: bytes, media_type: str, longest: int) -> float:
    """SSIM of our chain at one size against a full decode and one resize, over 8x8 blocks."""
    chained = Foreign(raw, media_type).pixels(SIZES[0])
    for size in SIZES:
        if size >= longest:
            scale = min(1.0, size / max(chained.size))
            target = (round(chained.width * scale), round(chained.height * scale))
            chained = shrunk(chained, target)
    full = ImageOps.exif_transpose(Image.open(io.BytesIO(raw))).convert("RGB")
    straight = full.resize(chained.size, Image.Resampling.BICUBIC)
    return _ssim(on_white(chained).convert("L"), straight.convert("L"))


def _ssim(one: Image.Image, other: Image.Image) -> float:
    a, b = one.tobytes(), other.tobytes()
    width, height = one.size
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    total, blocks = 0.0, 0
    for top in range(0, height - 7, 8):
        for left in range(0, width - 7, 8):
            x, y = bytearray(), bytearray()
            for row in range(top, top + 8):
                start = row * width + left
                x += a[start : start + 8]
                y += b[start : start + 8]
            mean_x, mean_y = sum(x) / 64, sum(y) / 64
            var_x = sum(v * v for v in x) / 64 - mean_x**2
            var_y = sum(v * v for v in y) / 64 - mean_y**2
            both = sum(map(int.__mul__, x, y)) / 64 - mean_x * mean_y
            upper = (2 * mean_x * mean_y + c1) * (2 * both + c2)
            total += upper / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
            blocks += 1
    return total / blocks


def main(engine: str, paths: list[str]) -> None:
    """Run an engine over files."""
    for file in map(Path, paths):
        ENGINES[engine](file.read_bytes(), TYPES[file.suffix[1:]])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
