"""A shop with one of everything, reached as the gateway reaches it: by the event of a request."""

import base64
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

from moto.backends import get_backend

from chalicelib.analytics.service import report_missing_days
from chalicelib.analytics.wiring import deps as analytics_deps
from chalicelib.kernel.clock import instant, later
from chalicelib.ops.events import ops_worker
from chalicelib.users.authorizer import signed_in, written_context
from tests.cloud import ACCOUNT, REGION, STAGE, bare_client, cloud
from tests.faults.harness.moto_speed import speed_up
from tests.security.actors import Person, person

CONTEXT = SimpleNamespace(aws_request_id="invocation-1", function_name="api_handler")
JSON_TYPE = {"content-type": "application/json"}
ADDRESS = {
    "name": "Amina B.",
    "line1": "12 Rue des Potiers",
    "city": "Nabeul",
    "postal_code": "8000",
    "country": "TN",
}
Json = Any


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; `route` is the path with its variables."""

    method: str
    route: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def __str__(self) -> str:
        """Show what a failing check needs to be asked again."""
        values = {name: quote(value, safe="") for name, value in self.path.items()}
        return (
            f"{self.method} {self.route} {values}?{urlencode(self.query, errors='replace')}"
            f" {dict(self.headers)} {self.body[:2000] if self.body is not None else None!r}"
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Json:
        """The JSON, None without one."""
        return json.loads(self.text) if self.text else None

    @property
    def code(self) -> str | None:
        """The stable word of an error."""
        return self.body["error"]["code"] if self.status >= 400 else None


@dataclass(slots=True)
class Floor:
    """The shop, its owner, and the ids of what there is."""

    owner: Person
    known: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _rows: dict[str, Any] = field(default_factory=dict)

    def send(self, asked: Asked) -> Told:
        """Hand the app the event of a request by the owner; whatever escapes, escapes."""
        import app

        answered = app.app(self._event(asked), CONTEXT)
        headers = {name.lower(): str(value) for name, value in answered["headers"].items()}
        headers |= {n.lower(): v[-1] for n, v in answered.get("multiValueHeaders", {}).items()}
        return Told(answered["statusCode"], headers, answered.get("body") or "")

    def make(self, method: str, route: str, body: Json = None, **path: str) -> Json:
        """Carry out a request that must succeed; the body of its reply."""
        raw = None if body is None else json.dumps(body).encode()
        headers = JSON_TYPE | {"idempotency-key": f"floor-{len(self.known):04d}-{route[-8:]}"}
        headers["idempotency-key"] = headers["idempotency-key"].replace("/", "_").replace("}", "_")
        told = self.send(Asked(method, route, path, headers=headers, body=raw))
        assert told.status < 300, (method, route, told)
        return told.body

    def _event(self, asked: Asked) -> dict[str, Json]:
        names = {name for name, _ in asked.query}
        many = {name: [v for n, v in asked.query if n == name] for name in names}
        text, is_base64 = _written(asked.body)
        return {
            "resource": asked.route,
            "path": asked.route.format(**asked.path),
            "httpMethod": asked.method,
            "headers": dict(asked.headers),
            "multiValueHeaders": {name: [value] for name, value in asked.headers.items()},
            "queryStringParameters": {n: v[-1] for n, v in many.items()} or None,
            "multiValueQueryStringParameters": many or None,
            "pathParameters": dict(asked.path) or None,
            "stageVariables": None,
            "requestContext": {
                "resourcePath": asked.route,
                "httpMethod": asked.method,
                "stage": "v1",
                "requestId": "request-00000001",
                "identity": {"sourceIp": "203.0.113.7"},
                "authorizer": self._claims,
            },
            "body": text,
            "isBase64Encoded": is_base64,
        }

    @property
    def _claims(self) -> dict[str, str]:
        session = self.owner.session
        # What the gateway remembers of its authorizer, so that each draw costs one decision less.
        if "claims" not in self._rows:
            admitted = signed_in(self.owner.user.id, session.id, self.owner.user.sv)
            self._rows["claims"] = written_context(admitted)
        return dict(self._rows["claims"])

    def remember(self) -> None:
        """Keep the rows as they are now."""
        self._rows |= {name: _index(table.items) for name, table in tables().items()}

    def restore(self) -> None:
        """Put the rows back, so that no draw depends on those before."""
        for name, table in tables().items():
            table.items = _index(self._rows[name])


def tables() -> dict[str, Any]:
    """The emulator's tables."""
    found: dict[str, Any] = get_backend("dynamodb")[ACCOUNT][REGION].tables
    return found


