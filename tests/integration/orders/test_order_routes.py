"""Routes of orders at the front door: strangers, foreign orders, strictness, keys, lists."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.kernel.ids import Ids
from tests.integration.orders.shop import ADDRESS, Shop, a_shop

KEY = "placing-key-1"


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A fresh shop."""
    with a_shop() as opened:
        yield opened


def a_basket(variant_id: str, **changed: Any) -> dict[str, Any]:
    """A request for two tagines."""
    return {
        "lines": [{"variant_id": variant_id, "quantity": 2}],
        "shipping_address": ADDRESS,
        "payment_token": "tok_approve",
        **changed,
    }


ROUTES = [
    ("POST", "/orders"),
    ("GET", "/orders"),
    ("GET", "/orders/{order_id}"),
    ("GET", "/orders/{order_id}/timeline"),
    ("POST", "/orders/{order_id}/cancel"),
    ("GET", "/admin/orders"),
    ("GET", "/admin/orders/{order_id}"),
    ("GET", "/admin/orders/by-number/SK-1"),
    ("GET", "/admin/orders/{order_id}/timeline"),
    ("POST", "/admin/orders/{order_id}/review"),
    ("POST", "/admin/orders/{order_id}/ship"),
    ("POST", "/admin/orders/{order_id}/deliver"),
    ("POST", "/admin/orders/{order_id}/cancel"),
    ("POST", "/admin/orders/{order_id}/refunds"),
]


def test_strangers_customers_and_owners(shop: Shop) -> None:
    """Strangers get 401, customers 403 on staff routes and 404 for somebody else's order."""
    order_id = shop.order(shop.a_variant())
    for method, route in ROUTES:
        path = route.format(order_id=order_id)
        assert shop.call(method, path).status == 401, path
        if path.startswith("/admin"):
            refused = shop.call(method, path, shop.chen, Idempotency_Key=KEY)
            assert (refused.status, refused.code) == (403, "forbidden"), path
        elif order_id in path:
            assert shop.call(method, path, shop.chen).status == 404, path


@pytest.mark.parametrize(
    ("role", "route", "status"),
    [
        ("support", "/admin/orders/{order_id}/cancel", 403),
        ("support", "/admin/orders/{order_id}/ship", 403),
        ("warehouse", "/admin/orders/{order_id}/refunds", 403),
        ("warehouse", "/admin/orders/{order_id}/review", 403),
        ("merchant", "/admin/orders/{order_id}/deliver", 409),
        ("admin", "/admin/orders/{order_id}/cancel", 202),
    ],
)
def test_scopes_of_staff(shop: Shop, role: str, route: str, status: int) -> None:
    """Each role does what its scopes say and no more."""
    path = route.format(order_id=shop.order(shop.a_variant()))
    assert shop.call("POST", path, shop.a_user(role), Idempotency_Key=KEY).status == status


@pytest.mark.covers(9)
def test_placed_order_in_full(shop: Shop) -> None:
    """Every field of the contract is there, null where nothing is known yet."""
    tagine = shop.a_variant(price=2000)
    placed = shop.call("POST", "/orders", shop.amina, a_basket(tagine), Idempotency_Key=KEY)
    order = placed.body["order"]
    assert placed.headers["Location"] == f"/orders/{order['id']}"
    assert order == {
        "id": order["id"],
        "number": order["number"],
        "status": "PLACED",
        "payment_status": None,
        "currency": "EUR",
        "total": 4500,
        "refunded": 0,
        "item_count": 2,
        "placed_at": order["placed_at"],
        "updated_at": order["placed_at"],
        "lines": [
            {
                "variant_id": tagine,
                "product_id": order["lines"][0]["product_id"],
                "sku": "CER-1",
                "title": "Blue tagine",
                "variant_title": "Standard",
                "quantity": 2,
                "unit_price": 2000,
                "line_total": 4000,
            }
        ],
        "subtotal": 4000,
        "shipping": 500,
        "tax": 0,
        "discount": 0,
        "shipping_address": {**ADDRESS, "line2": None, "region": None, "phone": None},
        "payment": None,
        "refunds": [],
        "cancel_requested": False,
        "review": None,
        "failure": None,
        "tracking": None,
        "paid_at": None,
        "shipped_at": None,
        "delivered_at": None,
        "closed_at": None,
        "version": 1,
    }
    assert shop.read(order["id"]) == order


