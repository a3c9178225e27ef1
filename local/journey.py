"""The buyer journey, played against the running shop and told as it happens (`make demo`)."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

from local.journey_cast import Journey, Unexpected, expect, money, restock
from local.journey_chat import talk
from local.journey_media import send_pictures
from local.shop import Refused, Shop, TookTooLong, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOT_MODIFIED: Final = 304
UNITS: Final = 2
PASSWORD: Final = "demo-Souk-2026-pass"


def browse(journey: Journey) -> None:
    """1 The catalogue, and the same page again from the cache."""
    categories = journey.shop.get("/categories")["items"]
    ceramics = journey.shop.get("/products", category="ceramics")["items"]
    journey.tell(f"{len(categories)} categories, {len(ceramics)} products in ceramics")
    first = journey.shop.call("GET", "/products/by-slug/tagine-blue")
    again = journey.shop.call(
        "GET", "/products/by-slug/tagine-blue", None, {"If-None-Match": first.headers["etag"]}
    )
    expect(again.status == NOT_MODIFIED, f"the second read answered {again.status}, not 304")
    journey.tell(f"tagine-blue: {money(first.body['price_from'])}; read again: 304")


def register(journey: Journey) -> None:
    """2 A new customer registers, confirms the address and signs in."""
    email = f"dana-{uuid.uuid4().hex[:8]}@souk.example"
    credentials = {"email": email, "password": PASSWORD}
    journey.shop.ask("POST", "/users/register", {**credentials, "name": "Dana"}, expect=202)
    mail = journey.shop.mail(email, "verify_email")
    journey.tell(f"registered {email}; mail {mail['template']} with a token has arrived")
    try:
        journey.shop.sign_in(email, PASSWORD)
        raise Unexpected("login before verification was allowed")
    except Refused as refused:
        expect(refused.code == "email_unverified", f"login answered {refused.code}")
    journey.shop.ask("POST", "/users/verify-email", {"token": mail["token"]}, expect=204)
    journey.buyer = journey.shop.sign_in(email, PASSWORD)
    journey.tell(f"address confirmed, signed in as {journey.buyer.user['id']}")


def buy(journey: Journey) -> None:
    """3-4 An order is placed, paid, confirmed by mail, and its books are right."""
    variant = journey.variant("tagine-blue")
    warehouse = journey.member("warehouse")
    before = warehouse.get(f"/admin/stock/{variant}")
    order = journey.place("tagine-blue", "tok_approve", UNITS)
    expect(order["status"] == "PLACED", f"the order is {order['status']}")
    journey.settle(order, "PAID", within_s=20)
    timeline = journey.buyer.get(f"/orders/{order['id']}/timeline")["items"]
    journey.tell(" > ".join(entry["type"] for entry in timeline))
    after = warehouse.get(f"/admin/stock/{variant}")
    sold = before["on_hand"] - after["on_hand"]
    expect(sold == UNITS, f"{sold} units left the stock, not {UNITS}")
    books = journey.shop.get(f"/sandbox/gateway/orders/{order['id']}")
    expect(len(books["charges"]) == 1, "the gateway's books have more than one charge")
    mail = journey.shop.mail(journey.buyer.user["email"], "order_confirmed")
    journey.tell(f"stock {before['on_hand']} -> {after['on_hand']}; mail: {mail['subject']}")
    journey.first_order = order["id"]


def fail_safely(journey: Journey) -> None:
    """5 A decline, a sold-out product, and two buyers for the last piece."""
    journey.settle(journey.place("paper-star", "tok_decline"), "FAILED")
    journey.settle(journey.place("dried-lime", "tok_approve"), "FAILED")
    restock(journey, "desk-oil-lamp", 1)
    placed: list[dict[str, Any]] = []
    rivals = [
        threading.Thread(
            target=lambda: placed.append(journey.place("desk-oil-lamp", "tok_approve"))
        )
        for _ in range(2)
    ]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    ended = [journey.buyer.order_in(order["id"], {"PAID", "FAILED"}) for order in placed]
    statuses = sorted(order["status"] for order in ended)
    expect(statuses == ["FAILED", "PAID"], f"the last piece ended {statuses}")
    journey.tell("two orders for the last desk-oil-lamp: one PAID, one FAILED out_of_stock")


def pay_in_odd_ways(journey: Journey) -> None:
    """6 Confirmation at the gateway, lost replies, doubled webhooks: one charge each."""
    order = journey.place("mint-tea", "tok_requires_action")
    journey.tell(f"waits for the customer at {_action_url(journey, order)}")
    path = f"/sandbox/gateway/orders/{order['id']}/approve"
    journey.shop.ask("POST", path)
    journey.settle(order, "PAID")
    for token in ("tok_timeout_then_charged", "tok_timeout_not_charged", "tok_duplicate_webhook"):
        order = journey.place("mint-tea", token)
        journey.settle(order, "PAID", within_s=30)
        charges = journey.shop.get(f"/sandbox/gateway/orders/{order['id']}")["charges"]
        captured = [charge for charge in charges if charge["status"] == "captured"]
        expect(len(captured) == 1, f"{token}: {len(captured)} captured charges")


def review(journey: Journey) -> None:
    """7 Large orders wait for a person, who approves one and rejects another."""
    restock(journey, "berber-rug", 3)
    merchant = journey.member("merchant")
    for decision, status in (("approve", "PAID"), ("reject", "FAILED")):
        order = journey.place("berber-rug", "tok_approve")
        journey.settle(order, "REVIEW")
        path = f"/admin/orders/{order['id']}/review"
        merchant.ask("POST", path, {"decision": decision}, expect=202)
        journey.settle(order, status)
    order = journey.place("berber-rug", "tok_approve")
    journey.settle(order, "REVIEW")
    journey.buyer.ask("POST", f"/orders/{order['id']}/cancel", expect=202)
    journey.settle(order, "CANCELLED")


def cancel_paid(journey: Journey) -> None:
    """8 A paid order is cancelled: the money goes back, the stock too."""
    order = journey.place("tea-pot", "tok_approve")
    journey.settle(order, "PAID")
    journey.buyer.ask("POST", f"/orders/{order['id']}/cancel", expect=202)
    cancelled = journey.settle(order, "CANCELLED")
    refunds = journey.shop.get(f"/sandbox/gateway/orders/{order['id']}")["refunds"]
    expect(
        sum(refund["amount"] for refund in refunds) == cancelled["total"],
        "the refund is not the total",
    )
    journey.tell(f"refunded {money(cancelled['total'])}")


def ship_and_refund(journey: Journey) -> None:
    """9 The first order is shipped, delivered and partly refunded."""
    warehouse, merchant = journey.member("warehouse"), journey.member("merchant")
    path = f"/admin/orders/{journey.first_order}"
    parcel = {"carrier": "Souk Post", "tracking_number": "SP-2026-0001"}
    warehouse.ask("POST", f"{path}/ship", parcel)
    warehouse.ask("POST", f"{path}/deliver")
    wish = {"amount": 1000, "reason": "goodwill"}
    merchant.post_once(f"{path}/refunds", wish, expect=202)
    order = wait_for(
        lambda: _with_payment(journey, "PARTLY_REFUNDED"), "a partial refund", within_s=20
    )
    journey.tell(f"{order['number']} DELIVERED, refunded {money(order['refunded'])}")
    try:
        merchant.post_once(f"{path}/refunds", {**wish, "amount": 1_000_000}, expect=202)
        raise Unexpected("more than the captured amount was refunded")
    except Refused as refused:
        expect(refused.code == "refund_exceeds_captured", f"answered {refused.code}")


def recover_from_outage(journey: Journey) -> None:
    """10 The gateway is down: the order waits, a dead letter tells, a redrive finishes it."""
    admin = journey.member("admin")
    order = journey.place("sumac", "tok_outage")
    letter = wait_for(lambda: _dead_letter(admin, order["id"]), "a dead letter", within_s=60)
    journey.tell(f"gateway down: order PAYING, dead letter {letter['id']} ({letter['cause']})")
    journey.shop.ask("POST", f"/sandbox/gateway/orders/{order['id']}/recover")
    admin.ask("POST", f"/ops/dead-letters/{letter['id']}/redrive", expect=202)
    journey.settle(order, "PAID", within_s=30)


STEPS: Final[tuple[Callable[[Journey], None], ...]] = (
    browse,
    register,
    buy,
    fail_safely,
    pay_in_odd_ways,
    review,
    cancel_paid,
    ship_and_refund,
    recover_from_outage,
    send_pictures,
    talk,
)


def _action_url(journey: Journey, order: Mapping[str, Any]) -> str:
    def offered() -> str | None:
        payment = journey.buyer.get(f"/orders/{order['id']}")["payment"]
        return payment["action_url"] if payment else None

    return wait_for(offered, "an action_url", within_s=20)


def _with_payment(journey: Journey, status: str) -> dict[str, Any] | None:
    order: dict[str, Any] = journey.buyer.get(f"/orders/{journey.first_order}")
    return order if order["payment_status"] == status else None


def _dead_letter(admin: Shop, order_id: str) -> dict[str, Any] | None:
    letters = admin.get("/ops/dead-letters", source="order-fulfilment", limit=100)["items"]
    return next((one for one in letters if one["reference"] == order_id), None)


def play(shop: Shop, logins: Mapping[str, Mapping[str, str]]) -> int:
    """Play every step; the exit code is that of `make demo`."""
    journey = Journey(shop, logins)
    for step in STEPS:
        sys.stdout.write(f"{(step.__doc__ or step.__name__).strip()}\n")
        try:
            step(journey)
        except (Refused, TookTooLong, Unexpected, OSError) as failure:
            sys.stdout.write(f"\nThe journey ends here: {failure}\n")
            return 1
    sys.stdout.write(
        f"\nEverything went as promised, in {time.monotonic() - journey.started:.0f} s.\n"
    )
    return 0
