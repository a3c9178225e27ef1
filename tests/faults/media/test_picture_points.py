"""Every fault at every call and delivery of pictures: none leaves a record stuck or untrue."""

import random
import sys
from collections.abc import Iterator

import pytest

from tests.faults.harness.clients import ClientModel
from tests.faults.harness.points import delivery_points, single_points
from tests.faults.use_cases.pictures import USE_CASES, Picture
from tests.faults.use_cases.shop import Shop, open_shop

# At test depth so many points of each use case are drawn; nightly runs all of them.
POINTS_MAX = 25


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """One world for all of them."""
    opened = open_shop()
    yield opened
    opened.world.stop()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("use_case", USE_CASES, ids=lambda use_case: use_case.name)
def test_pictures_survive(
    shop: Shop,
    use_case: Picture,
    capsys: pytest.CaptureFixture[str],
    *,
    is_nightly: bool,
    seed: int,
) -> None:
    """A clean run breaks nothing, and neither does any single fault."""
    recording = shop.runner.discover(use_case)
    assert recording.violations == []
    points = [
        *single_points(use_case.name, ClientModel.RETRIES, recording),
        *delivery_points(use_case.name, recording),
    ]
    if not is_nightly and len(points) > POINTS_MAX:
        points = random.Random(seed).sample(points, POINTS_MAX)
    verdicts = [shop.runner.run(use_case, point, recording) for point in points]
    broken = [(v.point.replay, v.violations, v.drift, v.fired) for v in verdicts if not v.survived]
    with capsys.disabled():
        sys.stdout.write(f"\n{use_case.name}: {len(points)} points, {len(broken)} broken\n")
    assert broken == []
