"""The planted-bug mechanism, on the right toy flow: every mistake is found."""

from collections.abc import Iterator

import pytest

from tests.faults.harness.mutations import PlantedBug, StalePlantedBug
from tests.faults.harness.planted import hunt
from tests.faults.selftest.toy.shop import (
    DECLINED,
    LAST_UNIT,
    ONE_ORDER,
    PACKAGE,
    ToyShop,
    open_toy,
)

RIGHT = f"{PACKAGE}.right"
BUGS = (
    PlantedBug(
        "no stock floor",
        RIGHT,
        '            "ConditionExpression": "stock >= :least",\n',
        '            "ConditionExpression": "stock > :least OR stock <= :least",\n',
    ),
    PlantedBug(
        "no state guard",
        RIGHT,
        '        "ConditionExpression": "#s = :before",\n',
        '        "ConditionExpression": "#s <> :before OR #s = :before",\n',
    ),
    PlantedBug(
        "charge without key",
        RIGHT,
        "card.charge(order_id, 100, order_id)",
        "card.charge(order_id, 100, None)",
    ),
    PlantedBug(
        "key per attempt",
        RIGHT,
        "card.charge(order_id, 100, order_id)",
        "card.charge(order_id, 100, __import__('uuid').uuid4().hex)",
    ),
    PlantedBug(
        "no release on decline",
        RIGHT,
        '_move(order_id, "RESERVED", "CANCELLED", 1)',
        '_mark(order_id, "RESERVED", "CANCELLED")',
        ("declined",),
    ),
    PlantedBug(
        "swallowed errors",
        RIGHT,
        '            failed.append({"itemIdentifier": record["messageId"]})',
        "            continue",
    ),
    PlantedBug(
        "any cancellation = sold out",
        RIGHT,
        '        if set(codes) - {"None", "ConditionalCheckFailed"}:\n            raise\n',
        "",
        ("declined",),
    ),
    PlantedBug(
        "no resume",
        RIGHT,
        '    if state_of(order_id) == "NEW":\n        _reserve(order_id)\n',
        '    if state_of(order_id) != "NEW":\n        return\n    _reserve(order_id)\n',
    ),
    PlantedBug(
        "entries not checked",
        RIGHT,
        '    if reply["FailedEntryCount"]:\n        raise Fault\n',
        "",
    ),
    PlantedBug(
        "reserve in two writes",
        RIGHT,
        "table.transact_write_items("
        'TransactItems=[stock, {"Update": _step(order_id, before, after)}])',
        'table.update_item(**stock["Update"]), table.update_item(**_step(order_id, before, after))',
        ("one_order",),
    ),
)


@pytest.fixture(scope="module")
def right() -> Iterator[ToyShop]:
    """The flow that survives everything as it stands."""
    shop = open_toy("right")
    yield shop
    shop.world.stop()


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_planted_bug_is_killed(right: ToyShop, bug: PlantedBug) -> None:
    """Some point condemns the flow as soon as the mistake is in it."""
    found = hunt(right.runner, bug, (ONE_ORDER, LAST_UNIT, DECLINED))
    assert found.is_killed, f"{bug.name} survived {found.points} points"


def test_outdated_planted_bug_is_reported(right: ToyShop) -> None:
    """A patch that no longer fits the code fails loudly instead of testing nothing."""
    bug = PlantedBug("gone", RIGHT, "no such text", "")
    right.world.mutations.bugs = (bug,)
    right.world.runtime.cold_start()
    try:
        with pytest.raises(StalePlantedBug):
            right.world.runtime.load("place")
    finally:
        right.world.mutations.bugs = ()
