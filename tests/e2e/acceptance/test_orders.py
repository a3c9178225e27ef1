"""Sections 4.5, 6.1 to 6.3, 3.2 and 9: orders over HTTP and what they leave behind."""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from local.shop import Shop, wait_for
from tests.e2e.acceptance.conftest import ADDRESS, LEFT_OUT, Core, Raw, Stall, basket, ordered
from tests.e2e.acceptance.shapes import (
    ORDER,
    ORDER_CARD,
    STAFF_ORDER,
    TIMELINE_ENTRY,
    fits,
    listed,
)
from tests.e2e.acceptance.test_errors import paths_of, refused

PAID_PATH = ["OrderPlaced", "OrderReserved", "PaymentStarted", "PaymentCaptured", "OrderPaid"]
ORDER_FACTS = {"order_id", "number", "user_id", "from", "to"}
PAYMENT_FACTS = {"order_id", "payment_id", "user_id", "amount", "currency"}
# Section 6.2: the fields of `data` of each type.
DATA = {
    "OrderPlaced": ORDER_FACTS | {"currency", "total", "lines"},
    "OrderReserved": ORDER_FACTS | {"lines"},
    "OrderHeld": ORDER_FACTS | {"total"},
    "OrderReviewDecided": ORDER_FACTS | {"decision", "by"},
    "OrderPaid": ORDER_FACTS | {"payment_id", "currency", "total", "lines"},
    "OrderFailed": ORDER_FACTS | {"reason", "decline_code", "lines"},
    "OrderCancelRequested": ORDER_FACTS,
    "OrderCancelled": ORDER_FACTS | {"released", "returned", "lines"},
    "OrderShipped": ORDER_FACTS | {"carrier", "tracking_number"},
    "OrderDelivered": ORDER_FACTS,
    "OrderRefunded": ORDER_FACTS | {"returned", "lines"},
    "PaymentStarted": PAYMENT_FACTS,
    "PaymentUncertain": PAYMENT_FACTS,
    "PaymentExpired": PAYMENT_FACTS,
    "PaymentActionRequired": PAYMENT_FACTS | {"expires_at"},
    "PaymentCaptured": PAYMENT_FACTS | {"charge_id"},
    "PaymentDeclined": PAYMENT_FACTS | {"decline_code"},
    "RefundRequested": PAYMENT_FACTS | {"refund_id", "kind", "refund_amount", "from", "to"},
    "RefundSettled": PAYMENT_FACTS | {"refund_id", "kind", "refund_amount", "code", "from", "to"},
    "RefundFailed": PAYMENT_FACTS | {"refund_id", "kind", "refund_amount", "code", "from", "to"},
    "RefundUncertain": PAYMENT_FACTS | {"refund_id", "kind", "refund_amount", "code", "from", "to"},
}
HIDDEN = {"order_id", "number", "user_id", "by"}
LINE_FACTS = {
    "OrderPlaced": {"variant_id", "product_id", "quantity", "unit_price"},
    "others": {"variant_id", "product_id", "quantity"},
}


def journal_is_sound(core: Core, order_id: str) -> list[str]:
    """Every event row of the order is as sections 3 and 6 say; their types, in order."""
    order = core.row(f"ORDER#{order_id}")
    assert order
    rows = core.events(f"ORDER#{order_id}")
    assert [row["sk"] for row in rows] == [f"EVT#{n:08d}" for n in range(1, len(rows) + 1)]
    assert int(order["version"]) == len(rows)
    for number, row in enumerate(rows, start=1):
        assert row["event_id"] == f"{order_id}#{number}"
        data = json.loads(row["data"]) if isinstance(row["data"], str) else row["data"]
        assert set(data) == DATA[row["type"]], row["type"]
        if "lines" in data:
            expected = LINE_FACTS.get(row["type"], LINE_FACTS["others"])
            assert all(set(line) == expected for line in data["lines"])
        hour = row["occurred_at"][:13]
        assert row["gsi2pk"] == f"EVENTS#{hour}"
        assert row["gsi2sk"] == f"{row['occurred_at']}#{row['event_id']}"
        if "gsi3pk" in row:
            assert re.fullmatch(r"DUE#OUTBOX#[0-7]", row["gsi3pk"])
            assert row["gsi3sk"] == row["gsi2sk"]
        else:
            assert row["relayed_at"]
    return [row["type"] for row in rows]