def test_a_key_places_one_order(shop: Shop) -> None:
    """Repeated: the same bytes, marked; with another body refused; without a key refused."""
    tagine = shop.a_variant()
    first, again = (
        shop.call("POST", "/orders", shop.amina, a_basket(tagine), Idempotency_Key=KEY)
        for _ in range(2)
    )
    assert (first.status, first.raw) == (202, again.raw)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = a_basket(tagine, payment_token="tok_decline")
    mismatch = shop.call("POST", "/orders", shop.amina, other, Idempotency_Key=KEY)
    assert (mismatch.status, mismatch.code) == (422, "idempotency_mismatch")
    none = shop.call("POST", "/orders", shop.amina, a_basket(tagine))
    assert (none.status, none.code) == (400, "idempotency_key_missing")
    foreign = shop.call("POST", "/orders", shop.chen, a_basket(tagine), Idempotency_Key=KEY)
    assert foreign.body["order"]["id"] != first.body["order"]["id"]


def test_address_is_sealed_at_rest(shop: Shop) -> None:
    """No row holds a word of the address, neither the order nor the recorded reply."""
    shop.order(shop.a_variant())
    kept = json.dumps(
        [row for row in shop.rows() if not row["pk"].startswith("USER#")], default=str
    )
    assert "Potiers" not in kept
    assert "Amina" not in kept


def test_lines_of_one_variant_are_merged(shop: Shop) -> None:
    """One line a variant; together at most 99."""
    tagine = shop.a_variant()
    lines = [{"variant_id": tagine, "quantity": 50}, {"variant_id": tagine, "quantity": 49}]
    merged = shop.call(
        "POST", "/orders", shop.amina, a_basket(tagine, lines=lines), Idempotency_Key=KEY
    )
    assert [line["quantity"] for line in merged.body["order"]["lines"]] == [99]
    lines[1]["quantity"] = 50
    many = shop.call(
        "POST", "/orders", shop.amina, a_basket(tagine, lines=lines), Idempotency_Key="other-key"
    )
    assert (many.status, many.body["error"]["fields"][0]["code"]) == (422, "less_than_equal")


def test_what_is_not_for_sale_is_refused_by_line(shop: Shop) -> None:
    """Unknown, inactive and unpublished variants look the same."""
    lines = [
        {"variant_id": variant_id, "quantity": 1}
        for variant_id in (
            shop.a_variant(),
            Ids().new("var"),
            shop.a_variant(active=False),
            shop.a_variant(product_status="DRAFT"),
        )
    ]
    refused = shop.call(
        "POST", "/orders", shop.amina, a_basket("", lines=lines), Idempotency_Key=KEY
    )
    assert refused.status == 422
    assert [(wrong["path"], wrong["code"]) for wrong in refused.body["error"]["fields"]] == [
        (f"lines.{place}.variant_id", "not_sellable") for place in (1, 2, 3)
    ]


def test_another_total_is_refused(shop: Shop) -> None:
    """The customer pays what was shown, or is asked again."""
    tagine = shop.a_variant(price=3400)
    right = a_basket(tagine, expected_total=6800)
    assert shop.call("POST", "/orders", shop.amina, right, Idempotency_Key=KEY).status == 202
    wrong = a_basket(tagine, expected_total=6799)
    refused = shop.call("POST", "/orders", shop.amina, wrong, Idempotency_Key="other-key")
    assert (refused.status, refused.code) == (409, "total_changed")


@pytest.mark.parametrize(
    "changed",
    [
        {"expected_total": None},
        {"expected_total": 68.0},
        {"expected_total": "6800"},
        {"lines": []},
        {"price": 1},
        {"payment_token": "4111111111111111"},
        {"shipping_address": {}},
        {"lines": [{"variant_id": "var_1", "quantity": 1}]},
    ],
)
def test_bodies_are_read_strictly(shop: Shop, changed: dict[str, Any]) -> None:
    """No null, float, text for a number, unknown field or malformed id."""
    basket = a_basket(shop.a_variant(), **changed)
    refused = shop.call("POST", "/orders", shop.amina, basket, Idempotency_Key=KEY)
    assert (refused.status, refused.code) == (422, "validation_failed")


