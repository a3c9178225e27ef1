"""Every message of domain section 6.4, by every channel it takes, seen by its reader."""

import json
import time
import urllib.parse
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from local.functions import scheduled_event
from local.shop import Shop, wait_for
from tests.e2e.acceptance.test_mfa import code
from tests.e2e.conftest import RunningShop

pytestmark = pytest.mark.timeout(600)
PASSWORD = "a perfectly fine phrase"
ADDRESS = {
    "name": "Zoe",
    "line1": "Markt 1",
    "city": "Ulm",
    "postal_code": "89073",
    "country": "DE",
}
WITHIN_S = 60
REVIEW_ABOVE = 100_000


class Reader:
    """A new customer who reads in one language, and what reached her."""

    def __init__(self, shop: RunningShop, locale: str) -> None:
        self.shop = shop
        self.email = f"zoe-{uuid.uuid4().hex[:10]}@souk.example"
        self.phone = f"+49170{uuid.uuid4().int % 10**8:08d}"
        self.account = {"email": self.email, "password": PASSWORD, "name": "Zoë", "locale": locale}
        shop.anonymous.ask("POST", "/users/register", self.account, expect=202)
        token = self.told("verify_email")["token"]
        shop.anonymous.ask("POST", "/users/verify-email", {"token": token}, expect=204)
        self.door = shop.anonymous.sign_in(self.email, PASSWORD)

    def wish(self, **channels: bool) -> None:
        """By which channels she wants to hear of orders."""
        self.door.ask("PATCH", "/users/me", {"phone": self.phone})
        wishes = {"email": False, "sms": False, "push": False} | channels
        body = {"order_updates": wishes, "marketing_email": False}
        self.door.ask("PUT", "/users/me/preferences", body)
        device = {"platform": "android", "token": uuid.uuid4().hex}
        self.door.ask("POST", "/users/me/devices", device, expect=201)

    def copies(self, template: str, channel: str) -> list[dict[str, Any]]:
        """What the sandbox kept of a template that one channel carried."""
        to = urllib.parse.quote(self.phone if channel == "sms" else self.email)
        items = self.shop.anonymous.get(f"/sandbox/mailbox?to={to}&limit=100")["items"]
        return [one for one in items if (one["template"], one["channel"]) == (template, channel)]

    def told(self, template: str, channel: str = "email") -> dict[str, Any]:
        """The one copy, once it is there."""
        what = f"{template} by {channel}"
        (copy,) = wait_for(lambda: self.copies(template, channel) or None, what, within_s=WITHIN_S)
        return copy

    def notice(self, about: str, words: str) -> dict[str, Any]:
        """The notification about something with these words."""

        def found() -> dict[str, Any] | None:
            items = self.door.get("/users/me/notifications", limit=100)["items"]
            named = (one for one in items if words in one["title"] + one["body"])
            return next((one for one in named if about in json.dumps(one["ref"])), None)

        return wait_for(found, f"a notification: {words}", within_s=WITHIN_S)

    def order(self, token: str, variant_id: str | None = None, quantity: int = 1) -> str:
        """Order a paper star, or what is named; the order's id."""
        star = self.door.get("/products/by-slug/paper-star")["variants"][0]["id"]
        asked = {
            "lines": [{"variant_id": variant_id or star, "quantity": quantity}],
            "shipping_address": ADDRESS,
            "payment_token": token,
        }
        return str(self.door.post_once("/orders", asked, expect=202)["order"]["id"])

    def deliveries(self) -> list[dict[str, Any]]:
        """The log of what was sent to her by mail, and what was not."""
        table = self.shop.client("dynamodb")
        rows = []
        for page in table.get_paginator("scan").paginate(
            TableName=self.shop.info["tables"]["core"],
            FilterExpression="begins_with(pk, :log)",
            ExpressionAttributeValues={":log": {"S": "NLOG#"}},
        ):
            rows += [{name: next(iter(v.values())) for name, v in i.items()} for i in page["Items"]]
        mine = self.copies("verify_email", "email")[0]["event_id"]
        key = next(row["recipient_key"] for row in rows if row["event_id"] == mine)
        return [row for row in rows if row["recipient_key"] == key]


