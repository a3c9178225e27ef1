"""The interleaver: plans are complete, orders come about as planned, races are found."""

import math
from collections.abc import Iterator
from functools import partial

import boto3
import pytest

from tests.faults.harness.clients import ClientModel, Request
from tests.faults.harness.interleave import plans, run_together
from tests.faults.harness.substrate import REGION
from tests.faults.selftest.toy.shop import (
    ONE_ORDER,
    TABLE,
    ToyShop,
    _session,
    check_books,
    open_toy,
)


@pytest.fixture
def shops() -> Iterator[list[ToyShop]]:
    """Shops to be closed."""
    opened: list[ToyShop] = []
    yield opened
    for shop in opened:
        shop.world.stop()


def race(shop: ToyShop, plan: str) -> list[str]:
    """Two workers get the same message at once."""
    world = shop.world
    world.begin(shop.runner.prepare(ONE_ORDER))
    session = _session(world, ClientModel.RETRIES)
    reply = session.send(Request("POST", "/orders", {"card": "A"}, key="key-1"))
    body = reply.body
    text = f'{{"detail": {{"order_id": "{body}"}}}}' if "relay" in world.stack.handlers else body
    event = {"Records": [{"messageId": "m1", "body": text}]}
    run_together(
        world,
        plan,
        {name: partial(world.runtime.invoke, "work", event, identity=name) for name in "ab"},
    )
    world.settle()
    return check_books(world, session) + ONE_ORDER.expected(session)


def test_all_plans_are_made_when_few() -> None:
    """Every order of 3 and 4 calls appears once."""
    made = list(plans(3, 4, count_max=5_000, seed=1))
    assert len(made) == len(set(made)) == math.comb(7, 3)


def test_many_plans_are_sampled_within_the_bound() -> None:
    """Plans with at most two switches come first, then random ones, none twice."""
    made = list(plans(12, 12, count_max=600, seed=1))
    assert len(made) == len(set(made)) == 600


def test_calls_happen_in_the_planned_order(shops: list[ToyShop]) -> None:
    """The plan is what comes about."""
    shops.append(open_toy("right"))
    world = shops[0].world
    world.begin(shops[0].runner.prepare(ONE_ORDER))

    def read(_event: object, _context: object) -> None:
        client = boto3.client("dynamodb", region_name=REGION)
        for _ in range(3):
            client.get_item(TableName=TABLE, Key={"pk": {"S": "P"}, "sk": {"S": "META"}})

    world.runtime.handlers["reader"] = read
    works = {name: partial(world.runtime.invoke, "reader", {}, identity=name) for name in "ab"}
    assert run_together(world, "abbaab", works) == "abbaab"


def test_race_of_naive_workers_is_condemned(shops: list[ToyShop]) -> None:
    """Some order of the calls charges twice."""
    shops.append(open_toy("naive"))
    assert any(race(shops[0], plan) for plan in plans(4, 4, count_max=70, seed=1))


def test_race_of_right_workers_is_acquitted(shops: list[ToyShop]) -> None:
    """No order of the calls breaks the books."""
    shops.append(open_toy("right"))
    found = [race(shops[0], plan) for plan in plans(6, 6, count_max=150, seed=1)]
    assert [violations for violations in found if violations] == []
