"""Categories through the front door."""

from collections.abc import Iterator

import pytest

from tests.callers import ANYBODY, Caller, signed_in
from tests.cloud import cloud


@pytest.fixture
def merchant() -> Iterator[Caller]:
    """A merchant in an empty shop."""
    with cloud():
        yield signed_in("merchant")


def test_categories_stand_in_order_and_can_be_hidden(merchant: Caller) -> None:
    """Position decides, then the slug; hidden ones are for staff only."""
    for title, position in (("Tea", 20), ("Lamps", 10), ("Spices", 20)):
        body = {"title": title, "position": position}
        assert merchant.post("/admin/categories", body).status == 201
    assert [one["id"] for one in ANYBODY.get("/categories").body["items"]] == [
        "lamps",
        "spices",
        "tea",
    ]
    hidden = merchant.patch("/admin/categories/spices", {"hidden": True}, 1)
    assert (hidden.status, hidden.headers["etag"]) == (200, '"2"')
    assert [one["id"] for one in ANYBODY.get("/categories").body["items"]] == ["lamps", "tea"]
    assert merchant.get("/admin/categories/spices").body["hidden"] is True


def test_category_has_all_fields_and_a_unique_id(merchant: Caller) -> None:
    """Defaults are filled in; the same id again is refused."""
    answer = merchant.post("/admin/categories", {"title": "Glass & Light", "id": "glass"})
    assert answer.body == {
        "id": "glass",
        "title": "Glass & Light",
        "description": "",
        "position": 100,
        "hidden": False,
        "version": 1,
    }
    assert merchant.post("/admin/categories", {"title": "Glass"}).code == "slug_taken"


def test_category_changes_under_its_version(merchant: Caller) -> None:
    """A stale version is refused, an unknown category not found, null not taken for absent."""
    merchant.post("/admin/categories", {"title": "Tea"})
    path = "/admin/categories/tea"
    assert merchant.patch(path, {"position": 3}, 1).body["position"] == 3
    assert merchant.patch(path, {"position": 4}, 1).code == "version_mismatch"
    assert merchant.patch(path, {"title": None}, 2).status == 422
    assert merchant.patch("/admin/categories/coffee", {"position": 3}, 1).status == 404
    assert merchant.get("/admin/categories/coffee").status == 404


def test_title_without_latin_letters_still_gets_an_id(merchant: Caller) -> None:
    """A slug that cannot be made from the title is made from the time and chance."""
    first = merchant.post("/admin/categories", {"title": "شاي"}).body["id"]
    second = merchant.post("/admin/categories", {"title": "شاي"}).body["id"]
    assert first.startswith("category-")
    assert first != second
