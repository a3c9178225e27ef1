"""Planted bugs: the harness must condemn each deliberate mistake, or it proves nothing."""

from __future__ import annotations

from collections.abc import Iterable
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


def hunt(runner: PointRunner, bug: PlantedBug, use_cases: Iterable[UseCase]) -> Hunt:
    """Run points with the bug in place until one breaks."""
    world = runner.world
    world.mutations.bugs = (bug,)
    world.runtime.cold_start()
    tried = 0
    try:
        for use_case in use_cases:
            if bug.use_cases and use_case.name not in bug.use_cases:
                continue
            recording = runner.discover(use_case)
            tried += 1
            if recording.violations:
                return Hunt(bug, f"{use_case.name}:clean", recording.violations[0], tried)
            for client in (ClientModel.RETRIES, ClientModel.NEW_KEY, ClientModel.DOUBLE_CLICK):
                for verdict in _verdicts(runner, use_case, client):
                    tried += 1
                    if verdict.violations:
                        return Hunt(bug, verdict.point.replay, verdict.violations[0], tried)
    finally:
        world.mutations.bugs = ()
        world.runtime.cold_start()
    return Hunt(bug, "", "", tried)


def _verdicts(runner: PointRunner, use_case: UseCase, client: ClientModel) -> Iterable[Verdict]:
    recording = runner.discover(use_case, client)
    for point in single_points(use_case.name, client, recording):
        yield runner.run(use_case, point, recording)
    if client is ClientModel.RETRIES:
        for point in delivery_points(use_case.name, recording):
            yield runner.run(use_case, point, recording)


def table(hunts: list[Hunt]) -> str:
    """One line a bug, survivors first."""
    lines = [f"{'planted bug':<34} {'points':>6}  killed by"]
    for one in sorted(hunts, key=lambda h: h.is_killed):
        found = f"{one.killer}  {one.reason}" if one.is_killed else "SURVIVED"
        lines.append(f"{one.bug.name:<34} {one.points:>6}  {found}")
    killed = sum(one.is_killed for one in hunts)
    return "\n".join([*lines, f"planted bugs {len(hunts)}, killed {killed}"])