def test_everything_about_an_account(shop: RunningShop) -> None:
    """Seven mails in German, two of them in the shop as well; none is kept back by wishes."""
    reader = Reader(shop, "de-DE")
    reader.wish()
    assert "bestätigen" in reader.told("verify_email")["subject"]
    assert reader.told("welcome")["subject"] == "Willkommen bei Souk"
    shop.anonymous.ask("POST", "/users/register", reader.account, expect=202)
    assert "bereits" in reader.told("already_registered")["subject"]
    shop.anonymous.ask("POST", "/users/password/forgot", {"email": reader.email}, expect=202)
    token = reader.told("reset_password")["token"]
    chosen = {"token": token, "password": f"{PASSWORD} 2"}
    shop.anonymous.ask("POST", "/users/password/reset", chosen, expect=204)
    assert reader.told("password_changed")["subject"] == "Ihr Passwort wurde geändert"
    reader.door = shop.anonymous.sign_in(reader.email, chosen["password"])
    secret = reader.door.ask("POST", "/users/me/mfa/totp", {"password": chosen["password"]})
    confirmed = {"code": code(secret["secret"])}
    tokens = reader.door.ask("POST", "/users/me/mfa/totp/confirm", confirmed)["tokens"]
    assert "eingeschaltet" in reader.told("mfa_changed")["subject"]
    reader.door = Shop(shop.info["api_url"], tokens["access_token"])
    assert reader.notice("null", "Das Passwort Ihres Kontos")["kind"] == "security"
    assert reader.notice("null", "zweistufige Anmeldung")["kind"] == "security"


def test_an_order_from_the_bank_to_the_refund(shop: RunningShop) -> None:
    """Five steps in French: each by mail and in the shop, by phone and push where listed."""
    reader = Reader(shop, "fr-FR")
    reader.wish(email=True, sms=True, push=True)
    order = reader.order("tok_requires_action")
    assert "confirmer le paiement" in reader.told("action_required")["subject"]
    assert reader.told("action_required", "sms")["text"].startswith("Souk : veuillez confirmer")
    assert reader.told("action_required", "push")["subject"] == "Confirmez le paiement"
    shop.anonymous.ask("POST", f"/sandbox/gateway/orders/{order}/approve")
    assert "est confirmée" in reader.told("order_confirmed")["subject"]
    assert reader.told("order_confirmed", "push")["subject"] == "Commande confirmée"
    staff = shop.signed_in("merchant")
    parcel = {"carrier": "Colissimo", "tracking_number": "6A0034"}
    staff.ask("POST", f"/admin/orders/{order}/ship", parcel)
    assert "6A0034" in reader.told("order_shipped")["text"]
    assert "Colissimo 6A0034" in reader.told("order_shipped", "sms")["text"]
    assert "6A0034" in reader.told("order_shipped", "push")["text"]
    staff.ask("POST", f"/admin/orders/{order}/deliver")
    assert "est arrivée" in reader.told("order_delivered")["subject"]
    assert reader.told("order_delivered", "push")
    asked = {"amount": 500, "reason": "goodwill"}
    staff.post_once(f"/admin/orders/{order}/refunds", asked, expect=202)
    assert reader.told("refund_settled")["subject"] == "Nous avons remboursé 5,00 €"
    for words in ("Confirmez", "payée", "6A0034", "arrivée", "remboursé"):
        assert reader.notice(order, words)["kind"] == "order"
    for template, channel in (("order_confirmed", "sms"), ("order_delivered", "sms")):
        assert reader.copies(template, channel) == []
    assert reader.copies("refund_settled", "push") == []


def test_orders_that_come_to_nothing(shop: RunningShop) -> None:
    """Declined; held for a person and then cancelled: in English, by mail and in the shop."""
    reader = Reader(shop, "en-GB")
    declined = reader.order("tok_decline")
    assert "the payment was declined" in reader.told("order_failed")["text"]
    held = an_expensive_order(reader)
    assert "We are checking" in reader.told("order_held")["subject"]
    reader.door.ask("POST", f"/orders/{held}/cancel", None, expect=202)
    assert "was cancelled" in reader.told("order_cancelled")["subject"]
    assert reader.notice(declined, "failed")
    assert reader.notice(held, "checking")
    assert reader.notice(held, "cancelled")


