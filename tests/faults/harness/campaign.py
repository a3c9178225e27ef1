"""Many points on several processes: what to run, who runs it, and what came of it."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.faults.harness.clients import ClientModel
from tests.faults.harness.points import (
    Point,
    PointRunner,
    Recording,
    UseCase,
    Verdict,
    delivery_points,
    single_points,
)
from tests.faults.harness.reached import STATES, TRANSITIONS, Reached
from tests.faults.harness.report import Report

J = TypeVar("J")
T = TypeVar("T")
CHUNK = 25
WRITES_SHARE = 0.5
WORKERS_MAX = 2


@dataclass(slots=True)
class Stage:
    """Where points are run: one world with its runner, and how to leave it."""

    runner: PointRunner
    use_cases: Mapping[str, UseCase]
    reached: Reached
    close: Callable[[], None]


OpenStage = Callable[[], Stage]


@dataclass(frozen=True, slots=True)
class Job:
    """Some points of one use case."""

    use_case: str
    client: ClientModel
    recording: Recording
    points: tuple[Point, ...]


@dataclass(slots=True)
class Plan:
    """What a campaign will run."""

    jobs: list[Job] = field(default_factory=list)
    broken_clean: list[str] = field(default_factory=list)
    reached: Reached = field(default_factory=Reached)
    _places: set[Any] = field(default_factory=set)

    def add(
        self, use_case: str, client: ClientModel, recording: Recording, *, everything: bool
    ) -> None:
        """Add a use case's points; unless all are wanted, only those at new places in the code."""
        self.broken_clean += [f"{use_case}: {text}" for text in recording.violations]
        points = list(single_points(use_case, client, recording))
        if client is ClientModel.RETRIES:
            points += delivery_points(use_case, recording)
        if not everything:
            points = [point for point in points if self._is_new(client, point, recording)]
        for start in range(0, len(points), CHUNK):
            chunk = tuple(points[start : start + CHUNK])
            self.jobs.append(Job(use_case, client, recording, chunk))

    def _is_new(self, client: ClientModel, point: Point, recording: Recording) -> bool:
        if point.is_delivery:
            delivery = recording.deliveries[point.at - 1]
            place: Any = (client, point.kind, delivery.source, delivery.function)
        else:
            place = (client, point.kind, recording.calls[point.at - 1].place)
        if place in self._places:
            return False
        self._places.add(place)
        return True

    @property
    def size(self) -> int:
        """How many points."""
        return sum(len(job.points) for job in self.jobs)

    def sample(self, count_max: int, seed: int) -> None:
        """Keep at most `count_max` points, spread over all jobs by a seeded draw."""
        if self.size <= count_max:
            return
        draws = random.Random(seed)
        every = [point for job in self.jobs for point in job.points]
        writes = [i for i, point in enumerate(every) if point.is_mutating or point.is_delivery]
        rest = sorted(set(range(len(every))) - set(writes))
        # Trivial reads would make a large number of a small proof.
        share = min(len(writes), round(count_max * WRITES_SHARE))
        kept = {*draws.sample(writes, share), *draws.sample(rest, count_max - share)}
        jobs, position = [], 0
        for job in self.jobs:
            chosen = tuple(p for i, p in enumerate(job.points, position) if i in kept)
            position += len(job.points)
            if chosen:
                jobs.append(Job(job.use_case, job.client, job.recording, chosen))
        self.jobs = jobs


def run_plan(plan: Plan, open_stage: OpenStage, *, seed: int) -> Report:
    """Run every job on as many processes as there are cores; the report of all verdicts."""
    started = time.perf_counter()
    report = Report(seed, declared_states=STATES, declared_transitions=TRANSITIONS)
    reached = Reached()
    reached.add(plan.reached)
    for verdicts, seen in spread(plan.jobs, open_stage, _run):
        report.verdicts += verdicts
        reached.add(seen)
    report.states, report.transitions = reached.states, reached.transitions
    report.seconds = time.perf_counter() - started
    return report


def workers() -> int:
    """One process a core, unless SOUK_WORKERS says otherwise."""
    return int(os.environ.get("SOUK_WORKERS", min(WORKERS_MAX, os.cpu_count() or 1)))


def spread(jobs: Iterable[J], open_stage: OpenStage, work: Callable[[J], T]) -> Iterable[T]:
    """Run `work` on every job, on as many processes as there are cores, each with its stage."""
    if workers() == 1:
        _open(open_stage)
        try:
            yield from map(work, jobs)
        finally:
            _STAGE[0].close()
            _STAGE.clear()
        return
    # Forked before any world exists here, so that each process has hooks and time of its own.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(
        workers(), mp_context=context, initializer=_open, initargs=(open_stage,)
    ) as pool:
        yield from pool.map(work, jobs)


_STAGE: list[Stage] = []


def current_stage() -> Stage:
    """The stage of this process."""
    return _STAGE[0]


def _open(open_stage: OpenStage) -> None:
    _STAGE[:] = [open_stage()]


def _run(job: Job) -> tuple[list[Verdict], Reached]:
    stage = current_stage()
    use_case = stage.use_cases[job.use_case]
    verdicts = [stage.runner.run(use_case, point, job.recording) for point in job.points]
    seen = Reached()
    seen.add(stage.reached)
    for counter in (stage.reached.states, stage.reached.transitions, stage.reached.choices):
        counter.clear()
    return verdicts, seen
