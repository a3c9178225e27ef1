"""Planted bugs: the harness must condemn each deliberate mistake, or it proves nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.faults.harness.clients import ClientModel
from tests.faults.harness.mutations import PlantedBug
from tests.faults.harness.points import (
    PointRunner,
    UseCase,
    Verdict,
    delivery_points,
    single_points,
)
from tests.faults.harness.races import RaceVerdict

ATTEMPTS_MAX = 300


@dataclass(frozen=True, slots=True)
class Hunt:
    """Whether one planted bug was found, and by what."""

    bug: PlantedBug
    killer: str
    reason: str
    points: int

    @property
    def is_killed(self) -> bool:
        """A bug that no point condemns has survived."""
        return bool(self.killer)


def hunt(
    runner: PointRunner,
    bug: PlantedBug,
    use_cases: Iterable[UseCase],
    races: Callable[[str], Iterable[RaceVerdict]] | None = None,
) -> Hunt:
    """Run points, then races, with the bug in place until one breaks."""
    world = runner.world
    world.mutations.bugs = (bug,)
    world.runtime.cold_start()
    tried = 0
    try:
        attempts = _attempts(runner, bug, use_cases, races)
        for name, reason in itertools.islice(attempts, ATTEMPTS_MAX):
            tried += 1
            if reason:
                return Hunt(bug, name, reason, tried)
    finally:
        world.mutations.bugs = ()
        world.runtime.cold_start()
    return Hunt(bug, "", "", tried)


def _attempts(
    runner: PointRunner,
    bug: PlantedBug,
    use_cases: Iterable[UseCase],
    races: Callable[[str], Iterable[RaceVerdict]] | None,
) -> Iterator[tuple[str, str]]:
    """(what was tried, what broke or nothing), clean runs first."""
    wanted = [u for u in use_cases if not bug.use_cases or u.name in bug.use_cases]
    if bug.races and not bug.use_cases:
        wanted = []
    for use_case in wanted:
        recording = runner.discover(use_case)
        yield f"{use_case.name}:clean", _first(recording.violations)
        for client in (ClientModel.RETRIES, ClientModel.NEW_KEY, ClientModel.DOUBLE_CLICK):
            for verdict in _verdicts(runner, use_case, client, bug.kinds):
                yield verdict.point.replay, _first(verdict.violations)
    for name in bug.races:
        for found in races(name) if races is not None else ():
            yield f"{name} {found.plan}", _first(list(found.violations))


def _first(violations: list[str]) -> str:
    return violations[0] if violations else ""


def _verdicts(
    runner: PointRunner, use_case: UseCase, client: ClientModel, kinds: tuple[str, ...]
) -> Iterator[Verdict]:
    recording = runner.discover(use_case, client)
    points = list(single_points(use_case.name, client, recording))
    if client is ClientModel.RETRIES:
        points += delivery_points(use_case.name, recording)
    for point in points:
        if not kinds or point.kind in kinds:
            yield runner.run(use_case, point, recording)


def table(hunts: list[Hunt]) -> str:
    """One line a bug, survivors first."""
    lines = [f"{'planted bug':<34} {'points':>6}  killed by"]
    for one in sorted(hunts, key=lambda h: h.is_killed):
        found = f"{one.killer}  {one.reason}" if one.is_killed else "SURVIVED"
        lines.append(f"{one.bug.name:<34} {one.points:>6}  {found}")
    killed = sum(one.is_killed for one in hunts)
    return "\n".join([*lines, f"planted bugs {len(hunts)}, killed {killed}"])
