"""The shop in a simulated world: the deployed template, the live app, REST in front."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.faults.harness.clients import ClientModel, ClientSession
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
GATEWAY = ("charge", "lookup", "withdraw", "refund", "lookup_refund")
OWN_ENVIRONMENT = {
    "SOUK_STAGE": STAGE,
    "SOUK_LOG_LEVEL": "ERROR",
    "SOUK_PUBLIC_BASE_URL": "https://shop.example",
    "S3_WIRING": "template",
}


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
    values = {**parameters, "Target": "aws"}
    stack, _resolver = read_stack(TEMPLATE, values, region=REGION, account=ACCOUNT)
    stack.environment.update(OWN_ENVIRONMENT)
    world = World(stack, packages=("app", "chalicelib"))
    world.mutations.after_import("chalicelib.orders.sandbox_gateway", _outside(world))
    world.start()
    world.runtime.handlers[HANDLER] = "app.app"
    app = world.runtime.load(HANDLER)
    add_chalice_sources(stack, app)
    world.runtime.handlers.update(stack.handlers)
    functions = json.loads(CONFIG.read_text())["lambda_functions"]
    world.runtime.timeouts_s.update(
        {name: found["lambda_timeout"] for name, found in functions.items()}
    )
    door = RestDoor(world, app)

    def session(world: World, model: ClientModel) -> ClientSession:
        return ClientSession(world, door, model)

    return Shop(world, door, PointRunner(world, session, (check_shop,)))


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
        except (ConnectionError, TimeoutError) as lost:
            raise module.GatewayUnknown from lost

    setattr(module.SandboxGateway, name, called)
