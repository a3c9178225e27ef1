"""A small shop on one AWS: people, goods, and everything between a request and its end.

`settle` does what AWS would do: event rows reach the signals queue, webhooks their consumer,
and workflows their next state, until nothing moves any more.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalice.test import Client, HTTPResponse

from chalicelib.aws.items import from_item, to_item
from chalicelib.aws.workflows import workflows
from chalicelib.edge import gateway
from chalicelib.edge.tokens import Subject, TokenIssuer
from chalicelib.kernel.clock import SystemClock, instant, later
from chalicelib.kernel.ids import Ids
from chalicelib.users.authorizer import Unauthorized
from tests.cloud import ACCOUNT, REGION, STAGE, bare_client, cloud, forget_caches
from tests.integration.orders.workflows import StepFunctions

TABLE = f"souk-{STAGE}-core"
URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/souk-{STAGE}-"
SIGNALS = {
    "OrderPlaced",
    "OrderReviewDecided",
    "OrderCancelled",
    "OrderCancelRequested",
    "PaymentCaptured",
    "PaymentDeclined",
    "RefundRequested",
}
ADDRESS = {
    "name": "Amina B.",
    "line1": "12 Rue des Potiers",
    "city": "Nabeul",
    "postal_code": "8000",
    "country": "TN",
}
ROUNDS_MAX = 30
_ids = Ids()


class Answered:
    """A reply, its body parsed."""

    def __init__(self, response: Any) -> None:
        self.status = response.status_code
        self.raw = response.body
        self.headers = response.headers
        self.body: Any = json.loads(response.body) if response.body else None

    @property
    def code(self) -> str:
        """The code of an error."""
        return str(self.body["error"]["code"])


class Shop:
    """The app, its AWS and its people."""

    def __init__(self) -> None:
        import app

        self.app = app.app
        self.dynamodb = bare_client("dynamodb")
        self.sqs = bare_client("sqs")
        self.parked: list[dict[str, Any]] = []
        self.flows = StepFunctions(self._invoke, self.parked.append)
        self.signalled: set[str] = set()
        self.poisoned: list[dict[str, Any]] = []
        self.functions = self._functions()
        self.amina = self.a_user("customer")
        self.chen = self.a_user("customer")

    # --- people and goods -------------------------------------------------------------------

    def a_user(self, role: str) -> dict[str, str]:
        """The headers of a signed-in user with a role."""
        user_id, session_id = _ids.new("usr"), _ids.new("ses")
        now = SystemClock().now()
        common = {"created_at": instant(now), "updated_at": instant(now), "version": 1}
        self.put(
            {
                "pk": f"USER#{user_id}",
                "sk": "PROFILE",
                "id": user_id,
                "email": f"{role}@souk.example",
                "email_key": role,
                "name": role.title(),
                "locale": "en-GB",
                "role": role,
                "status": "ACTIVE",
                "password_hash": "x",
                "sv": 1,
                "mfa_enabled": False,
                **common,
            }
        )
        self.put(
            {
                "pk": f"USER#{user_id}",
                "sk": f"SESS#{session_id}",
                "id": session_id,
                "user_id": user_id,
                "sv": 1,
                "generation": 1,
                "expires_at": instant(later(now, 30 * 86_400)),
                "created_at": instant(now),
            }
        )
        issuer = TokenIssuer(STAGE, gateway.tokens_ring)
        token = issuer.issue(Subject(user_id, session_id, 1, role), _ids.new("jti"), now)
        return {"Authorization": f"Bearer {token}", "user": user_id}

    def a_variant(self, price: int = 3400, stock: int = 10, **changed: Any) -> str:
        """A variant for sale."""
        variant_id, product_id = _ids.new("var"), _ids.new("prd")
        self.put(
            {
                "pk": f"VAR#{variant_id}",
                "sk": "META",
                "variant_id": variant_id,
                "product_id": product_id,
                "sku": "CER-1",
                "title": "Blue tagine",
                "variant_title": "Standard",
                "price": price,
                "currency": "EUR",
                "active": True,
                "product_status": "ACTIVE",
                **changed,
            }
        )
        self.put(
            {
                "pk": f"STOCK#{variant_id}",
                "sk": "LOC#main",
                "variant_id": variant_id,
                "product_id": product_id,
                "sku": "CER-1",
                "location": "main",
                "available": stock,
                "reserved": 0,
                "on_hand": stock,
                "version": 0,
            }
        )
        return variant_id

    def stock(self, variant_id: str) -> tuple[int, int, int]:
        """Available, reserved, on hand."""
        row = self.row(f"STOCK#{variant_id}", "LOC#main")
        return row["available"], row["reserved"], row["on_hand"]

    # --- rows ---------------------------------------------------------------------------------

    def put(self, item: dict[str, Any]) -> None:
        """Write a raw row."""
        self.dynamodb.put_item(TableName=TABLE, Item=to_item(item))

    def row(self, pk: str, sk: str = "META") -> dict[str, Any]:
        """A raw row."""
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        reply = self.dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True)
        return from_item(reply["Item"])

    def rows(self) -> list[dict[str, Any]]:
        """Every raw row."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=TABLE)
        return [from_item(item) for page in pages for item in page["Items"]]

    def events(self, order_id: str) -> list[str]:
        """The types of an order's events, oldest first."""
        return [
            row["type"]
            for row in sorted(self.rows(), key=lambda row: row["sk"])
            if row["pk"] == f"ORDER#{order_id}" and row["sk"].startswith("EVT#")
        ]

    # --- requests -----------------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        caller: dict[str, str] | None = None,
        body: Any = None,
        **more: str,
    ) -> Answered:
        """One request; `more` are further headers."""
        headers = {name: value for name, value in (caller or {}).items() if name != "user"}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        written = json.dumps(body).encode() if body is not None else b""
        with Client(self.app, stage_name=STAGE) as client:
            try:
                return Answered(client.http.request(method, path, headers=headers, body=written))
            except Unauthorized:
                # The gateway answers 401 for this word; Chalice's local one knows no such thing.
                return Answered(HTTPResponse(b"", {}, 401))

    @contextmanager
    def without_sandbox(self) -> Iterator[None]:
        """The deployment without any payment provider."""
        os.environ["SOUK_SANDBOX"] = "off"
        forget_caches()
        try:
            yield
        finally:
            os.environ["SOUK_SANDBOX"] = "on"
            forget_caches()

    def order(self, variant_id: str, token: str = "tok_approve", units: int = 2) -> str:
        """The id of an order that amina has placed."""
        return str(self.ordered(variant_id, token, units).body["order"]["id"])

    def ordered(self, variant_id: str, token: str = "tok_approve", units: int = 2) -> Answered:
        """The reply to an order of amina's."""
        body = {
            "lines": [{"variant_id": variant_id, "quantity": units}],
            "shipping_address": ADDRESS,
            "payment_token": token,
        }
        return self.call("POST", "/orders", self.amina, body, Idempotency_Key=_ids.new("key"))

    def read(self, order_id: str) -> dict[str, Any]:
        """The order as its customer sees it."""
        read: dict[str, Any] = self.call("GET", f"/orders/{order_id}", self.amina).body
        return read

    # --- what AWS does --------------------------------------------------------------------------

    def _functions(self) -> dict[str, Any]:
        from chalicelib.orders import steps

        return {
            "${OrderStockArn}": steps.order_stock,
            "${OrderStatusArn}": steps.order_status,
            "${OrderPaymentArn}": steps.order_payment,
        }

    def _invoke(self, function: str, payload: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = self.functions[function](payload, None)
        return reply

    def start_again(self, order_id: str) -> None:
        """Start the workflow as a redrive does."""
        given = {"order_id": order_id, "correlation_id": "redriven1"}
        workflows().start("order-fulfilment", f"{order_id}-202603011300", given)

    def settle(self) -> None:
        """Deliver and run until nothing moves any more."""
        for _ in range(ROUNDS_MAX):
            moved = self._relay() | self._deliver_webhooks() | self.flows.advance()
            if not moved:
                return
        raise AssertionError("it never settles")

    def _relay(self) -> bool:
        from chalicelib.orders.events import order_signals

        news = [
            row
            for row in self.rows()
            if row["sk"].startswith("EVT#") and row["event_id"] not in self.signalled
        ]
        for row in news:
            self.signalled.add(row["event_id"])
            if row["type"] in SIGNALS:
                envelope = {name: row[name] for name in ENVELOPE}
                body = json.dumps({"detail-type": row["type"], "detail": envelope})
                assert self._consume(order_signals, body) == []
        return bool(news)

    def _deliver_webhooks(self) -> bool:
        from chalicelib.orders.events import payment_events

        url = f"{URL}payments-inbox"
        reply = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        for message in reply.get("Messages", []):
            if self._consume(payment_events, message["Body"], message["ReceiptHandle"]):
                self.poisoned.append(json.loads(message["Body"]))
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bool(reply.get("Messages"))

    def _consume(self, handler: Any, body: str, receipt: str = "none") -> list[dict[str, str]]:
        record = {
            "messageId": _ids.new("msg"),
            "receiptHandle": receipt,
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
        }
        failures: list[dict[str, str]] = handler({"Records": [record]}, None)["batchItemFailures"]
        return failures


ENVELOPE = (
    "event_id",
    "schema",
    "aggregate_id",
    "aggregate_version",
    "occurred_at",
    "correlation_id",
    "actor",
    "data",
)


@contextmanager
def a_shop() -> Iterator[Shop]:
    """A shop over a fresh AWS."""
    with cloud():
        shop = Shop()
        with shop.flows.installed():
            yield shop
