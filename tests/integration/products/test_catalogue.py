"""The catalogue through the front door: drafted, shown, changed, archived."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from chalicelib.aws.items import from_item
from tests.callers import ANYBODY, Caller, signed_in
from tests.cloud import STAGE, bare_client, cloud

TAGINE: dict[str, Any] = {
    "title": "Blue tagine",
    "description": "Glazed by hand.\nOven proof.",
    "category": "ceramics",
    "attributes": {"Material": "clay"},
    "variants": [{"sku": "CER-1", "title": "One size", "price": 3400, "initial_stock": 40}],
}
UNKNOWN = "prd_01J80000000000000000000000"


@pytest.fixture
def merchant() -> Iterator[Caller]:
    """A merchant in a shop with one category."""
    with cloud():
        caller = signed_in("merchant")
        assert caller.post("/admin/categories", {"title": "Ceramics"}).status == 201
        yield caller


def rows(partition: str) -> list[dict[str, Any]]:
    """All rows of a partition as they lie in the table."""
    reply = bare_client("dynamodb").query(
        TableName=f"souk-{STAGE}-core",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": partition}},
    )
    return [from_item(item) for item in reply["Items"]]


def draft(merchant: Caller, **changes: object) -> dict[str, Any]:
    """A new product."""
    answer = merchant.post("/admin/products", {**TAGINE, **changes})
    assert answer.status == 201, answer.body
    product: dict[str, Any] = answer.body
    return product


def publish(merchant: Caller, product: dict[str, Any]) -> dict[str, Any]:
    """The product in the shop."""
    answer = merchant.post(f"/admin/products/{product['id']}/publish")
    assert answer.status == 200, answer.body
    published: dict[str, Any] = answer.body
    return published


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/admin/products"),
        ("GET", "/admin/products"),
        ("GET", f"/admin/products/{UNKNOWN}"),
        ("PATCH", f"/admin/products/{UNKNOWN}"),
        ("POST", f"/admin/products/{UNKNOWN}/publish"),
        ("POST", "/admin/categories"),
        ("PATCH", "/admin/categories/ceramics"),
    ],
)
def test_back_office_is_closed_to_customers(merchant: Caller, method: str, path: str) -> None:
    """Anonymous callers are unknown, customers and warehouse staff are refused."""
    assert ANYBODY.call(method, path, {}).status == 401
    assert signed_in("customer").call(method, path, {}).status == 403
    assert signed_in("warehouse").call(method, path, {}).code == "forbidden"
    assert merchant.call(method, path, {}, If_Match='"1"').status != 403


def test_draft_is_for_staff_only_until_published(merchant: Caller) -> None:
    """A draft answers 404 to customers; published it is found by id, slug and category."""
    product = draft(merchant)
    assert (product["status"], product["slug"], product["version"]) == ("DRAFT", "blue-tagine", 1)
    assert ANYBODY.get(f"/products/{product['id']}").code == "not_found"
    published = publish(merchant, product)
    assert (published["status"], published["version"]) == ("ACTIVE", 2)
    by_id = ANYBODY.get(f"/products/{product['id']}")
    by_slug = ANYBODY.get("/products/by-slug/blue-tagine")
    assert by_id.body == by_slug.body == published
    assert by_id.body["variants"][0]["availability"] == "in_stock"
    listed = ANYBODY.get("/products?category=ceramics").body
    assert [card["slug"] for card in listed["items"]] == ["blue-tagine"]
    assert listed["next"] is None
    assert ANYBODY.get("/products?category=lamps").body["items"] == []


def test_draft_writes_every_row_of_the_transaction(merchant: Caller) -> None:
    """Document, slug, event, snapshot, SKU, stock and the first movement are there."""
    product = draft(merchant)
    variant_id = product["variants"][0]["id"]
    document, event = sorted(rows(f"PROD#{product['id']}"), key=lambda row: row["sk"], reverse=True)
    assert (document["price_from"], document["gsi2pk"]) == (3400, "PROD#DRAFT")
    assert "gsi1pk" not in document
    assert event["type"] == "ProductCreated"
    assert event["data"] == {"product_id": product["id"], "changed": []}
    assert rows("SLUG#blue-tagine")[0]["product_id"] == product["id"]
    assert rows("SKU#CER-1")[0]["variant_id"] == variant_id
    snapshot = rows(f"VAR#{variant_id}")[0]
    assert (snapshot["price"], snapshot["product_status"]) == (3400, "DRAFT")
    stock, movement = rows(f"STOCK#{variant_id}")
    assert (stock["available"], stock["on_hand"], stock["version"]) == (40, 40, 0)
    assert (movement["kind"], movement["on_hand_delta"]) == ("ADJUST", 40)


def test_slug_and_sku_are_unique(merchant: Caller) -> None:
    """The second product with a slug or SKU is refused, and nothing of it is written."""
    draft(merchant)
    other = {**TAGINE["variants"][0], "sku": "CER-2"}
    same_slug = merchant.post("/admin/products", {**TAGINE, "variants": [other]})
    assert (same_slug.status, same_slug.code) == (409, "slug_taken")
    same_sku = merchant.post("/admin/products", {**TAGINE, "slug": "another"})
    assert (same_sku.status, same_sku.code) == (409, "sku_taken")
    twice = {**TAGINE, "slug": "third", "variants": [other, other]}
    assert merchant.post("/admin/products", twice).code == "sku_taken"
    assert rows("SKU#CER-2") == []
    assert rows("SLUG#another") == []


def test_category_must_exist(merchant: Caller) -> None:
    """An unknown category is a field error, on creation and on change."""
    answer = merchant.post("/admin/products", {**TAGINE, "category": "nowhere"})
    assert (answer.status, answer.body["error"]["fields"][0]["path"]) == (422, "category")
    product = draft(merchant)
    answer = merchant.patch(f"/admin/products/{product['id']}", {"category": "nowhere"}, 1)
    assert (answer.status, answer.code) == (422, "validation_failed")


def test_change_needs_the_version_that_was_read(merchant: Caller) -> None:
    """Without If-Match 428, with a stale one 412, with * or a list 400."""
    product = draft(merchant)
    path = f"/admin/products/{product['id']}"
    assert merchant.call("PATCH", path, {"title": "Tagine"}).status == 428
    assert merchant.call("PATCH", path, {"title": "Tagine"}, If_Match="*").status == 400
    changed = merchant.patch(path, {"title": "Tagine"}, 1)
    assert (changed.status, changed.headers["etag"], changed.body["version"]) == (200, '"2"', 2)
    stale = merchant.patch(path, {"title": "Pot"}, 1)
    assert (stale.status, stale.code) == (412, "version_mismatch")
    assert rows(f"VAR#{product['variants'][0]['id']}")[0]["title"] == "Tagine"


def test_change_that_says_nothing_new_leaves_the_version(merchant: Caller) -> None:
    """The same title again writes no event."""
    product = draft(merchant)
    answer = merchant.patch(f"/admin/products/{product['id']}", {"title": "Blue tagine"}, 1)
    assert (answer.status, answer.body["version"]) == (200, 1)
    events = [row for row in rows(f"PROD#{product['id']}") if row["sk"].startswith("EVT#")]
    assert len(events) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": 0},
        {"price": 34.0},
        {"price": "3400"},
        {"sku": "cer-1"},
        {"sku": "C"},
        {"title": " "},
        {"active": None},
        {"colour": "blue"},
        {"options": {str(n): "x" for n in range(6)}},
        {"initial_stock": -1},
    ],
)
def test_variant_fields_are_strict(merchant: Caller, wrong: dict[str, object]) -> None:
    """Every field of a variant has its type, its bounds, and no neighbour."""
    variant = {**TAGINE["variants"][0], **wrong}
    answer = merchant.post("/admin/products", {**TAGINE, "variants": [variant]})
    assert (answer.status, answer.code) == (422, "validation_failed")


def test_variants_are_added_and_changed(merchant: Caller) -> None:
    """A second variant lowers price_from; one switched off is hidden from customers."""
    product = publish(merchant, draft(merchant))
    path = f"/admin/products/{product['id']}/variants"
    small = {"sku": "CER-1-S", "title": "Small", "price": 2000, "options": {"Size": "S"}}
    added = merchant.call("POST", path, small, If_Match='"2"')
    assert (added.status, added.body["price_from"], added.body["version"]) == (201, 2000, 3)
    assert added.body["variants"][1]["availability"] == "out"
    small_id = added.body["variants"][1]["id"]
    assert merchant.call("POST", path, small, If_Match='"3"').code == "sku_taken"
    hidden = merchant.patch(f"{path}/{small_id}", {"active": False}, 3)
    assert (hidden.body["price_from"], len(hidden.body["variants"])) == (3400, 2)
    assert len(ANYBODY.get(f"/products/{product['id']}").body["variants"]) == 1
    assert rows(f"VAR#{small_id}")[0]["active"] is False
    foreign = merchant.patch(f"{path}/var_01J80000000000000000000000", {"active": False}, 4)
    assert foreign.status == 404


def test_twenty_variants_are_the_limit(merchant: Caller) -> None:
    """The twenty-first variant is refused."""
    many = [{"sku": f"V-{n}", "title": f"{n}", "price": 100} for n in range(20)]
    product = draft(merchant, variants=many)
    one_more = {"sku": "V-20", "title": "20", "price": 100}
    path = f"/admin/products/{product['id']}/variants"
    answer = merchant.call("POST", path, one_more, If_Match='"1"')
    assert (answer.status, answer.code) == (409, "limit_reached")


def test_publish_needs_an_active_variant_and_is_repeatable(merchant: Caller) -> None:
    """Without one 409; published twice, one event; archived it is gone and can come back."""
    silent = {**TAGINE["variants"][0], "active": False}
    product = draft(merchant, variants=[silent])
    path = f"/admin/products/{product['id']}"
    assert merchant.post(f"{path}/publish").code == "invalid_state"
    variant_id = product["variants"][0]["id"]
    merchant.patch(f"{path}/variants/{variant_id}", {"active": True}, 1)
    assert publish(merchant, product)["version"] == 3
    assert publish(merchant, product)["version"] == 3
    archived = merchant.post(f"{path}/archive")
    assert (archived.body["status"], archived.body["version"]) == ("ARCHIVED", 4)
    assert ANYBODY.get(f"/products/{product['id']}").status == 404
    assert ANYBODY.get("/products").body["items"] == []
    assert rows(f"VAR#{variant_id}")[0]["product_status"] == "ARCHIVED"
    assert publish(merchant, product)["version"] == 5


@pytest.mark.covers(6)
def test_public_pages_carry_a_hash_and_answer_304(merchant: Caller) -> None:
    """The hash is known again until the body changes; a new stock band changes it."""
    product = publish(merchant, draft(merchant))
    path = f"/products/{product['id']}"
    first = ANYBODY.get(path)
    assert first.headers["cache-control"] == "public, max-age=30"
    again = ANYBODY.get(path, If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, None)
    keeper = signed_in("warehouse")
    adjust = f"/admin/stock/{product['variants'][0]['id']}/adjust"
    keeper.post(adjust, {"delta": -38, "reason": "damage"}, Idempotency_Key="key-00001")
    changed = ANYBODY.get(path, If_None_Match=first.headers["etag"])
    assert changed.body["variants"][0]["availability"] == "low"


def test_catalogue_is_remembered_for_half_a_minute_at_most(merchant: Caller) -> None:
    """Another process' change shows after 30 s; one's own shows at once."""
    product = publish(merchant, draft(merchant))
    path = f"/products/{product['id']}"
    assert ANYBODY.get(path).body["title"] == "Blue tagine"
    merchant.patch(f"/admin/products/{product['id']}", {"title": "Red tagine"}, 2)
    assert ANYBODY.get(path).body["title"] == "Red tagine"
    bare_client("dynamodb").update_item(
        TableName=f"souk-{STAGE}-core",
        Key={"pk": {"S": f"PROD#{product['id']}"}, "sk": {"S": "META"}},
        UpdateExpression="SET title = :title",
        ExpressionAttributeValues={":title": {"S": "Green tagine"}},
    )
    assert ANYBODY.get(path).body["title"] == "Red tagine"
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=31)):
        assert ANYBODY.get(path).body["title"] == "Green tagine"


@pytest.mark.covers(6)
def test_lists_are_paged_newest_first(merchant: Caller) -> None:
    """Every product comes once, and a cursor of one list opens no other."""
    for n in range(5):
        variant = {**TAGINE["variants"][0], "sku": f"CER-{n}"}
        publish(merchant, draft(merchant, slug=f"bowl-{n}", variants=[variant]))
    first = ANYBODY.get("/products?limit=3").body
    second = ANYBODY.get(f"/products?limit=3&cursor={first['next']}").body
    found = [card["slug"] for card in first["items"] + second["items"]]
    assert found == ["bowl-4", "bowl-3", "bowl-2", "bowl-1", "bowl-0"]
    stolen = ANYBODY.get(f"/products?category=ceramics&limit=3&cursor={first['next']}")
    assert (stolen.status, stolen.code) == (400, "invalid_cursor")
    assert ANYBODY.get("/products?limit=0").status == 422
    assert ANYBODY.get("/products?colour=blue").status == 422
    assert len(merchant.get("/admin/products").body["items"]) == 5
    assert merchant.get("/admin/products?status=DRAFT").body["items"] == []
    assert merchant.get("/admin/products?status=GONE").status == 422