def rows() -> dict[tuple[str, str, str], str]:
    """Every row of both tables, counters left out, each as text."""
    return {
        (name, item.hash_key.value, item.range_key.value): json.dumps(
            item.to_json()["Attributes"], sort_keys=True, default=str
        )
        for name, table in tables().items()
        for by_sort in table.items.values()
        for item in by_sort.values()
        if not item.hash_key.value.startswith("RATE#")
    }


def _index(items: Any) -> Any:
    copied: Any = defaultdict(dict)
    for partition, by_sort in items.items():
        copied[partition] = dict(by_sort)
    return copied


def _written(body: bytes | None) -> tuple[str | None, bool]:
    """A body as the gateway hands it over: text, or base64 where it is none."""
    if body is None:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


@contextmanager
def stocked() -> Iterator[Floor]:
    """A fresh AWS with one of everything, owned by one administrator."""
    with cloud():
        restore = speed_up()
        try:
            floor = Floor(person("admin"))
            _goods(floor)
            _belongings(floor)
            _talk(floor)
            _operations(floor)
            floor.remember()
            yield floor
        finally:
            restore()


def _goods(floor: Floor) -> None:
    known = floor.known
    known["category"] = known["category_id"] = ["lamps"]
    floor.make("POST", "/admin/categories", {"title": "Lamps", "id": "lamps"})
    variant = {"sku": "LAMP-1", "title": "Brass", "price": 3400, "initial_stock": 9}
    product = {"title": "Lamp", "category": "lamps", "variants": [variant]}
    made = floor.make("POST", "/admin/products", product)
    known["product_id"], known["slug"] = [made["id"]], [made["slug"]]
    known["variant_id"] = [made["variants"][0]["id"]]
    floor.make("POST", "/admin/products/{product_id}/publish", product_id=made["id"])
    line = {"variant_id": known["variant_id"][0], "quantity": 1}
    order = {"lines": [line], "shipping_address": ADDRESS, "payment_token": "tok_success"}
    placed = floor.make("POST", "/orders", order)["order"]
    known["order_id"], known["number"] = [placed["id"]], [placed["number"]]
    known["aggregate_id"] = [placed["id"], made["id"]]


def _belongings(floor: Floor) -> None:
    known = floor.known
    known["user_id"] = [floor.owner.user.id, person("customer").user.id]
    known["session_id"] = [floor.owner.session.id]
    known["address_id"] = [floor.make("POST", "/users/me/addresses", ADDRESS)["id"]]
    device = {"platform": "ios", "token": "cafe-device-token"}
    known["device_id"] = [floor.make("POST", "/users/me/devices", device)["id"]]
    picture = {"purpose": "product", "filename": "a.png", "content_type": "image/png", "size": 9}
    known["media_id"] = [floor.make("POST", "/media/uploads", picture)["media"]["id"]]
    known["provider"] = ["sandbox"]


def _talk(floor: Floor) -> None:
    known = floor.known
    opening = {"subject": "Hello", "text": "Anybody there?", "client_id": "client-0001"}
    opened = floor.make("POST", "/chat/conversations", opening)
    known["conversation_id"] = [opened["conversation"]["id"]]
    letter = {"name": "Eve", "email": "eve@souk.example", "subject": "Hi", "message": "Hello"}
    known["ticket_id"] = [floor.make("POST", "/contact", letter)["reference"]]
    known["to"] = ["amina@souk.example"]


def _operations(floor: Floor) -> None:
    known = floor.known
    known["name"] = ["order-fulfilment", "order-refund", "media-pipeline"]
    for name in known["name"]:
        bare_client("stepfunctions").create_state_machine(
            name=f"souk-{STAGE}-{name}",
            definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/workflows",
        )
    known["day"] = report_missing_days(datetime.now(UTC), "floor-0001", analytics_deps())
    span = {"from": instant(later(datetime.now(UTC), -3600)), "to": instant(datetime.now(UTC))}
    known["replay_id"] = [floor.make("POST", "/ops/events/replay", span)["replay"]["id"]]
    known["from"], known["to"] = [span["from"]], [span["to"], "amina@souk.example"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:souk-{STAGE}-email-dlq"
    parked = {"messageId": "m", "receiptHandle": "r", "body": "{}", "eventSourceARN": arn}
    ops_worker({"Records": [parked]}, CONTEXT)
    listed = floor.make("GET", "/ops/dead-letters")
    known["dead_letter_id"] = [listed["items"][0]["id"]]
