"""The shop in a simulated world: the deployed template, the live app, REST in front."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3

from tests.faults.harness.clients import ClientModel, ClientSession, Reply, Request
from tests.faults.harness.fault_plan import Unanswered
from tests.faults.harness.invariants import check_shop
from tests.faults.harness.points import PointRunner
from tests.faults.harness.rest import HANDLER, RestDoor
from tests.faults.harness.stack import add_chalice_sources, read_stack
from tests.faults.harness.substrate import ACCOUNT, REGION
from tests.faults.harness.world import World

ROOT = Path(__file__).parents[3]
TEMPLATE = ROOT / "infra" / "resources.yaml"
PARAMETERS = ROOT / "infra" / "parameters" / "local.json"
CONFIG = ROOT / ".chalice" / "config.json"
STAGE = "local"
CORE = f"souk-{STAGE}-core"
MAIL_FROM = "shop@souk.example"
PASSWORD = "demo-Souk-2026-pass"
PRODUCTS = {"lamp": (3400, 5), "rug": (129_000, 4), "candle": (2400, 1), "gone": (390, 0)}
GATEWAY = ("charge", "lookup", "withdraw", "refund", "lookup_refund")
OWN_ENVIRONMENT = {
    "SOUK_STAGE": STAGE,
    "SOUK_LOG_LEVEL": "ERROR",
    "SOUK_PUBLIC_BASE_URL": "https://shop.example",
    "S3_WIRING": "template",
}


@dataclass(slots=True)
class Front:
    """Who is signed in, and what is for sale; set once the shop is stocked."""

    customer: str = ""
    staff: str = ""
    variants: dict[str, str] = field(default_factory=dict)
    webhook_secret: str = ""
    door: RestDoor | None = None

    def session(self, world: World, model: ClientModel) -> ClientSession:
        """A new client."""
        if self.door is None:
            raise RuntimeError("the shop is not open")
        return ClientSession(world, self.door, model)


FRONT = Front()


@dataclass(slots=True)
class Shop:
    """One world with the shop in it."""

    world: World
    door: RestDoor
    runner: PointRunner


def open_shop() -> Shop:
    """Start a world with the deployed routing and the app's own handlers."""
    parameters = json.loads(PARAMETERS.read_text())["Parameters"]
    # Rules and functions are those of AWS, names and waits those of the local stage.
    # People's answers are awaited for ten minutes, less than their tokens live.
    waits = {"ReviewTimeoutSeconds": "600", "ActionTimeoutSeconds": "600"}
    values = {**parameters, "Target": "aws", **waits}
    stack, _resolver = read_stack(TEMPLATE, values, region=REGION, account=ACCOUNT)
    stack.environment.update(OWN_ENVIRONMENT)
    is_nightly = os.environ.get("SOUK_DEPTH") == "nightly"
    world = World(stack, packages=("app", "chalicelib"), goes_the_long_way=is_nightly)
    world.mutations.after_import("chalicelib.orders.sandbox_gateway", _outside(world))
    world.mutations.after_import("chalicelib.users.hashing", _cheapen)
    world.start()
    world.runtime.handlers[HANDLER] = "app.app"
    app = world.runtime.load(HANDLER)
    add_chalice_sources(stack, app)
    world.runtime.handlers.update(stack.handlers)
    functions = json.loads(CONFIG.read_text())["lambda_functions"]
    world.runtime.timeouts_s.update(
        {name: found["lambda_timeout"] for name, found in functions.items()}
    )
    FRONT.door = RestDoor(world, app)
    shop = Shop(world, FRONT.door, PointRunner(world, FRONT.session, (check_shop,)))
    stock(shop)
    return shop


def stock(shop: Shop) -> None:
    """Accounts, a category and three products, all through the API; then the base snapshot."""
    boto3.client("sesv2", region_name=REGION).create_email_identity(EmailIdentity=MAIL_FROM)
    ring = boto3.client("secretsmanager", region_name=REGION).get_secret_value(
        SecretId=f"souk/{STAGE}/webhook"
    )
    FRONT.webhook_secret = json.loads(ring["SecretString"])["k1"]
    FRONT.customer = _sign_up(shop, "amina@souk.example", None)
    FRONT.staff = _sign_up(shop, "admin@souk.example", "admin")
    _send(shop, "POST", "/admin/categories", {"title": "Lamps", "id": "lamps"}, FRONT.staff)
    for name, (price, units) in PRODUCTS.items():
        FRONT.variants[name] = _offer(shop, name, price, units)
    shop.world.drain()
    shop.world.clock.advance(1)
    shop.runner.base = shop.world.snapshot()


def _sign_up(shop: Shop, email: str, role: str | None) -> str:
    """Register, verify by the mailed token, sign in; the access token."""
    account = {"email": email, "password": PASSWORD, "name": "A Person"}
    _send(shop, "POST", "/users/register", account)
    shop.world.drain()
    mails = _send(shop, "GET", f"/sandbox/mailbox?to={email}")
    _send(shop, "POST", "/users/verify-email", {"token": mails.body["items"][0]["token"]})
    shop.world.drain()
    if role is not None:
        _appoint(shop.world, role)
    signed_in = _send(shop, "POST", "/users/login", {"email": email, "password": PASSWORD})
    return str(signed_in.body["tokens"]["access_token"])


def _appoint(world: World, role: str) -> None:
    """The newest account becomes staff; the first administrator is made by a command."""
    newest = max(row["pk"] for row in world.substrate.rows(CORE) if row["sk"] == "PROFILE")
    boto3.client("dynamodb", region_name=REGION).update_item(
        TableName=CORE,
        Key={"pk": {"S": newest}, "sk": {"S": "PROFILE"}},
        UpdateExpression="SET #r = :r",
        ExpressionAttributeNames={"#r": "role"},
        ExpressionAttributeValues={":r": {"S": role}},
    )


def _offer(shop: Shop, name: str, price: int, units: int) -> str:
    variant = {"sku": name.upper(), "title": name, "price": price, "initial_stock": units}
    product = {"title": name.title(), "category": "lamps", "variants": [variant]}
    made = _send(shop, "POST", "/admin/products", product, FRONT.staff).body
    _send(shop, "POST", f"/admin/products/{made['id']}/publish", None, FRONT.staff)
    return str(made["variants"][0]["id"])


def _send(shop: Shop, method: str, path: str, body: Any = None, token: str | None = None) -> Reply:
    shop.world.clock.advance(1)
    reply = shop.door.send(Request(method, path, body, token))
    if not reply.is_accepted:
        raise RuntimeError(f"{method} {path}: {reply.status} {reply.text}")
    return reply


def _cheapen(module: ModuleType) -> None:
    """Thousands of runs prove nothing about the cost of a password's hash."""
    space = vars(module)
    nobody = space["_NOBODY"].replace("m=19456,t=2", "m=8,t=1")
    space.update(MEMORY_KIB=8, PASSES=1, _NOBODY=nobody)


def _outside(world: World) -> Any:
    """The gateway is an outside party: its calls share the numbering and the faults."""

    def wrap(module: ModuleType) -> None:
        for name in GATEWAY:
            _wrap(world, module, name)

    return wrap


def _wrap(world: World, module: ModuleType, name: str) -> None:
    real = getattr(module.SandboxGateway, name)

    def called(gateway: Any, *arguments: Any) -> Any:
        try:
            return world.injector.outside(name, "gateway", lambda: real(gateway, *arguments))
        except Unanswered as lost:
            raise module.GatewayUnknown from lost

    setattr(module.SandboxGateway, name, called)
