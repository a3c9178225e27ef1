"""Section 9 on the running shop: every token, and the sandbox routes of section 4.8."""

import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest

from local.shop import Shop, wait_for
from tests.e2e.acceptance.conftest import Core, Stall, basket, ordered
from tests.e2e.acceptance.shapes import STAFF_ORDER, fits
from tests.e2e.acceptance.shapes_desk import BOOKS, CHARGE, DEAD_LETTER, MAIL
from tests.e2e.acceptance.test_errors import refused
from tests.e2e.acceptance.test_orders import PAID_PATH, journal_is_sound, settled

PAYS = ("tok_approve", "tok_slow", "tok_duplicate_webhook", "tok_timeout_then_charged")
DECLINES = {
    "tok_decline": "card_declined",
    "tok_insufficient_funds": "insufficient_funds",
    "tok_something_else": "invalid_token",
}


@pytest.fixture(scope="module")
def flock(nora: Shop, stall: Stall) -> dict[str, dict[str, Any]]:
    """One order for each token, all on their way at once."""
    tokens = [*PAYS, "tok_timeout_not_charged", *DECLINES, "tok_requires_action"]
    tokens += ["tok_refund_rejected", "tok_refund_timeout"]
    return {token: ordered(nora, basket(stall.variant["id"], 1, token)) for token in tokens}


def books(anybody: Shop, order: dict[str, Any]) -> Any:
    """What the gateway wrote down."""
    reply = anybody.get(f"/sandbox/gateway/orders/{order['id']}")
    fits(reply, BOOKS)
    return reply


@pytest.mark.parametrize("token", [*PAYS, "tok_timeout_not_charged"])
def test_tokens_that_pay(
    anybody: Shop, nora: Shop, core: Core, flock: dict[str, dict[str, Any]], token: str
) -> None:
    """PAID, and captured once."""
    order = settled(nora, flock[token], "PAID", within_s=60)
    charges = books(anybody, order)["charges"]
    assert [(charge["status"], charge["amount"]) for charge in charges] == [
        ("captured", order["total"])
    ]
    attempts = 2 if token == "tok_timeout_not_charged" else 1
    assert charges[0]["attempts"] == attempts
    types = journal_is_sound(core, order["id"])
    assert [kind for kind in types if kind != "PaymentUncertain"] == PAID_PATH
    mails = nora.mails(nora.user["email"])
    about = [m for m in mails if m["event_id"].startswith(order["id"])]
    assert len([m for m in about if m["template"] == "order_confirmed"]) <= 1


@pytest.mark.parametrize("token", DECLINES)
def test_tokens_that_decline(
    anybody: Shop, nora: Shop, core: Core, flock: dict[str, dict[str, Any]], token: str
) -> None:
    """FAILED with the gateway's code, everything given back."""
    order = settled(nora, flock[token], "FAILED")
    assert order["failure"] == {
        "reason": "payment_declined",
        "decline_code": DECLINES[token],
        "variant_ids": [],
    }
    assert (order["payment_status"], order["payment"]["status"]) == ("DECLINED", "DECLINED")
    assert order["payment"]["decline_code"] == DECLINES[token]
    assert order["closed_at"]
    assert books(anybody, order)["charges"][0]["status"] == "declined"
    row = core.row(f"ORDER#{order['id']}")
    assert row
    assert row["reservation"]["status"] == "RELEASED"
    assert row["gsi2pk"] == f"ORDERS#FAILED#{order['placed_at'][:7]}"
    types = journal_is_sound(core, order["id"])
    assert types[-2:] == ["PaymentDeclined", "OrderFailed"]


def test_action_approved(
    anybody: Shop, nora: Shop, core: Core, flock: dict[str, dict[str, Any]]
) -> None:
    """The customer is sent to the gateway; after approval the order is paid."""
    order = waiting(nora, flock["tok_requires_action"])
    url = urllib.parse.urlsplit(order["payment"]["action_url"])
    assert url.path.endswith(f"/sandbox/gateway/orders/{order['id']}/approve")
    row = core.row(f"ORDER#{order['id']}")
    assert row
    assert row["gsi3pk"].startswith("DUE#ORDER#")
    assert row["gsi3sk"].endswith(f"#{order['id']}")
    approved = anybody.ask("POST", f"/sandbox/gateway/orders/{order['id']}/approve")
    fits(approved, {"charge": CHARGE})
    assert approved["charge"]["status"] == "captured"
    paid = settled(nora, order, "PAID")
    assert paid["payment"]["action_url"] is None
    for what in ("approve", "decline"):
        answer = anybody.call("POST", f"/sandbox/gateway/orders/{order['id']}/{what}")
        refused(answer, 409, "invalid_state")
    assert "PaymentActionRequired" in journal_is_sound(core, order["id"])


