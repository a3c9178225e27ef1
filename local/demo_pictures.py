"""Generated pictures for the demo products, sent through the same pipeline as anybody's.

A pattern follows from the slug alone: warm tiles of turned diamonds and rings, so that the shop
looks alive without a single foreign file.
"""

from __future__ import annotations

import colorsys
import hashlib
import http.client
import io
import math
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from local.shop import TIMEOUT_S, Shop, TookTooLong, wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIDE_PX: Final = 800
TILES: Final = 5
AT_ONCE: Final = 6
READY_MAX_S: Final = 90
OVER: Final = {"READY", "REJECTED", "FAILED"}
ACCEPTED_POST: Final = {200, 201, 204}
CREATED: Final = 201


def picture_of(slug: str) -> bytes:
    """A JPEG whose pattern and colours follow from the slug."""
    # Pillow takes a while to load, and only a first start needs it.
    from PIL import Image, ImageDraw

    chances = hashlib.sha256(slug.encode()).digest()
    hue = chances[0] / 255
    page = Image.new("RGB", (SIDE_PX, SIDE_PX), _colour(hue, 0.25, 0.96))
    draw = ImageDraw.Draw(page)
    tile = SIDE_PX / TILES
    for row in range(TILES):
        for column in range(TILES):
            chance = chances[(row * TILES + column) % len(chances)]
            middle = ((column + 0.5) * tile, (row + 0.5) * tile)
            colour = _colour(hue + (chance % 5 - 2) * 0.06, 0.65, 0.55 + (chance % 7) * 0.05)
            corners = 4 + 2 * (chance % 3)
            draw.polygon(_star(middle, tile * 0.46, corners, chance / 40), fill=colour)
            inner = tile * (0.1 + (chance % 4) * 0.04)
            draw.ellipse(_ring(middle, inner), fill=_colour(hue + 0.5, 0.35, 0.95))
    file = io.BytesIO()
    page.save(file, "JPEG", quality=88)
    return file.getvalue()


def hang_missing_pictures(merchant: Shop) -> int:
    """Send a picture for every public product that has none; how many were hung."""
    products = merchant.get("/admin/products", limit=100)["items"]
    bare = [product for product in products if product["picture"] is None]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return sum(pool.map(lambda product: _hang(merchant, product), bare))


def send_picture(caller: Shop, content: bytes, filename: str, alt: str) -> dict[str, Any]:
    """Upload a product picture and wait for what became of it (Any: JSON)."""
    wanted = {
        "purpose": "product",
        "filename": filename,
        "content_type": "image/jpeg",
        "size": len(content),
        "alt": alt,
    }
    asked = caller.ask("POST", "/media/uploads", wanted, expect=CREATED)
    _post_form(asked["upload"], content)
    path = f"/media/{asked['media']['id']}"

    def over() -> dict[str, Any] | None:
        media: dict[str, Any] = caller.get(path)
        return media if media["status"] in OVER else None

    return wait_for(over, f"{path} processed", within_s=READY_MAX_S)


def _hang(merchant: Shop, product: Mapping[str, Any]) -> bool:
    slug, title = product["slug"], product["title"]
    media = send_picture(merchant, picture_of(slug), f"{slug}.jpg", title)
    if media["status"] != "READY":
        raise TookTooLong(f"the picture of {slug} ended {media['status']}")
    merchant.ask("POST", f"/media/{media['id']}/attach", {"product_id": product["id"]})
    return True


def _post_form(form: Mapping[str, Any], content: bytes) -> None:
    boundary = uuid.uuid4().hex
    fields = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form["fields"].items()
    )
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="picture"\r\n'
    body = f"{fields}{file}Content-Type: image/jpeg\r\n\r\n".encode() + content
    body += f"\r\n--{boundary}--\r\n".encode()
    url = urlsplit(form["url"])
    connection = http.client.HTTPConnection(url.netloc, timeout=TIMEOUT_S)
    try:
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        connection.request("POST", url.path or "/", body, headers)
        reply = connection.getresponse()
        told = reply.read().decode(errors="replace")
    finally:
        connection.close()
    if reply.status not in ACCEPTED_POST:
        raise TookTooLong(f"the bucket refused a picture with {reply.status}: {told[:200]}")


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, min(value, 1))
    return round(red * 255), round(green * 255), round(blue * 255)


def _star(
    middle: tuple[float, float], radius: float, points: int, turn: float
) -> Sequence[tuple[float, float]]:
    return [
        (
            middle[0] + (radius if n % 2 else radius * 0.6) * math.cos(turn + math.pi * n / points),
            middle[1] + (radius if n % 2 else radius * 0.6) * math.sin(turn + math.pi * n / points),
        )
        for n in range(2 * points)
    ]


def _ring(middle: tuple[float, float], radius: float) -> tuple[float, float, float, float]:
    return (middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius)
