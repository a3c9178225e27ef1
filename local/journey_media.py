"""The part of the buyer journey that sends pictures."""

from __future__ import annotations

import io
import time
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from local.demo_pictures import send_picture
from local.journey_cast import expect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.journey_cast import Journey

FORMATS: Final = 3
RENDITIONS: Final = 12
OK: Final = 200
NO_CONTENT: Final = 204
WIDTH_PX, HEIGHT_PX = 3000, 2000
DEMO_PRODUCT: Final = "glazed-vase"


def send_pictures(journey: Journey) -> None:
    """11 A photograph goes through the pipeline; a text that calls itself a picture does not."""
    merchant = journey.member("merchant")
    photograph = a_photograph()
    started = time.monotonic()
    media = send_picture(merchant, photograph, "vase.jpg", "A vase at dusk")
    took_s = time.monotonic() - started
    expect(media["status"] == "READY", f"the photograph ended {media['status']}")
    expect(len(media["renditions"]) == RENDITIONS, "not every rendition is there")
    journey.tell(
        f"{media['id']}: {len(photograph) / 1e3:.0f} kB, {media['width']}x{media['height']} px, "
        f"READY after {took_s:.1f} s, placeholder {media['placeholder']}"
    )
    _tell_renditions(journey, media, len(photograph))
    product = merchant.get(f"/products/by-slug/{DEMO_PRODUCT}")
    wanted = {"product_id": product["id"], "position": 9}
    hung = merchant.ask("POST", f"/media/{media['id']}/attach", wanted)["product"]["pictures"]
    expect(media["id"] in {one["media_id"] for one in hung}, "the picture does not hang")
    merchant.ask("DELETE", f"/media/{media['id']}", expect=NO_CONTENT)
    journey.tell(f"hung at {DEMO_PRODUCT}, and taken down again")
    refused = send_picture(merchant, b"I am a text.", "text.jpg", "")
    expect(refused["reject_reason"] == "unsupported_type", f"the text ended {refused['status']}")
    journey.tell(f"{refused['id']}: {refused['status']}, {refused['reject_reason']}")


def _tell_renditions(journey: Journey, media: Mapping[str, Any], original_bytes: int) -> None:
    by_size: dict[str, list[Mapping[str, Any]]] = {}
    for rendition in media["renditions"]:
        by_size.setdefault(rendition["name"], []).append(rendition)
    for name, several in by_size.items():
        expect(len(several) == FORMATS, f"{name} has not every format")
        told = ", ".join(f"{one['format']} {one['bytes'] / 1e3:.1f} kB" for one in several)
        journey.tell(f"{name} {several[0]['width']}x{several[0]['height']}: {told}")
    large = {one["format"]: one for one in by_size["large"]}
    saved = 1 - large["avif"]["bytes"] / original_bytes
    journey.tell(f"{large['avif']['url']} saves {saved:.0%} of the original's bytes")
    with urllib.request.urlopen(large["avif"]["url"]) as reply:  # noqa: S310 - the shop's own URL
        expect(reply.status == OK, "the rendition does not answer")


def a_photograph() -> bytes:
    """A dusk landscape with grain, as a camera would write it: a place and a date in its EXIF."""
    from PIL import Image, ImageChops, ImageDraw, ImageFilter

    sky = Image.linear_gradient("L").resize((WIDTH_PX, HEIGHT_PX))
    bands = [
        sky.point([floor + level * reach // 255 for level in range(256)])
        for floor, reach in ((40, 210), (50, 90), (110, 20))
    ]
    photo = Image.merge("RGB", bands)
    draw = ImageDraw.Draw(photo)
    draw.ellipse((1900, 820, 2300, 1220), fill=(255, 214, 140))
    for step, shade in enumerate((70, 50, 30)):
        ridge = [(x, 1300 + 180 * step + (x * (7 + step) % 311) // 2) for x in range(0, 3001, 60)]
        draw.polygon(
            [(0, HEIGHT_PX), *ridge, (WIDTH_PX, HEIGHT_PX)], fill=(shade, shade, shade + 25)
        )
    photo = photo.filter(ImageFilter.GaussianBlur(2))
    grain = Image.effect_noise((WIDTH_PX, HEIGHT_PX), 14).convert("RGB")
    photo = ImageChops.add(photo, grain, scale=1, offset=-128)
    exif = Image.Exif()
    exif[0x0110] = "Demo camera"
    exif[0x0132] = "2026:03:01 18:30:00"
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=92, exif=exif)
    return file.getvalue()
