"""Section 4.4: the public catalogue and what the merchant does with it."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from local.shop import Answer, Shop
from tests.e2e.acceptance.conftest import Core, Stall
from tests.e2e.acceptance.shapes import (
    CATEGORY,
    MOVEMENT,
    PRODUCT,
    PRODUCT_CARD,
    STOCK,
    fits,
    listed,
)
from tests.e2e.acceptance.shapes_desk import JOURNAL_EVENT
from tests.e2e.acceptance.test_errors import paths_of, refused

MISSING = "0" * 26


def sku() -> str:
    """A SKU that nobody has."""
    return f"QA-{uuid.uuid4().hex[:12].upper()}"


def offer(**changes: Any) -> dict[str, Any]:
    """A product to create."""
    name = f"bowl {uuid.uuid4().hex[:10]}"
    variant = {"sku": sku(), "title": "One", "price": 1200}
    return {"title": name, "category": "ceramics", "variants": [variant], **changes}


def match(version: int | str) -> dict[str, str]:
    """An If-Match header."""
    return {"If-Match": f'"{version}"'}


def etag(answer: Answer) -> str:
    """The entity tag of a reply."""
    return answer.headers["etag"]


def test_etag_and_304(anybody: Shop) -> None:
    """Public reads carry a body hash and answer 304 to who has it."""
    # Nobody buys jewellery in these tests, so nothing of it changes between two reads.
    listed = "/products?category=jewellery&limit=3"
    for path in (listed, "/categories", "/products/by-slug/sumac"):
        tag = etag(anybody.call("GET", path))
        answer = anybody.call("GET", path, headers={"If-None-Match": tag})
        assert (answer.status, answer.text) == (304, "")
        assert etag(answer) == tag
        assert answer.headers["cache-control"] == "public, max-age=30"
        for held in ('"other"', "other"):
            assert anybody.call("GET", path, headers={"If-None-Match": held}).status == 200
        listed_tags = {"If-None-Match": f'"x", {tag}'}
        assert anybody.call("GET", path, headers=listed_tags).status == 304


def test_product_is_found_by_id_and_slug(anybody: Shop) -> None:
    """Both say the same; drafts and unknown ones are not found."""
    by_slug = anybody.get("/products/by-slug/silk-scarf")
    assert anybody.get(f"/products/{by_slug['id']}") == by_slug
    for path in (
        "/products/by-slug/no-such",
        "/products/by-slug/UPPER",
        f"/products/prd_{MISSING}",
    ):
        refused(anybody.call("GET", path), 404, "not_found")


def test_unknown_category_is_an_empty_list(anybody: Shop) -> None:
    """A filter that nothing matches gives an empty page."""
    assert anybody.get("/products", category="no-such") == {"items": [], "next": None}


def test_life_of_a_product(merchant: Shop, anybody: Shop, core: Core) -> None:
    """Draft, change, variant, publish, archive, each with version, ETag and event."""
    created = merchant.call("POST", "/admin/products", offer())
    assert created.status == 201
    product = created.body
    fits(product, PRODUCT)
    assert (product["status"], product["version"], etag(created)) == ("DRAFT", 1, '"1"')
    assert product["slug"] == product["title"].replace(" ", "-")
    assert (product["description"], product["attributes"]) == ("", {})
    path = f"/admin/products/{product['id']}"
    refused(anybody.call("GET", f"/products/{product['id']}"), 404, "not_found")

    changed = merchant.call("PATCH", path, {"title": "Bowl \u202e ok "}, match(1))
    assert (changed.status, changed.body["title"]) == (200, "Bowl \u202e ok ")
    assert (changed.body["version"], etag(changed)) == (2, '"2"')
    second = {"sku": sku(), "title": "Two", "price": 900, "initial_stock": 3}
    more = merchant.call("POST", f"{path}/variants", second, match(2))
    assert (more.status, more.body["price_from"], more.body["version"]) == (201, 900, 3)
    two = more.body["variants"][1]
    assert two["availability"] == "low"
    change = {"active": False}
    off = merchant.call("PATCH", f"{path}/variants/{two['id']}", change, match(3))
    assert (off.status, off.body["price_from"], off.body["version"]) == (200, 1200, 4)

    live = merchant.call("POST", f"{path}/publish")
    assert (live.status, live.body["status"], etag(live)) == (200, "ACTIVE", '"5"')
    again = merchant.call("POST", f"{path}/publish")
    assert (again.status, again.body["version"]) == (200, 5)
    shown = anybody.get(f"/products/{product['id']}")
    fits(shown, PRODUCT)
    assert len(shown["variants"]) == 1
    assert len(merchant.get(path)["variants"]) == 2
    gone = merchant.call("POST", f"{path}/archive")
    assert (gone.body["status"], gone.body["version"]) == ("ARCHIVED", 6)
    refused(anybody.call("GET", f"/products/by-slug/{product['slug']}"), 404, "not_found")
    back = merchant.call("POST", f"{path}/publish")
    assert back.body["status"] == "ACTIVE"
    merchant.call("POST", f"{path}/archive")

    kinds = [row["type"] for row in core.events(f"PROD#{product['id']}")]
    assert kinds[:6] == [
        "ProductCreated",
        "ProductUpdated",
        "ProductUpdated",
        "ProductUpdated",
        "ProductPublished",
        "ProductArchived",
    ]


def test_if_match(merchant: Shop) -> None:
    """Missing 428, old 412, anything but one version 400."""
    product = merchant.ask("POST", "/admin/products", offer(), expect=201)
    path = f"/admin/products/{product['id']}"
    body = {"description": "new"}
    refused(merchant.call("PATCH", path, body), 428, "precondition_required")
    refused(merchant.call("PATCH", path, body, match(7)), 412, "version_mismatch")
    for value in ("*", '"1", "2"', "1", 'W/"1"', '""', '"x"', '"-1"', '"1'):
        refused(merchant.call("PATCH", path, body, {"If-Match": value}), 400, "bad_request")
    assert merchant.get(path)["version"] == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": " "}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"title": None}, "title"),
        ({"title": 5}, "title"),
        ({"slug": "Not A Slug"}, "slug"),
        ({"slug": "a" * 81}, "slug"),
        ({"slug": "a--b"}, "slug"),
        ({"description": "x" * 5001}, "description"),
        ({"description": "a\x00b"}, "description"),
        ({"category": "no-such-shelf"}, "category"),
        ({"attributes": {"k": 1}}, "attributes.k"),
        ({"attributes": {"": "v"}}, "attributes"),
        ({"attributes": {f"k{n}": "v" for n in range(21)}}, "attributes"),
        ({"attributes": []}, "attributes"),
        ({"variants": []}, "variants"),
        ({"variants": None}, "variants"),
        ({"status": "ACTIVE"}, "status"),
    ],
)
def test_product_fields_that_are_not_allowed(
    merchant: Shop, change: dict[str, Any], field: str
) -> None:
    """Each is 422 and named."""
    answer = merchant.call("POST", "/admin/products", offer(**change))
    refused(answer, 422, "validation_failed")
    assert any(path.startswith(field) for path in paths_of(answer)), paths_of(answer)


@pytest.mark.parametrize(
    "change",
    [
        {"sku": "lower"},
        {"sku": "A"},
        {"sku": "A" * 41},
        {"sku": "-A"},
        {"price": 0},
        {"price": -1},
        {"price": 100000000},
        {"price": 12.0},
        {"price": "12"},
        {"price": True},
        {"title": "x" * 81},
        {"options": {f"k{n}": "v" for n in range(6)}},
        {"options": {"k": "v" * 41}},
        {"active": 1},
        {"active": None},
        {"initial_stock": -1},
        {"initial_stock": 1000001},
        {"initial_stock": 1.0},
        {"id": "var_1"},
    ],
)
def test_variant_fields_that_are_not_allowed(merchant: Shop, change: dict[str, Any]) -> None:
    """Each is 422 and named by its place."""
    variant = {"sku": sku(), "title": "One", "price": 1200, **change}
    answer = merchant.call("POST", "/admin/products", offer(variants=[variant]))
    refused(answer, 422, "validation_failed")
    assert all(path.startswith("variants.0.") for path in paths_of(answer)), paths_of(answer)


def test_names_are_unique(merchant: Shop) -> None:
    """A slug and a SKU belong to one product, also within one request."""
    first = merchant.ask("POST", "/admin/products", offer(), expect=201)
    taken = merchant.call("POST", "/admin/products", offer(slug=first["slug"]))
    refused(taken, 409, "slug_taken")
    variant = {"sku": first["variants"][0]["sku"], "title": "One", "price": 1}
    refused(merchant.call("POST", "/admin/products", offer(variants=[variant])), 409, "sku_taken")
    path = f"/admin/products/{first['id']}/variants"
    refused(merchant.call("POST", path, variant, match(1)), 409, "sku_taken")
    twice = {"sku": sku(), "title": "One", "price": 1}
    answer = merchant.call("POST", "/admin/products", offer(variants=[twice, twice]))
    assert answer.status in {409, 422}


def test_twenty_variants_at_most(merchant: Shop) -> None:
    """Twenty are created at once, a further one is `limit_reached`."""
    many = [{"sku": sku(), "title": f"V{n}", "price": 1, "initial_stock": 1} for n in range(20)]
    product = merchant.ask("POST", "/admin/products", offer(variants=many), expect=201)
    assert len(product["variants"]) == 20
    path = f"/admin/products/{product['id']}/variants"
    one = {"sku": sku(), "title": "V", "price": 1}
    refused(merchant.call("POST", path, one, match(1)), 409, "limit_reached")
    many.append(one)
    refused(
        merchant.call("POST", "/admin/products", offer(variants=many)), 422, "validation_failed"
    )


def test_publish_needs_an_active_variant(merchant: Shop) -> None:
    """Nothing to sell: 409; a draft may be archived at once."""
    idle = {"sku": sku(), "title": "One", "price": 1, "active": False}
    product = merchant.ask("POST", "/admin/products", offer(variants=[idle]), expect=201)
    path = f"/admin/products/{product['id']}"
    refused(merchant.call("POST", f"{path}/publish"), 409, "invalid_state")
    assert merchant.call("POST", f"{path}/archive").body["status"] == "ARCHIVED"


def test_admin_lists_by_status(merchant: Shop) -> None:
    """Newest first, of one status."""
    draft = merchant.ask("POST", "/admin/products", offer(), expect=201)
    page = merchant.get("/admin/products", status="DRAFT", limit=5)
    fits(page, listed(PRODUCT_CARD))
    assert draft["id"] in {card["id"] for card in page["items"]}
    created = [card["created_at"] for card in page["items"]]
    assert created == sorted(created, reverse=True)
    default = merchant.get("/admin/products")
    assert {card["status"] for card in default["items"]} == {"ACTIVE"}
    refused(merchant.call("GET", "/admin/products?status=GONE"), 422, "validation_failed")


def test_life_of_a_category(merchant: Shop, anybody: Shop, core: Core) -> None:
    """Created with defaults, changed under its version, hidden from the public."""
    title = f"Shelf {uuid.uuid4().hex[:8]}"
    made = merchant.call("POST", "/admin/categories", {"title": title})
    assert made.status == 201
    fits(made.body, CATEGORY)
    slug = title.lower().replace(" ", "-")
    assert made.body == {
        "id": slug,
        "title": title,
        "description": "",
        "position": 100,
        "hidden": False,
        "version": 1,
    }
    assert etag(made) == '"1"'
    refused(merchant.call("POST", "/admin/categories", {"title": title}), 409, "slug_taken")
    path = f"/admin/categories/{slug}"
    refused(merchant.call("PATCH", path, {"hidden": True}), 428, "precondition_required")
    hidden = merchant.call("PATCH", path, {"hidden": True}, match(1))
    assert (hidden.status, hidden.body["version"], etag(hidden)) == (200, 2, '"2"')
    refused(merchant.call("PATCH", path, {"position": 1}, match(1)), 412, "version_mismatch")
    read = merchant.call("GET", path)
    assert (read.body["hidden"], etag(read)) == (True, '"2"')
    assert slug not in {each["id"] for each in anybody.get("/categories")["items"]}
    row = core.row(f"CAT#{slug}")
    assert row
    assert (row["gsi1pk"], row["gsi1sk"]) == ("CATS", f"0100#{slug}")
    events = core.events(f"CAT#{slug}")
    assert [row["type"] for row in events] == ["CategoryChanged"] * 2
    assert events[0]["event_id"] == f"cat_{slug}#1"
    refused(merchant.call("GET", "/admin/categories/no-such"), 404, "not_found")


def test_stock_adjusted(merchant: Shop, warehouse: Shop, stall_of: Callable[..., Stall]) -> None:
    """The reply shows stock and movement; a repeat is the first answer."""
    stall = stall_of(stock=4)
    path = f"/admin/stock/{stall.variant['id']}"
    fits(stall.stock(), STOCK)
    body = {"delta": 3, "reason": "receive", "expected_on_hand": 4, "note": "van"}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = warehouse.call("POST", f"{path}/adjust", body, key)
    assert first.status == 200
    fits(first.body, {"stock": STOCK, "movement": MOVEMENT})
    assert (first.body["stock"]["on_hand"], first.body["stock"]["available"]) == (7, 7)
    movement = first.body["movement"]
    deltas = [movement[f"{what}_delta"] for what in ("available", "reserved", "on_hand")]
    assert (movement["kind"], deltas) == ("ADJUST", [3, 0, 3])
    assert (movement["reason"], movement["note"]) == ("receive", "van")
    again = warehouse.call("POST", f"{path}/adjust", body, key)
    assert (again.text, again.headers["idempotency-replayed"]) == (first.text, "true")
    assert stall.stock()["on_hand"] == 7
    page = merchant.get(f"{path}/movements", limit=1)
    fits(page, listed(MOVEMENT))
    assert page["items"][0]["ref"] == movement["ref"]
    assert page["next"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"delta": -5, "reason": "count"}, 409, "insufficient_stock"),
        ({"delta": 1, "reason": "count", "expected_on_hand": 9}, 409, "stock_changed"),
        ({"delta": 0, "reason": "count"}, 422, "validation_failed"),
        ({"delta": 1000001, "reason": "count"}, 422, "validation_failed"),
        ({"delta": -1000001, "reason": "count"}, 422, "validation_failed"),
        ({"delta": 1.0, "reason": "count"}, 422, "validation_failed"),
        ({"delta": "1", "reason": "count"}, 422, "validation_failed"),
        ({"delta": True, "reason": "count"}, 422, "validation_failed"),
        ({"delta": 1, "reason": "lost"}, 422, "validation_failed"),
        ({"delta": 1}, 422, "validation_failed"),
        ({"delta": 1, "reason": "count", "expected_on_hand": -1}, 422, "validation_failed"),
        ({"delta": 1, "reason": "count", "expected_on_hand": None}, 422, "validation_failed"),
        ({"delta": 1, "reason": "count", "note": "x" * 201}, 422, "validation_failed"),
        ({"delta": 1, "reason": "count", "note": None}, 422, "validation_failed"),
    ],
)
def test_adjustments_refused(
    warehouse: Shop, small_stall: Stall, body: dict[str, Any], status: int, code: str
) -> None:
    """Nothing below zero, nothing of another type."""
    path = f"/admin/stock/{small_stall.variant['id']}/adjust"
    key = {"Idempotency-Key": uuid.uuid4().hex}
    refused(warehouse.call("POST", path, body, key), status, code)


@pytest.fixture(scope="module")
def small_stall(stall_of: Callable[..., Stall]) -> Stall:
    """Four pieces that nobody buys."""
    return stall_of(stock=4)


def test_adjust_wants_a_key(warehouse: Shop, small_stall: Stall) -> None:
    """Missing and malformed keys have codes of their own."""
    path = f"/admin/stock/{small_stall.variant['id']}/adjust"
    body = {"delta": 1, "reason": "count"}
    refused(warehouse.call("POST", path, body), 400, "idempotency_key_missing")
    for key in ("short", "x" * 129, "with space", "semi;colon"):
        answer = warehouse.call("POST", path, body, {"Idempotency-Key": key})
        refused(answer, 400, "bad_request")


def test_unknown_variant_has_no_stock(merchant: Shop) -> None:
    """404 for reads and adjustments."""
    path = f"/admin/stock/var_{MISSING}"
    refused(merchant.call("GET", path), 404, "not_found")
    refused(merchant.call("GET", f"{path}/movements"), 404, "not_found")
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"delta": 1, "reason": "count"}
    refused(merchant.call("POST", f"{path}/adjust", body, key), 404, "not_found")


def test_journal_of_a_product(admin: Shop, small_stall: Stall) -> None:
    """Operations see the events of an aggregate with their envelope."""
    reply = admin.get("/ops/events", aggregate_id=small_stall.product["id"])
    fits(reply, listed(JOURNAL_EVENT))
    assert [event["type"] for event in reply["items"]] == ["ProductCreated", "ProductPublished"]
    first = reply["items"][0]
    assert first["data"]["product_id"] == small_stall.product["id"]
    assert set(first["data"]) == {"product_id", "changed"}
    assert first["source"] == "souk.products"
