"""People are told: every channel on the running shop, black box."""

import json
import urllib.parse
import urllib.request
import uuid
from typing import Any

import pytest

from local.shop import Shop, wait_for
from tests.e2e.conftest import RunningShop

PHONE = "+491701234567"
PASSWORD = "a perfectly fine phrase"
ADDRESS = {"name": "Zoe", "line1": "Am Markt 1", "city": "Ulm", "postal_code": "89073"}


def a_customer(shop: RunningShop) -> tuple[Shop, str]:
    """A new customer who wants to be told by every channel, and her address."""
    email = f"zoe-{uuid.uuid4().hex[:8]}@souk.example"
    told = {"email": email, "password": PASSWORD, "name": "Zoë", "locale": "de-DE"}
    shop.anonymous.ask("POST", "/users/register", told, expect=202)
    token = shop.anonymous.mail(email, "verify_email", within_s=60)["token"]
    shop.anonymous.ask("POST", "/users/verify-email", {"token": token}, expect=204)
    customer = shop.anonymous.sign_in(email, PASSWORD)
    customer.ask("PATCH", "/users/me", {"phone": PHONE})
    wishes = {"email": True, "sms": True, "push": True}
    body = {"order_updates": wishes, "marketing_email": False}
    customer.ask("PUT", "/users/me/preferences", body)
    device = {"platform": "android", "token": uuid.uuid4().hex}
    customer.ask("POST", "/users/me/devices", device, expect=201)
    return customer, email


def mailed(shop: RunningShop, to: str, template: str, channel: str) -> dict[str, Any]:
    """Wait for a copy in the sandbox mailbox, sent by one channel."""
    path = f"/sandbox/mailbox?to={urllib.parse.quote(to)}"

    def arrived() -> dict[str, Any] | None:
        items: list[dict[str, Any]] = shop.anonymous.get(path)["items"]
        found = [one for one in items if (one["template"], one["channel"]) == (template, channel)]
        return found[0] if found else None

    return wait_for(arrived, f"{template} by {channel}", within_s=60)


@pytest.mark.covers(43)
@pytest.mark.timeout(600)
def test_an_order_is_told_by_every_channel(shop: RunningShop) -> None:
    """Paid: mail and push; shipped: mail, push and a text message; each in her language."""
    customer, email = a_customer(shop)
    product = customer.get("/products/by-slug/paper-star")
    order = {
        "lines": [{"variant_id": product["variants"][0]["id"], "quantity": 1}],
        "shipping_address": {**ADDRESS, "country": "DE"},
        "payment_token": "tok_approve",
    }
    placed = customer.post_once("/orders", order, expect=202)["order"]
    assert "bestätigt" in mailed(shop, email, "order_confirmed", "email")["subject"]
    assert mailed(shop, email, "order_confirmed", "push")["subject"] == "Bestellung bestätigt"
    parcel = {"carrier": "DHL", "tracking_number": "0034"}
    path = f"/admin/orders/{placed['id']}/ship"
    shop.signed_in("warehouse").ask("POST", path, parcel)
    assert "0034" in mailed(shop, email, "order_shipped", "email")["text"]
    assert "DHL 0034" in mailed(shop, PHONE, "order_shipped", "sms")["text"]
    assert mailed(shop, email, "order_shipped", "push")["event_id"].startswith(placed["id"])


@pytest.mark.timeout(600)
def test_a_question_is_answered_by_mail(shop: RunningShop) -> None:
    """The form is acknowledged, staff answer, the requester gets the answer once."""
    to = f"zoe-{uuid.uuid4().hex[:8]}@elsewhere.example"
    asked = {"name": "Zoë", "email": to, "subject": "Where is it?", "message": "Hello"}
    reference = shop.anonymous.post_once("/contact", asked, expect=202)["reference"]
    assert reference in mailed(shop, to, "ticket_received", "email")["text"]
    support = shop.signed_in("support")
    support.post_once(f"/admin/tickets/{reference}/reply", {"text": "It left today."}, expect=200)
    assert "It left today." in mailed(shop, to, "ticket_reply", "email")["text"]


@pytest.mark.covers(65)
@pytest.mark.timeout(600)
def test_poison_becomes_a_dead_letter_that_can_be_put_away(shop: RunningShop) -> None:
    """A message no consumer understands is listed with its cause within a minute."""
    sqs = shop.client("sqs")
    url = sqs.get_queue_url(QueueName="souk-local-sms")["QueueUrl"]
    mark = uuid.uuid4().hex
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"detail-type": mark}))
    admin = shop.signed_in("admin")

    def stored() -> dict[str, Any] | None:
        letters = admin.get("/ops/dead-letters", source="sms")["items"]
        return next((one for one in letters if mark in one["cause"]), None)

    letter = wait_for(stored, "the dead letter", within_s=120)
    assert letter["kind"] == "queue"
    admin.ask("DELETE", f"/ops/dead-letters/{letter['id']}", expect=204)


def test_the_mailbox_page_is_there(shop: RunningShop) -> None:
    """The page that shows mails in a browser answers, and may not run what mails contain."""
    with urllib.request.urlopen(shop.info["mail_url"], timeout=20) as reply:  # noqa: S310
        page = reply.read().decode()
    assert 'sandbox: "allow-popups allow-popups-to-escape-sandbox"' in page
    assert "innerHTML" not in page
