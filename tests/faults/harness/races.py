"""Races: two sides made ready, run at once under a plan, then left to the normal delivery."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.faults.harness.clients import ClientModel, ClientSession, replays_differ
from tests.faults.harness.fault_plan import FaultPlan
from tests.faults.harness.interleave import Plan, run_together
from tests.faults.harness.points import PointRunner
from tests.faults.harness.world import Snapshot, World

Side = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Race:
    """Two things that happen at once; `ready` prepares them and hands over both sides."""

    name: str
    ready: Callable[[ClientSession], tuple[Side, Side]]
    ends: frozenset[str]
    expected: Callable[[World, ClientSession, frozenset[str]], list[str]]


@dataclass(frozen=True, slots=True)
class RaceVerdict:
    """What came of one plan."""

    race: str
    plan: Plan
    order: str
    violations: tuple[str, ...]


class RaceRunner:
    """Runs races of one world."""

    def __init__(self, runner: PointRunner, open_session: Callable[..., ClientSession]) -> None:
        self._runner, self._open = runner, open_session
        self.world = runner.world

    def lengths(self, race: Race) -> tuple[int, int]:
        """How many calls each side makes at most, whichever comes first."""
        one, other = self._in_turn(race, 0), self._in_turn(race, 1)
        return max(one[0], other[0]), max(one[1], other[1])

    def _in_turn(self, race: Race, first: int) -> tuple[int, int]:
        sides = race.ready(self._begin())
        made = [0, 0]
        for side in (first, 1 - first):
            before = len(self.world.injector.calls)
            sides[side]()
            made[side] = len(self.world.injector.calls) - before
        return made[0], made[1]

    def run(self, race: Race, plan: Plan) -> RaceVerdict:
        """One plan, then normal delivery and rest, then the invariants."""
        session = self._begin()
        order = ""
        try:
            first, second = race.ready(session)
            order = run_together(self.world, plan, {"a": first, "b": second})
            self.world.deliveries.held.clear()
            self.world.workflows.is_held = False
            self.world.settle()
            found = self._violations(race, session)
        except Exception:  # noqa: BLE001 - a stalled plan must not pass
            found = ["driver: " + traceback.format_exc(limit=-3)]
        return RaceVerdict(race.name, plan, order, tuple(found))

    def _begin(self) -> ClientSession:
        base: Snapshot | None = self._runner.base
        if base is None:
            raise RuntimeError("races start from a stocked shop")
        self.world.begin(base, FaultPlan())
        return self._open(self.world, ClientModel.RETRIES)

    def _violations(self, race: Race, session: ClientSession) -> list[str]:
        found = list(self.world.deliveries.log.violations)
        found += replays_differ(session.history)
        for check in self._runner.checkers:
            found += check(self.world, session)
        return found + race.expected(self.world, session, race.ends)


def table(verdicts: list[RaceVerdict], lengths: dict[str, tuple[int, int]]) -> str:
    """One line a race, then every plan that broke something."""
    names = list(dict.fromkeys(verdict.race for verdict in verdicts))
    lines = [f"{'race':<28} {'calls':>9} {'plans':>6} {'orders':>6} {'broken':>6}"]
    for name in names:
        rows = [verdict for verdict in verdicts if verdict.race == name]
        calls = "x".join(map(str, lengths.get(name, ())))
        orders = len({row.order for row in rows})
        broken = sum(bool(row.violations) for row in rows)
        lines.append(f"{name:<28} {calls:>9} {len(rows):>6} {orders:>6} {broken:>6}")
    lines += [
        f"FAIL {verdict.race} {verdict.plan}: {'; '.join(verdict.violations[:3])}"
        for verdict in verdicts
        if verdict.violations
    ]
    broken = sum(bool(verdict.violations) for verdict in verdicts)
    return "\n".join([*lines, f"plans {len(verdicts)}   broken {broken}"])


def anything(*_: Any) -> list[str]:
    """No expectation beyond the invariants."""
    return []
