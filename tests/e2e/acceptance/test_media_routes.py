"""Section 4.6: what the routes of pictures answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.shop import Shop
from tests.e2e.acceptance.conftest import Core
from tests.e2e.acceptance.shapes import TS, fits
from tests.e2e.acceptance.shapes_desk import MEDIA
from tests.e2e.acceptance.test_errors import paths_of, refused


def picture(**changes: Any) -> dict[str, Any]:
    """The body of an upload."""
    return {
        "purpose": "product",
        "filename": "a.png",
        "content_type": "image/png",
        "size": 100,
        **changes,
    }


def test_upload(merchant: Shop, nora: Shop, omar: Shop, core: Core) -> None:
    """A presigned form for exactly this object; owners and the catalogue may read."""
    made = merchant.call("POST", "/media/uploads", picture(alt="A bowl"))
    assert made.status == 201
    upload = {"url": str, "fields": dict, "expires_at": TS}
    fits(made.body, {"media": MEDIA, "upload": upload})
    media = made.body["media"]
    assert (media["status"], media["renditions"], media["alt"]) == ("AWAITING", [], "A bowl")
    assert made.body["upload"]["fields"]["key"] == f"raw/{media['id']}"
    expires = datetime.fromisoformat(made.body["upload"]["expires_at"])
    assert timedelta(minutes=4) < expires - datetime.now(UTC) <= timedelta(minutes=5)
    row = core.row(f"MEDIA#{media['id']}")
    assert row
    assert row["gsi3pk"] in {"DUE#MEDIA#0", "DUE#MEDIA#1"}
    assert row["gsi3sk"].endswith(f"#{media['id']}")
    path = f"/media/{media['id']}"
    fits(merchant.get(path), MEDIA)
    refused(nora.call("GET", path), 404, "not_found")
    refused(nora.call("POST", "/media/uploads", picture()), 403, "forbidden")
    own = nora.ask("POST", "/media/uploads", picture(purpose="chat"), expect=201)["media"]
    refused(omar.call("GET", f"/media/{own['id']}"), 404, "not_found")
    refused(omar.call("DELETE", f"/media/{own['id']}"), 404, "not_found")
    fits(merchant.get(f"/media/{own['id']}"), MEDIA)
    refused(merchant.call("POST", f"{path}/reprocess"), 409, "invalid_state")
    attach = {"product_id": merchant.get("/admin/products", limit=1)["items"][0]["id"]}
    refused(merchant.call("POST", f"{path}/attach", attach), 409, "invalid_state")
    gone = merchant.call("DELETE", path)
    assert (gone.status, gone.text) == (204, "")
    refused(merchant.call("GET", path), 404, "not_found")
    refused(merchant.call("DELETE", path), 404, "not_found")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"purpose": "avatar"}, "purpose"),
        ({"content_type": "image/svg+xml"}, "content_type"),
        ({"size": 0}, "size"),
        ({"size": 20971521}, "size"),
        ({"size": 1.0}, "size"),
        ({"size": "1"}, "size"),
        ({"filename": ""}, "filename"),
        ({"filename": "x" * 201}, "filename"),
        ({"alt": "x" * 201}, "alt"),
        ({"alt": None}, "alt"),
        ({"key": "raw/x"}, "key"),
    ],
)
def test_uploads_that_are_not_allowed(merchant: Shop, change: dict[str, Any], field: str) -> None:
    """Each is 422 and named."""
    answer = merchant.call("POST", "/media/uploads", picture(**change))
    refused(answer, 422, "validation_failed")
    assert list(paths_of(answer)) == [field]
