"""Callers of the running shop, raw requests, and the rows behind it."""

import contextlib
import http.client
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from boto3.dynamodb.conditions import Key

from local.demo_data import PASSWORD
from local.shop import Answer, Shop
from tests.e2e.conftest import RunningShop

ADDRESS: dict[str, Any] = {
    "name": "Nora Bell",
    "line1": "1 Kiln Lane",
    "city": "Leeds",
    "postal_code": "LS1 1AA",
    "country": "GB",
}
# What a reply says of fields that were left out.
LEFT_OUT = {"line2": None, "region": None, "phone": None}


@dataclass(slots=True)
class Raw:
    """Bytes as somebody's own client would send them."""

    api_url: str
    token: str | None = None

    def send(
        self,
        method: str,
        path: str,
        payload: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; JSON is claimed as the type unless `headers` name another."""
        url = urlsplit(self.api_url)
        sent = dict(headers or {})
        if self.token and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.token}"
        if payload is not None and not any(name.lower() == "content-type" for name in sent):
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(url.netloc, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, url.path + path, payload, sent)
            reply = connection.getresponse()
            text = reply.read().decode()
        body = None
        with contextlib.suppress(ValueError):
            body = json.loads(text)
        named = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, named, text, body)


@dataclass(slots=True)
class Core:
    """Raw reads of the table `core`."""

    table: Any
    read: dict[str, Any] = field(default_factory=dict)

    def row(self, pk: str, sk: str = "META") -> dict[str, Any] | None:
        """One item."""
        item: dict[str, Any] | None = self.table.get_item(
            Key={"pk": pk, "sk": sk}, ConsistentRead=True
        ).get("Item")
        return item

    def under(self, pk: str, prefix: str = "") -> list[dict[str, Any]]:
        """The items of a partition, in order."""
        condition = Key("pk").eq(pk)
        if prefix:
            condition &= Key("sk").begins_with(prefix)
        items: list[dict[str, Any]] = self.table.query(
            KeyConditionExpression=condition, ConsistentRead=True
        )["Items"]
        return items

    def indexed(self, index: str, pk: str) -> list[dict[str, Any]]:
        """The items of a partition of an index, newest first."""
        items: list[dict[str, Any]] = self.table.query(
            IndexName=index,
            KeyConditionExpression=Key(f"{index}pk").eq(pk),
            ScanIndexForward=False,
        )["Items"]
        return items

    def events(self, pk: str) -> list[dict[str, Any]]:
        """The event rows of an aggregate, oldest first."""
        return self.under(pk, "EVT#")


@pytest.fixture(scope="session")
def core(shop: RunningShop) -> Core:
    """The table `core`, read past the API."""
    resource = boto3.resource(
        "dynamodb",
        endpoint_url=shop.info["aws_endpoint"],
        region_name=shop.info["region"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    return Core(resource.Table(shop.info["tables"]["core"]))


@pytest.fixture(scope="session")
def anybody(shop: RunningShop) -> Shop:
    """Somebody who is not signed in."""
    return shop.anonymous


@pytest.fixture(scope="session")
def admin(shop: RunningShop) -> Shop:
    """The demo administrator."""
    return shop.signed_in("admin")


@pytest.fixture(scope="session")
def merchant(shop: RunningShop) -> Shop:
    """The demo merchant."""
    return shop.signed_in("merchant")


@pytest.fixture(scope="session")
def warehouse(shop: RunningShop) -> Shop:
    """The demo warehouse worker."""
    return shop.signed_in("warehouse")


@pytest.fixture(scope="session")
def support(shop: RunningShop) -> Shop:
    """The demo support worker."""
    return shop.signed_in("support")


@pytest.fixture(scope="session")
def amina(shop: RunningShop) -> Shop:
    """The demo customer."""
    return shop.signed_in("customer")


def registered(anybody: Shop, email: str | None = None, name: str = "Nora Bell") -> Shop:
    """A customer of their own, verified and signed in."""
    email = email or f"nora-{uuid.uuid4().hex[:12]}@souk.example"
    person = {"email": email, "password": PASSWORD, "name": name}
    anybody.ask("POST", "/users/register", person, expect=202)
    token = anybody.mail(email, "verify_email", within_s=30)["token"]
    anybody.ask("POST", "/users/verify-email", {"token": token}, expect=204)
    return anybody.sign_in(email, PASSWORD)


@pytest.fixture(scope="session")
def nora(anybody: Shop) -> Shop:
    """A new customer, the same for the whole session."""
    return registered(anybody)


@pytest.fixture(scope="session")
def omar(anybody: Shop) -> Shop:
    """Another new customer."""
    return registered(anybody, name="Omar Idrissi")


@pytest.fixture(scope="session")
def raw(shop: RunningShop) -> Raw:
    """Raw requests of somebody who is not signed in."""
    return Raw(shop.info["api_url"])


@dataclass(slots=True)
class Stall:
    """A product of these tests alone, with as much stock as a test wants."""

    merchant: Shop
    product: dict[str, Any]

    @property
    def variant(self) -> dict[str, Any]:
        """Its only variant."""
        variant: dict[str, Any] = self.product["variants"][0]
        return variant

    def stock(self) -> dict[str, Any]:
        """What is there now."""
        stock: dict[str, Any] = self.merchant.get(f"/admin/stock/{self.variant['id']}")
        return stock


@pytest.fixture(scope="session")
def stall_of(merchant: Shop) -> Callable[..., Stall]:
    """Opens a stall: price in minor units, pieces in stock."""

    def opened(price: int = 1700, stock: int = 100) -> Stall:
        name = f"stall {uuid.uuid4().hex[:10]}"
        offer = {
            "title": name,
            "category": "ceramics",
            "variants": [
                {
                    "sku": f"QA-{uuid.uuid4().hex[:12].upper()}",
                    "title": "One",
                    "price": price,
                    "initial_stock": stock,
                }
            ],
        }
        product = merchant.ask("POST", "/admin/products", offer, expect=201)
        product = merchant.ask("POST", f"/admin/products/{product['id']}/publish")
        return Stall(merchant, product)

    return opened


@pytest.fixture(scope="session")
def stall(stall_of: Callable[..., Stall]) -> Iterator[Stall]:
    """A stall with plenty of stock, archived afterwards."""
    made = stall_of(stock=5000)
    yield made
    made.merchant.ask("POST", f"/admin/products/{made.product['id']}/archive")


def basket(variant_id: str, quantity: int = 1, token: str = "tok_approve") -> dict[str, Any]:
    """The body of POST /orders."""
    return {
        "lines": [{"variant_id": variant_id, "quantity": quantity}],
        "shipping_address": ADDRESS,
        "payment_token": token,
    }


def ordered(customer: Shop, body: dict[str, Any]) -> dict[str, Any]:
    """A new order."""
    order: dict[str, Any] = customer.post_once("/orders", body, expect=202)["order"]
    return order
