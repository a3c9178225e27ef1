"""The suites are tested too: deliberate mistakes in the shop must be found."""

import re
from collections.abc import Iterator

import pytest

from tests.faults.conftest import open_stage, publish
from tests.faults.harness.campaign import current_stage, spread
from tests.faults.harness.interleave import plans
from tests.faults.harness.mutations import PlantedBug
from tests.faults.harness.planted import Hunt, hunt, table
from tests.faults.harness.races import RaceRunner, RaceVerdict
from tests.faults.use_cases.catalogue import RACES, USE_CASES
from tests.faults.use_cases.identity_planted import IDENTITY_BUGS
from tests.faults.use_cases.planted_bugs import PLANTED_BUGS
from tests.faults.use_cases.shop import FRONT

PLANS = 60
KILLED_MIN = 0.95


def run_hunt(bug: PlantedBug) -> Hunt:
    """Hunt one bug on this process' shop."""
    runner = current_stage().runner

    def races(name: str) -> Iterator[RaceVerdict]:
        racing = RaceRunner(runner, FRONT.session)
        first, second = racing.lengths(RACES[name])
        for plan in plans(first, second, count_max=PLANS, seed=1):
            yield racing.run(RACES[name], plan)

    return hunt(runner, bug, USE_CASES.values(), races)


@pytest.mark.timeout(3_600)
def test_planted_bugs_are_killed() -> None:
    """At least 95 of 100 deliberate mistakes are condemned by some point or race."""
    hunts = list(spread((*PLANTED_BUGS, *IDENTITY_BUGS), open_stage, run_hunt))
    publish("planted bugs", re.sub(r"_[0-9A-HJKMNP-TV-Z]{26}", "_*", table(hunts)))
    survivors = [one.bug.name for one in hunts if not one.is_killed]
    assert len(survivors) <= len(hunts) * (1 - KILLED_MIN), survivors