def settled(customer: Shop, order: dict[str, Any], *states: str, within_s: float = 30) -> Any:
    """The order once it is in one of these states."""
    read = customer.order_in(order["id"], set(states), within_s=within_s)
    fits(read, ORDER)
    return read


@pytest.fixture(scope="module")
def paid(nora: Shop, stall: Stall) -> dict[str, Any]:
    """A paid order of nora."""
    order = ordered(nora, basket(stall.variant["id"], 2))
    result: dict[str, Any] = settled(nora, order, "PAID")
    return result


@pytest.mark.covers(34, 76)
def test_placed(nora: Shop, stall: Stall) -> None:
    """202 with the whole order, a Location, and the shop's own prices."""
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = basket(stall.variant["id"], 2)
    answer = nora.call("POST", "/orders", body, key)
    assert answer.status == 202
    fits(answer.body, {"order": ORDER})
    order = answer.body["order"]
    assert answer.headers["location"].endswith(f"/orders/{order['id']}")
    assert (order["status"], order["version"], order["payment"]) == ("PLACED", 1, None)
    assert (order["subtotal"], order["shipping"], order["total"]) == (3400, 500, 3900)
    assert (order["tax"], order["discount"], order["item_count"]) == (0, 0, 2)
    assert order["shipping_address"] == ADDRESS | LEFT_OUT
    again = nora.call("POST", "/orders", body, key)
    assert (again.status, again.text) == (202, answer.text)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in answer.headers
    reordered = dict(reversed(body.items()))
    assert nora.call("POST", "/orders", reordered, key).text == answer.text
    other = basket(stall.variant["id"], 3)
    refused(nora.call("POST", "/orders", other, key), 422, "idempotency_mismatch")
    settled(nora, order, "PAID")


def test_lines_of_one_variant_are_merged(nora: Shop, stall: Stall) -> None:
    """Two lines of a variant become one; above 99 is refused."""
    body = basket(stall.variant["id"], 3)
    body["lines"] *= 2
    order = ordered(nora, body)
    assert [line["quantity"] for line in order["lines"]] == [6]
    assert (order["subtotal"], order["shipping"]) == (10200, 0)
    body["lines"] = [{"variant_id": stall.variant["id"], "quantity": 50}] * 2
    answer = nora.call("POST", "/orders", body, {"Idempotency-Key": uuid.uuid4().hex})
    refused(answer, 422, "validation_failed")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": None}, "lines"),
        ({"lines": {}}, "lines"),
        ({"lines": [{}]}, "lines.0"),
        ({"lines": [[]]}, "lines.0"),
        ({"lines": [{"variant_id": "var_x", "quantity": 1}]}, "lines.0"),
        ({"lines": [{"variant_id": "var_" + "0" * 26, "quantity": 1}]}, "lines.0"),
        ({"lines": [{"variant_id": "var_" + "0" * 26, "quantity": 0}]}, "lines.0.quantity"),
        ({"lines": [{"variant_id": "var_" + "0" * 26, "quantity": 1.0}]}, "lines.0.quantity"),
        ({"lines": [{"variant_id": "var_" + "0" * 26, "quantity": 10**30}]}, "lines.0.quantity"),
        ({"lines": [{"variant_id": "var_" + "0" * 26, "quantity": True}]}, "lines.0.quantity"),
        ({"lines": [{"variant_id": f"var_{n:026d}", "quantity": 1} for n in range(26)]}, "lines"),
        ({"payment_token": "approve"}, "payment_token"),
        ({"payment_token": "tok_A"}, "payment_token"),
        ({"payment_token": "tok_" + "a" * 41}, "payment_token"),
        ({"payment_token": "tok_approve\n"}, "payment_token"),
        ({"payment_token": None}, "payment_token"),
        ({"expected_total": -1}, "expected_total"),
        ({"expected_total": None}, "expected_total"),
        ({"expected_total": 100000000000}, "expected_total"),
        ({"shipping_address": None}, "shipping_address"),
        ({"shipping_address": []}, "shipping_address"),
        ({"shipping_address": {**ADDRESS, "country": "gb"}}, "shipping_address.country"),
        ({"shipping_address": {**ADDRESS, "country": "GBR"}}, "shipping_address.country"),
        ({"shipping_address": {**ADDRESS, "name": " "}}, "shipping_address.name"),
        ({"shipping_address": {**ADDRESS, "line1": "a\tb"}}, "shipping_address.line1"),
        ({"shipping_address": {**ADDRESS, "city": "x" * 81}}, "shipping_address.city"),
        ({"shipping_address": {**ADDRESS, "postal_code": "1"}}, "shipping_address.postal_code"),
        (
            {"shipping_address": {**ADDRESS, "postal_code": "1" * 17}},
            "shipping_address.postal_code",
        ),
        ({"shipping_address": {**ADDRESS, "phone": "0123"}}, "shipping_address.phone"),
        ({"shipping_address": {**ADDRESS, "label": "Home"}}, "shipping_address.label"),
        ({"user_id": "usr_1"}, "user_id"),
        ({"total": 1}, "total"),
    ],
)
def test_orders_that_are_not_allowed(
    nora: Shop, stall: Stall, change: dict[str, Any], field: str
) -> None:
    """Each is 422 and named."""
    body = basket(stall.variant["id"]) | change
    answer = nora.call("POST", "/orders", body, {"Idempotency-Key": uuid.uuid4().hex})
    refused(answer, 422, "validation_failed")
    found = paths_of(answer)
    assert field in found or all(path.startswith(f"{field}.") for path in found), found