def waiting(nora: Shop, order: dict[str, Any]) -> dict[str, Any]:
    """The order once the customer has to act."""

    def acts() -> dict[str, Any] | None:
        read: dict[str, Any] = nora.get(f"/orders/{order['id']}")
        return read if read["payment_status"] == "REQUIRES_ACTION" else None

    return wait_for(acts, "an action asked for", within_s=30)


def test_action_declined(anybody: Shop, nora: Shop, stall: Stall) -> None:
    """A customer who says no: FAILED with `authentication_failed`."""
    order = ordered(nora, basket(stall.variant["id"], 1, "tok_requires_action"))
    waiting(nora, order)
    anybody.ask("POST", f"/sandbox/gateway/orders/{order['id']}/decline")
    failed = settled(nora, order, "FAILED")
    assert failed["failure"]["reason"] == "payment_declined"
    assert failed["failure"]["decline_code"] == "authentication_failed"


def test_cancel_while_paying(nora: Shop, core: Core, stall: Stall) -> None:
    """The request is noted, the charge withdrawn, then the order is CANCELLED."""
    order = ordered(nora, basket(stall.variant["id"], 1, "tok_requires_action"))
    waiting(nora, order)
    asked = nora.ask("POST", f"/orders/{order['id']}/cancel", expect=202)["order"]
    assert (asked["status"], asked["cancel_requested"]) == ("PAYING", True)
    nora.ask("POST", f"/orders/{order['id']}/cancel", expect=202)
    settled(nora, order, "CANCELLED")
    types = journal_is_sound(core, order["id"])
    assert types.count("OrderCancelRequested") == 1
    assert types[-1] == "OrderCancelled"


@pytest.mark.parametrize(
    ("token", "refund"), [("tok_refund_timeout", "SETTLED"), ("tok_refund_rejected", "FAILED")]
)
def test_cancel_after_payment(
    anybody: Shop, nora: Shop, flock: dict[str, dict[str, Any]], token: str, refund: str
) -> None:
    """The money goes back, or the order stays paid if the gateway refuses."""
    order = settled(nora, flock[token], "PAID")
    cancelling = nora.ask("POST", f"/orders/{order['id']}/cancel", expect=202)["order"]
    assert cancelling["status"] == "CANCELLING"
    assert cancelling["refunds"][0]["kind"] == "cancel"

    def over() -> dict[str, Any] | None:
        read: dict[str, Any] = nora.get(f"/orders/{order['id']}")
        ended = read["status"] in {"CANCELLED", "PAID"}
        return read if ended and read["refunds"][0]["status"] == refund else None

    ended = wait_for(over, "the refund over", within_s=45)
    noted = books(anybody, order)["refunds"][0]
    if refund == "SETTLED":
        assert (ended["status"], ended["refunded"]) == ("CANCELLED", order["total"])
        assert (noted["status"], noted["amount"]) == ("settled", order["total"])
    else:
        assert (ended["status"], ended["refunded"], ended["cancel_requested"]) == ("PAID", 0, False)
        assert noted["status"] == "rejected"


def test_out_of_stock(nora: Shop, core: Core, anybody: Shop) -> None:
    """Nobody is charged for what is not there."""
    lime = anybody.get("/products/by-slug/dried-lime")["variants"][0]
    assert lime["availability"] == "out"
    order = settled(nora, ordered(nora, basket(lime["id"])), "FAILED")
    assert order["failure"] == {
        "reason": "out_of_stock",
        "decline_code": None,
        "variant_ids": [lime["id"]],
    }
    assert (order["payment"], order["payment_status"]) == (None, None)
    assert books(anybody, order) == {"charges": [], "refunds": []}
    assert journal_is_sound(core, order["id"]) == ["OrderPlaced", "OrderFailed"]
    last = core.events(f"ORDER#{order['id']}")[-1]
    nora.mail(nora.user["email"], "order_failed", within_s=30)
    assert last["type"] == "OrderFailed"


