"""Every fault at every call and delivery of sockets: no message lost or misdirected."""

import random
import sys

import pytest

from tests.faults.harness.clients import ClientModel
from tests.faults.harness.points import delivery_points, single_points
from tests.faults.use_cases.shop import Shop
from tests.faults.use_cases.sockets import USE_CASES, Talk

POINTS_MAX = 25


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("use_case", USE_CASES, ids=lambda use_case: use_case.name)
def test_sockets_survive(
    shop: Shop, use_case: Talk, seed: int, capsys: pytest.CaptureFixture[str], *, is_nightly: bool
) -> None:
    """A clean run breaks nothing, and neither does any drawn fault (nightly: any at all)."""
    recording = shop.runner.discover(use_case)
    assert recording.violations == []
    points = [
        *single_points(use_case.name, ClientModel.RETRIES, recording),
        *delivery_points(use_case.name, recording),
    ]
    if len(points) > POINTS_MAX and not is_nightly:
        points = random.Random(seed).sample(points, POINTS_MAX)
    verdicts = [shop.runner.run(use_case, point, recording) for point in points]
    broken = [(v.point.replay, v.violations, v.drift, v.fired) for v in verdicts if not v.survived]
    with capsys.disabled():
        sys.stdout.write(f"\n{use_case.name}: {len(points)} points, {len(broken)} broken\n")
    assert broken == []