def test_not_sellable(nora: Shop, merchant: Shop, stall_of: Callable[..., Stall]) -> None:
    """Unknown, archived and inactive variants are `not_sellable`."""
    stall = stall_of(stock=3)
    merchant.ask("POST", f"/admin/products/{stall.product['id']}/archive")
    for variant_id in (stall.variant["id"], "var_" + "0" * 26):
        key = {"Idempotency-Key": uuid.uuid4().hex}
        answer = nora.call("POST", "/orders", basket(variant_id), key)
        refused(answer, 422, "validation_failed")
        assert "not_sellable" in paths_of(answer).values()


def test_expected_total(nora: Shop, stall: Stall) -> None:
    """Another total than the customer saw is refused, the right one taken."""
    body = basket(stall.variant["id"])
    key = {"Idempotency-Key": uuid.uuid4().hex}
    wrong = nora.call("POST", "/orders", body | {"expected_total": 1700}, key)
    refused(wrong, 409, "total_changed")
    taken = nora.call("POST", "/orders", body | {"expected_total": 2200}, key)
    assert taken.status == 202


def test_keys(nora: Shop, omar: Shop, stall: Stall) -> None:
    """Missing and malformed keys; the same key of another customer is another key."""
    body = basket(stall.variant["id"])
    refused(nora.call("POST", "/orders", body), 400, "idempotency_key_missing")
    for key in ("x" * 7, "x" * 129, "with space", "ümlaut--", "", "a,bcdefgh"):
        headers = {"Idempotency-Key": key.encode().decode("latin-1")}
        answer = nora.call("POST", "/orders", body, headers)
        assert answer.status == 400, key
        assert answer.body["error"]["code"] in {"bad_request", "idempotency_key_missing"}
    same = {"Idempotency-Key": uuid.uuid4().hex}
    first = nora.call("POST", "/orders", body, same).body["order"]
    second = omar.call("POST", "/orders", body, same).body["order"]
    assert first["id"] != second["id"]


@pytest.mark.covers(27, 46)
def test_rows_of_a_paid_order(nora: Shop, core: Core, paid: dict[str, Any], stall: Stall) -> None:
    """Keys, copies and index entries of section 3.2; nothing personal in the clear."""
    pk = f"ORDER#{paid['id']}"
    row = core.row(pk)
    assert row
    assert row["gsi1pk"] == f"USER#{nora.user['id']}#ORDERS"
    assert row["gsi1sk"] == row["gsi2sk"] == f"{row['placed_at']}#{paid['id']}"
    assert row["gsi2pk"] == "ORDERS#PAID"
    assert "gsi3pk" not in row
    assert row["reservation"] == {"status": "COMMITTED", "location": "main"}
    assert (row["user_id"], row["number"]) == (nora.user["id"], paid["number"])
    assert (row["payment_status"], int(row["refunded"])) == ("CAPTURED", 0)
    assert row["payment_token"] == "tok_approve"
    assert ADDRESS["line1"] not in str(row)
    assert ADDRESS["name"] not in str(row)
    payment = core.row(pk, f"PAY#{paid['payment']['id']}")
    assert payment
    assert (payment["status"], payment["provider"]) == ("CAPTURED", "sandbox")
    assert (int(payment["amount"]), int(payment["refund_requested"])) == (3900, 0)
    assert payment["charge_id"] == "gch_" + payment["id"].removeprefix("pay_")
    number = core.row(f"ORDERNO#{paid['number']}")
    assert number
    assert paid["id"] in number.values()
    charge = core.row(f"GW#{paid['id']}", f"CHARGE#{paid['payment']['id']}")
    assert charge
    assert (charge["status"], int(charge["attempts"])) == ("captured", 1)
    kinds = {
        row["sk"].rsplit("#", 1)[1]
        for row in core.under(f"STOCK#{stall.variant['id']}", "MOV#")
        if paid["id"].removeprefix("ord_") in row["sk"]
    }
    assert kinds == {"RESERVE", "COMMIT"}
    assert journal_is_sound(core, paid["id"]) == PAID_PATH


