"""The toy shop wired into a world: door, card processor, use cases, checks."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3

from tests.faults.harness.clients import ClientModel, ClientSession, Reply, Request
from tests.faults.harness.points import PointRunner
from tests.faults.harness.stack import read_stack
from tests.faults.harness.substrate import ACCOUNT, REGION
from tests.faults.harness.template import Mapping
from tests.faults.harness.world import World

TEMPLATE = Path(__file__).with_name("resources.yaml")
PACKAGE = "tests.faults.selftest.toy"
TABLE = "toy-toy-core"
FINAL = {"PAID", "REJECTED", "CANCELLED"}


@dataclass(slots=True)
class CardLedger:
    """What the card processor has done; it honours its keys."""

    captured: list[str] = field(default_factory=list)
    answers: dict[str, bool] = field(default_factory=dict)

    def charge(self, order_id: str, key: str | None) -> bool:
        """Cards ending in D are declined."""
        if key is not None and key in self.answers:
            return self.answers[key]
        granted = not order_id.endswith("D")
        if granted:
            self.captured.append(order_id)
        if key is not None:
            self.answers[key] = granted
        return granted


class ToyDoor:
    """Requests are plain invocations."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, request: Request) -> Reply:
        """Invoke `place` once."""
        event = {"key": request.key, "body": request.body}
        identity = f"client:{request.key}"
        outcome = self._world.runtime.invoke("place", event, identity=identity, in_request=True)
        if outcome.is_success:
            return Reply(outcome.value["status"], outcome.value["body"], outcome.value["body"])
        return Reply(502)


@dataclass(slots=True)
class ToyShop:
    """One flavour of the toy in a world of its own."""

    world: World
    ledger: CardLedger
    runner: PointRunner


def open_toy(flavour: str) -> ToyShop:
    """Start a world with the naive or the right handlers."""
    values = {"Stage": "toy"}
    stack, _resolver = read_stack(TEMPLATE, values, region=REGION, account=ACCOUNT)
    handlers = f"{PACKAGE}.{flavour}"
    stack.handlers.update({"place": f"{handlers}.place", "work": f"{handlers}.work"})
    stack.mappings.append(Mapping("work", "queue", "toy-toy-orders", 5, reports_partial=True))
    if flavour == "right":
        stack.handlers["relay"] = f"{handlers}.relay"
        stack.mappings.append(Mapping("relay", "stream", TABLE, 10))
    packages = (f"{PACKAGE}.rows", f"{PACKAGE}.naive", f"{PACKAGE}.right")
    world = World(stack, packages=packages)
    shop = ToyShop(world, CardLedger(), PointRunner(world, _session, (check_books,)))
    world.mutations.after_import(f"{PACKAGE}.rows", _connect_card(shop))
    world.start()
    shop.runner.base = world.snapshot()
    TOYS[id(world)] = shop
    return shop


TOYS: dict[int, ToyShop] = {}


def _session(world: World, model: ClientModel) -> ClientSession:
    shop = TOYS[id(world)]
    shop.ledger.captured.clear()
    shop.ledger.answers.clear()
    return ClientSession(world, ToyDoor(world), model)


def _connect_card(shop: ToyShop) -> Any:
    def connect(module: ModuleType) -> None:
        def charge(order_id: str, _amount: int, key: str | None) -> bool:
            def do() -> bool:
                return shop.ledger.charge(order_id, key)

            return shop.world.injector.outside("charge", "card", do)

        module.card.charge = charge

    return connect


@dataclass(frozen=True, slots=True)
class Buying:
    """Some buyers, some stock."""

    name: str
    buyers: tuple[tuple[str, str], ...]
    stock: int

    def set_up(self, world: World) -> None:  # noqa: ARG002 - the protocol's signature
        """One product."""
        boto3.client("dynamodb").put_item(
            TableName=TABLE,
            Item={"pk": {"S": "PRODUCT"}, "sk": {"S": "META"}, "stock": {"N": str(self.stock)}},
        )

    def play(self, session: ClientSession) -> None:
        """Everybody buys one."""
        for key, card in self.buyers:
            session.send(Request("POST", "/orders", {"card": card}, key=key))

    def expected(self, session: ClientSession) -> list[str]:
        """The stock is what it was, less what was sold."""
        rows = session.world.substrate.rows(TABLE)
        stock = next(row["stock"] for row in rows if row["pk"] == "PRODUCT")
        held = sum(row.get("status") in {"PAID", "RESERVED"} for row in rows)
        return [] if stock + held == self.stock else [f"stock {stock}, sold {held} of {self.stock}"]


ONE_ORDER = Buying("one_order", (("key-1", "A"),), 3)
DECLINED = Buying("declined", (("key-1", "D"),), 3)
LAST_UNIT = Buying("last_unit", (("key-1", "A"), ("key-2", "B")), 1)


def check_books(world: World, session: ClientSession) -> list[str]:
    """Money, stock and promises of the toy, on raw rows."""
    rows = world.substrate.rows(TABLE)
    orders = {
        row["pk"].removeprefix("ORDER#"): row["status"]
        for row in rows
        if row["pk"].startswith("ORDER#")
    }
    captured = Counter(TOYS[id(world)].ledger.captured)
    dead = {message.body for message in world.substrate.messages("toy-toy-orders-dlq")}
    broken = []
    if any(row["stock"] < 0 for row in rows if row["pk"] == "PRODUCT"):
        broken.append("oversold")
    if any(count > 1 for count in captured.values()):
        broken.append("double charge")
    for order_id, status in orders.items():
        if (status == "PAID") != bool(captured[order_id]):
            broken.append(f"{status}, captured {captured[order_id]}")
        if status not in FINAL and not any(order_id in body for body in dead):
            broken.append(f"stuck {status}")
    promised = {e.reply.body for e in session.history if e.reply.is_accepted}
    if promised - set(orders):
        broken.append("acknowledged order missing")
    keys = {e.request.key for e in session.history}
    if len(orders) > len(keys):
        broken.append("two orders for one key")
    return broken
