"""The harness itself: it condemns a naive flow and acquits a right one."""

from collections.abc import Iterator

import pytest

from tests.faults.harness.clients import ClientModel
from tests.faults.harness.points import Verdict, delivery_points, single_points
from tests.faults.selftest.toy.shop import DECLINED, LAST_UNIT, ONE_ORDER, Buying, ToyShop, open_toy


@pytest.fixture
def naive() -> Iterator[ToyShop]:
    """A shop that charges first."""
    shop = open_toy("naive")
    yield shop
    shop.world.stop()


@pytest.fixture
def right() -> Iterator[ToyShop]:
    """A shop that reserves first."""
    shop = open_toy("right")
    yield shop
    shop.world.stop()


def all_points(shop: ToyShop, *use_cases: Buying) -> list[Verdict]:
    """Every single fault and disturbed delivery."""
    verdicts = []
    for use_case in use_cases:
        recording = shop.runner.discover(use_case)
        assert recording.violations == []
        points = [
            *single_points(use_case.name, ClientModel.RETRIES, recording),
            *delivery_points(use_case.name, recording),
        ]
        verdicts += [shop.runner.run(use_case, point, recording) for point in points]
    return verdicts


def test_naive_flow_is_condemned(naive: ToyShop) -> None:
    """Charging first breaks the books in many points, and every planned fault fires."""
    verdicts = all_points(naive, ONE_ORDER, DECLINED)
    broken = [verdict for verdict in verdicts if verdict.violations]
    assert len(broken) > len(verdicts) // 5
    assert all(verdict.fired and not verdict.drift for verdict in verdicts)


def test_right_flow_is_acquitted(right: ToyShop) -> None:
    """Reserve, pay, commit survives every single fault and every disturbed delivery."""
    verdicts = all_points(right, ONE_ORDER, DECLINED, LAST_UNIT)
    assert [(v.point.replay, v.violations, v.drift) for v in verdicts if not v.survived] == []
    assert len(verdicts) > 250