def test_timeline(nora: Shop, paid: dict[str, Any], support: Shop) -> None:
    """Oldest first, by pages, without what the reader knows or must not know."""
    path = f"/orders/{paid['id']}/timeline"
    whole = nora.get(path)
    fits(whole, listed(TIMELINE_ENTRY))
    assert [entry["type"] for entry in whole["items"]] == PAID_PATH
    assert [entry["seq"] for entry in whole["items"]] == [1, 2, 3, 4, 5]
    for entry in whole["items"]:
        assert set(entry["data"]) == DATA[entry["type"]] - HIDDEN
    assert whole["items"][0]["actor"] == "customer"
    assert whole["items"][1]["actor"] == "system"
    first = nora.get(path, limit=2)
    rest = nora.get(path, limit=100, cursor=first["next"])
    assert first["items"] + rest["items"] == whole["items"]
    assert support.get(f"/admin{path}")["items"] == whole["items"]


def test_staff_see_more(support: Shop, nora: Shop, omar: Shop, paid: dict[str, Any]) -> None:
    """By id and by number, with a masked address; others get 404."""
    seen = support.get(f"/admin/orders/{paid['id']}")
    fits(seen, STAFF_ORDER)
    assert seen["customer"]["id"] == nora.user["id"]
    assert seen["customer"]["email"] == "n***@souk.example"
    assert support.get(f"/admin/orders/by-number/{paid['number']}") == seen
    refused(support.call("GET", "/admin/orders/by-number/SK-00000000"), 404, "not_found")
    refused(support.call("GET", "/admin/orders/by-number/x"), 404, "not_found")
    for path in (f"/orders/{paid['id']}", f"/orders/{paid['id']}/timeline"):
        refused(omar.call("GET", path), 404, "not_found")
    refused(omar.call("POST", f"/orders/{paid['id']}/cancel"), 404, "not_found")


def test_lists(nora: Shop, support: Shop, paid: dict[str, Any]) -> None:
    """Own orders newest first; staff by status, closed ones by month."""
    mine = nora.get("/orders", limit=100)
    fits(mine, listed(ORDER_CARD))
    placed = [card["placed_at"] for card in mine["items"]]
    assert placed == sorted(placed, reverse=True)
    theirs = support.get("/admin/orders", status="PAID", limit=100)
    fits(theirs, listed(ORDER_CARD))
    assert paid["id"] in {card["id"] for card in theirs["items"]}
    month = paid["placed_at"][:7]
    fits(support.get("/admin/orders", status="FAILED", month=month), listed(ORDER_CARD))
    for query in ("", "?status=paid", "?status=FAILED&month=2026-13", "?status=FAILED&month=26-1"):
        refused(support.call("GET", f"/admin/orders{query}"), 422, "validation_failed")