def test_review(nora: Shop, merchant: Shop, core: Core, stall_of: Callable[..., Stall]) -> None:
    """Large orders wait for a person, who decides once."""
    stall = stall_of(price=120000, stock=10)
    orders = [ordered(nora, basket(stall.variant["id"])) for _ in range(3)]
    for order in orders:
        settled(nora, order, "REVIEW")
    row = core.row(f"ORDER#{orders[0]['id']}")
    assert row
    assert row["gsi3pk"].startswith("DUE#ORDER#")
    assert core.row(f"ORDER#{orders[0]['id']}", "TOKEN#review")
    approve, reject = (f"/admin/orders/{order['id']}/review" for order in orders[:2])
    for bad in ({}, {"decision": "maybe"}, {"decision": "approve", "note": "x" * 201}):
        refused(merchant.call("POST", approve, bad), 422, "validation_failed")
    said = merchant.ask("POST", approve, {"decision": "approve", "note": "ok"}, expect=202)
    fits(said, {"order": STAFF_ORDER})
    assert said["order"]["review"]["by"] == merchant.user["id"]
    assert said["order"]["review"]["note"] == "ok"
    merchant.ask("POST", approve, {"decision": "approve"}, expect=202)
    refused(merchant.call("POST", approve, {"decision": "reject"}), 409, "invalid_state")
    merchant.ask("POST", reject, {"decision": "reject"}, expect=202)
    gone = nora.ask("POST", f"/orders/{orders[2]['id']}/cancel", expect=202)["order"]
    assert gone["status"] == "CANCELLED"
    paid = settled(nora, orders[0], "PAID")
    assert set(paid["review"]) == {"decision", "at"}
    failed = settled(nora, orders[1], "FAILED")
    assert failed["failure"]["reason"] == "review_rejected"
    for order in orders:
        types = journal_is_sound(core, order["id"])
        assert types[:3] == ["OrderPlaced", "OrderReserved", "OrderHeld"]
    nora.mail(nora.user["email"], "order_held", within_s=30)


def test_outage_parks_and_redrives(admin: Shop, anybody: Shop, nora: Shop, stall: Stall) -> None:
    """PAYING and a dead letter; after recovery a redrive pays the order."""
    order = ordered(nora, basket(stall.variant["id"], 1, "tok_outage"))

    def parked() -> dict[str, Any] | None:
        letters = admin.get("/ops/dead-letters", limit=100)["items"]
        return next((ded for ded in letters if ded["reference"] == order["id"]), None)

    letter = wait_for(parked, "the dead letter", within_s=90)
    fits(letter, DEAD_LETTER)
    assert (letter["kind"], letter["source"]) == ("workflow", "order-fulfilment")
    assert nora.get(f"/orders/{order['id']}")["status"] == "PAYING"
    path = f"/ops/dead-letters/{letter['id']}"
    detail = admin.get(path)
    fits(detail, {**DEAD_LETTER, "body": lambda body: body is not None, "attributes": dict})
    anybody.ask("POST", f"/sandbox/gateway/orders/{order['id']}/recover")
    redriven = admin.ask("POST", f"{path}/redrive", expect=202)
    fits(redriven, {"dead_letter": DEAD_LETTER})
    admin.ask("POST", f"{path}/redrive", expect=202)
    settled(nora, order, "PAID", within_s=60)

    def over() -> bool | None:
        return admin.get(path)["status"] == "REDRIVEN" or None

    wait_for(over, "the dead letter redriven", within_s=30)
    refused(admin.call("DELETE", path), 409, "invalid_state")


def test_sandbox_knows_its_limits(anybody: Shop) -> None:
    """Unknown orders are 404; a mailbox nobody has is empty."""
    path = "/sandbox/gateway/orders/ord_" + "0" * 26
    for what in ("approve", "decline", "recover"):
        refused(anybody.call("POST", f"{path}/{what}"), 404, "not_found")
    assert anybody.mails("nobody@nowhere.example") == []


def test_mailbox(nora: Shop) -> None:
    """Newest first, with exactly the contract's fields."""
    mails = nora.mails(nora.user["email"])
    fits(mails, [MAIL])
    assert mails[-1]["template"] in {"verify_email", "welcome"}
    times = [mail["at"] for mail in mails]
    assert times == sorted(times, reverse=True)