def test_without_a_provider_nothing_is_accepted(shop: Shop) -> None:
    """Sandbox off and no other provider: 503, nothing written."""
    tagine = shop.a_variant()
    with shop.without_sandbox():
        refused = shop.call("POST", "/orders", shop.amina, a_basket(tagine), Idempotency_Key=KEY)
    assert (refused.status, refused.code) == (503, "unavailable")
    assert [row for row in shop.rows() if row["pk"].startswith("ORDER#")] == []


def test_lists_are_paged_newest_first(shop: Shop) -> None:
    """The cursor continues, ends with null, and belongs to its caller."""
    tagine = shop.a_variant()
    placed = [shop.order(tagine) for _ in range(3)]
    first = shop.call("GET", "/orders?limit=2", shop.amina).body
    assert [card["id"] for card in first["items"]] == [placed[2], placed[1]]
    assert first["items"][0]["item_count"] == 2
    second = shop.call("GET", f"/orders?limit=2&cursor={first['next']}", shop.amina).body
    assert ([card["id"] for card in second["items"]], second["next"]) == ([placed[0]], None)
    foreign = shop.call("GET", f"/orders?cursor={first['next']}", shop.chen)
    assert (foreign.status, foreign.code) == (400, "invalid_cursor")
    assert shop.call("GET", "/orders", shop.chen).body == {"items": [], "next": None}


def test_staff_find_orders_by_status_and_number(shop: Shop) -> None:
    """Working states by status, closed ones by month; the customer's address is masked."""
    support = shop.a_user("support")
    order_id = shop.order(shop.a_variant())
    listed = shop.call("GET", "/admin/orders?status=PLACED", support).body["items"]
    assert [card["id"] for card in listed] == [order_id]
    assert shop.call("GET", "/admin/orders", support).status == 422
    shop.call("POST", f"/orders/{order_id}/cancel", shop.amina)
    assert shop.call("GET", "/admin/orders?status=PLACED", support).body["items"] == []
    closed = shop.call("GET", "/admin/orders?status=CANCELLED", support).body["items"]
    assert [card["id"] for card in closed] == [order_id]
    past = shop.call("GET", "/admin/orders?status=CANCELLED&month=2020-01", support)
    assert past.body["items"] == []
    shown = shop.call("GET", f"/admin/orders/by-number/{closed[0]['number']}", support).body
    assert shown == shop.call("GET", f"/admin/orders/{order_id}", support).body
    assert shown["customer"] == {
        "id": shop.amina["user"],
        "name": "Customer",
        "email": "c***@souk.example",
    }
    assert shop.call("GET", "/admin/orders/by-number/SK-NONE0000", support).status == 404


@pytest.mark.covers(11)
def test_timeline_tells_everything_but_who_it_is_about(shop: Shop) -> None:
    """Oldest first; without ids of order and customer and without staff ids."""
    rug = shop.a_variant(price=129_000)
    order_id = shop.order(rug, units=1)
    shop.settle()
    merchant = shop.a_user("merchant")
    shop.call("POST", f"/admin/orders/{order_id}/review", merchant, {"decision": "approve"})
    shop.settle()
    timeline = shop.call("GET", f"/orders/{order_id}/timeline", shop.amina).body["items"]
    assert [(entry["seq"], entry["type"], entry["actor"]) for entry in timeline] == [
        (1, "OrderPlaced", "customer"),
        (2, "OrderReserved", "system"),
        (3, "OrderHeld", "system"),
        (4, "OrderReviewDecided", "staff"),
        (5, "PaymentStarted", "system"),
        (6, "PaymentCaptured", "system"),
        (7, "OrderPaid", "system"),
    ]
    assert timeline[3]["data"] == {"from": "REVIEW", "to": "REVIEW", "decision": "approve"}
    for entry in timeline:
        assert not {"order_id", "number", "user_id", "by"} & set(entry["data"])
    page = shop.call("GET", f"/orders/{order_id}/timeline?limit=5", shop.amina).body
    rest = shop.call("GET", f"/orders/{order_id}/timeline?cursor={page['next']}", shop.amina)
    assert [entry["seq"] for entry in rest.body["items"]] == [6, 7]
    seen_by_staff = shop.call("GET", f"/admin/orders/{order_id}/timeline", merchant).body
    assert seen_by_staff["items"] == timeline
    customer_view = shop.read(order_id)["review"]
    assert set(customer_view) == {"decision", "at"}