def test_shipped_and_delivered(warehouse: Shop, nora: Shop, core: Core, stall: Stall) -> None:
    """Forward only; the same again is the same; mails; rows by status and month."""
    order = settled(nora, ordered(nora, basket(stall.variant["id"])), "PAID")
    path = f"/admin/orders/{order['id']}"
    refused(warehouse.call("POST", f"{path}/deliver"), 409, "invalid_state")
    parcel = {"carrier": "DHL", "tracking_number": "JD01"}
    shipped = warehouse.ask("POST", f"{path}/ship", parcel)
    fits(shipped, {"order": STAFF_ORDER})
    assert shipped["order"]["tracking"] == {"carrier": "DHL", "number": "JD01"}
    assert warehouse.ask("POST", f"{path}/ship", parcel) == shipped
    other = parcel | {"tracking_number": "JD02"}
    refused(warehouse.call("POST", f"{path}/ship", other), 409, "invalid_state")
    refused(nora.call("POST", f"/orders/{order['id']}/cancel"), 409, "invalid_state")
    delivered = warehouse.ask("POST", f"{path}/deliver")
    assert warehouse.ask("POST", f"{path}/deliver") == delivered
    assert delivered["order"]["status"] == "DELIVERED"
    row = core.row(f"ORDER#{order['id']}")
    assert row
    assert row["gsi2pk"] == f"ORDERS#DELIVERED#{order['placed_at'][:7]}"
    types = journal_is_sound(core, order["id"])
    assert types == [*PAID_PATH, "OrderShipped", "OrderDelivered"]
    for template in ("order_confirmed", "order_shipped", "order_delivered"):
        nora.mail(nora.user["email"], template, within_s=30)


def test_refunds(merchant: Shop, nora: Shop, core: Core, stall: Stall) -> None:
    """In parts, never more than captured; the last part closes the order."""
    order = settled(nora, ordered(nora, basket(stall.variant["id"], 2)), "PAID")
    path = f"/admin/orders/{order['id']}/refunds"
    part = {"amount": 1000, "reason": "goodwill"}
    answer = merchant.call("POST", path, part, {"Idempotency-Key": uuid.uuid4().hex})
    assert answer.status == 202
    assert set(answer.body) == {"refund", "order"}
    fits(answer.body["order"], STAFF_ORDER)
    assert answer.body["refund"]["status"] == "REQUESTED"
    much = {"amount": 2901, "reason": "goodwill"}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    refused(merchant.call("POST", path, much, key), 409, "refund_exceeds_captured")

    def refunded() -> dict[str, Any] | None:
        read: dict[str, Any] = nora.get(f"/orders/{order['id']}")
        return read if read["payment_status"] == "PARTLY_REFUNDED" else None

    read = wait_for(refunded, "a part refunded", within_s=30)
    fits(read, ORDER)
    assert (read["refunded"], read["payment"]["refunded"], read["status"]) == (1000, 1000, "PAID")
    assert read["refunds"][0]["status"] == "SETTLED"
    merchant.post_once(path, {"amount": 2900, "reason": "other", "note": "x"}, expect=202)
    done = settled(nora, order, "REFUNDED")
    assert (done["refunded"], done["payment_status"]) == (3900, "REFUNDED")
    assert done["closed_at"]
    refused(
        merchant.call("POST", path, part, {"Idempotency-Key": uuid.uuid4().hex}),
        409,
        "invalid_state",
    )
    types = journal_is_sound(core, order["id"])
    assert types[5:] == [
        "RefundRequested",
        "RefundSettled",
        "RefundRequested",
        "RefundSettled",
        "OrderRefunded",
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"amount": 0, "reason": "other"},
        {"amount": -5, "reason": "other"},
        {"amount": 1.5, "reason": "other"},
        {"amount": "1", "reason": "other"},
        {"amount": 1, "reason": "because"},
        {"amount": 1},
        {"amount": 1, "reason": "other", "note": "x" * 201},
        {"amount": 10**400, "reason": "other"},
    ],
)
def test_refunds_that_are_not_allowed(
    merchant: Shop, paid: dict[str, Any], body: dict[str, Any]
) -> None:
    """Each is 422; far too much is a conflict or 422, never an error of ours."""
    path = f"/admin/orders/{paid['id']}/refunds"
    key = {"Idempotency-Key": uuid.uuid4().hex}
    refused(merchant.call("POST", path, body, key), 422, "validation_failed")


def test_webhook_is_guarded(raw: Raw) -> None:
    """Unsigned, badly signed and old calls are 400; an unknown provider 404."""
    path = "/payments/webhooks/sandbox"
    for header in (None, "", "t=1", "v1=aa", "t=1,v1=zz", "t=x,v1=00", "t=1,v1=" + "0" * 64):
        headers = {} if header is None else {"Souk-Signature": header}
        refused(raw.send("POST", path, b"{}", headers), 400, "signature_invalid")
    refused(raw.send("POST", "/payments/webhooks/stripe", b"{}"), 404, "not_found")
    refused(raw.send("POST", "/payments/webhooks/none%20such", b"{}"), 404, "not_found")