def an_expensive_order(reader: Reader) -> str:
    """An order above what is taken without a look."""
    products = reader.door.get("/products", limit=100)["items"]
    details = [reader.door.get(f"/products/{product['id']}") for product in products]
    variants = [one for product in details for one in product["variants"]]
    # More than five of them are there.
    ready = [one for one in variants if one["availability"] == "in_stock"]
    variant = max(ready, key=lambda one: int(one["price"]))
    assert variant["price"] * 6 > REVIEW_ABOVE
    return reader.order("tok_approve", variant["id"], REVIEW_ABOVE // variant["price"] + 1)


def test_the_daily_report_is_mailed_once(shop: RunningShop) -> None:
    """Fired twice, the days of the last week that lacked a report have one mail each."""
    names = {"FunctionName": "souk-local-daily_report", "InvocationType": "RequestResponse"}
    event = json.dumps(scheduled_event(datetime.now(UTC))).encode()
    for _ in range(2):
        reply = shop.client("lambda").invoke(**names, Payload=event)
        assert "FunctionError" not in reply

    def all_seven() -> list[str] | None:
        mails = shop.anonymous.mails("admin@souk.example")
        found = [one["subject"] for one in mails if one["template"] == "daily_report"]
        return found if len(found) >= 7 else None

    subjects = wait_for(all_seven, "seven reports", within_s=WITHIN_S)
    assert len(subjects) == len(set(subjects))


def test_wishes_keep_order_mails_back(shop: RunningShop) -> None:
    """Push alone is wanted: push comes, the mail is skipped for that reason."""
    reader = Reader(shop, "en-GB")
    reader.wish(push=True)
    order = reader.order("tok_approve")
    assert reader.told("order_confirmed", "push")
    assert reader.notice(order, "is paid")

    def skipped() -> dict[str, Any] | None:
        rows = (row for row in reader.deliveries() if row["template"] == "order_confirmed")
        return next((row for row in rows if row["channel"] == "email"), None)

    row = wait_for(skipped, "the skipped mail", within_s=WITHIN_S)
    assert (row["status"], row["cause"]) == ("SKIPPED", "opted_out")
    assert reader.copies("order_confirmed", "email") == []


def bounced(key: str) -> dict[str, Any]:
    """SES says that the address does not exist."""
    mail = {"tags": {"recipient_key": [key]}}
    return {"eventType": "Bounce", "bounce": {"bounceType": "Permanent"}, "mail": mail}


def complained(key: str) -> dict[str, Any]:
    """SES says that the reader called it junk."""
    return {"eventType": "Complaint", "complaint": {}, "mail": {"tags": {"recipient_key": [key]}}}


@pytest.mark.parametrize("told", [bounced, complained])
def test_a_bounce_or_complaint_ends_the_mails(
    shop: RunningShop, told: Callable[[str], dict[str, Any]]
) -> None:
    """After the provider's report nothing goes to that address, and to others as before."""
    reader, other = Reader(shop, "en-GB"), Reader(shop, "en-GB")
    key = reader.deliveries()[0]["recipient_key"]
    topic = f"arn:aws:sns:{shop.info['region']}:{shop.info['account']}:souk-local-mail-feedback"
    shop.client("sns").publish(TopicArn=topic, Message=json.dumps(told(key)))
    wait_for(lambda: suppressed(shop, key), "the suppression", within_s=WITHIN_S)
    for one in (reader, other):
        shop.anonymous.ask("POST", "/users/password/forgot", {"email": one.email}, expect=202)
    assert other.told("reset_password")

    def skipped() -> str | None:
        rows = [row for row in reader.deliveries() if row["template"] == "reset_password"]
        return rows[0]["cause"] if rows else None

    assert wait_for(skipped, "the skipped mail", within_s=WITHIN_S) == "suppressed"
    time.sleep(1)
    assert reader.copies("reset_password", "email") == []


def suppressed(shop: RunningShop, key: str) -> bool | None:
    """Whether mails to this recipient are suppressed, None if not yet."""
    found = shop.client("dynamodb").get_item(
        TableName=shop.info["tables"]["core"],
        Key={"pk": {"S": f"SUPP#{key}"}, "sk": {"S": "email"}},
    )
    return "Item" in found or None
