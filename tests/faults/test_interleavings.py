"""Two handlers at once, their calls in every planned order."""

from dataclasses import dataclass

import pytest

from tests.faults.conftest import open_stage, publish
from tests.faults.harness.campaign import current_stage, spread
from tests.faults.harness.interleave import plans
from tests.faults.harness.races import RaceRunner, RaceVerdict, table
from tests.faults.use_cases.catalogue import RACES
from tests.faults.use_cases.shop import FRONT

PLANS = {"test": 8, "nightly": 2_000}
CHUNK = 10


@dataclass(frozen=True, slots=True)
class Lot:
    """Some plans of one race."""

    race: str
    plans: tuple[str, ...]


def run_lot(lot: Lot) -> list[RaceVerdict]:
    """Run a lot on this process' shop."""
    runner = RaceRunner(current_stage().runner, FRONT.session)
    return [runner.run(RACES[lot.race], plan) for plan in lot.plans]


@pytest.mark.timeout(7_200)
def test_no_order_of_calls_breaks_the_books(*, is_nightly: bool, seed: int) -> None:
    """Whichever of two handlers comes first at every call, the invariants hold at rest."""
    count = PLANS["nightly" if is_nightly else "test"]
    stage = open_stage()
    try:
        runner = RaceRunner(stage.runner, FRONT.session)
        lengths = {name: runner.lengths(race) for name, race in RACES.items()}
    finally:
        stage.close()
    lots = []
    for name, (first, second) in lengths.items():
        chosen = list(plans(first, second, count_max=count, seed=seed))
        lots += [Lot(name, tuple(chosen[i : i + CHUNK])) for i in range(0, len(chosen), CHUNK)]
    verdicts = [verdict for found in spread(lots, open_stage, run_lot) for verdict in found]
    publish("interleavings", table(verdicts, lengths))
    broken = [(v.race, v.plan, v.violations) for v in verdicts if v.violations]
    assert broken == []
