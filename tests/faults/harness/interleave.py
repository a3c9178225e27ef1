"""Runs handlers truly side by side, their calls ordered by a plan."""

from __future__ import annotations

import itertools
import math
import random
import threading
from collections.abc import Callable, Iterator, Mapping

from tests.faults.harness.fault_plan import Crash
from tests.faults.harness.world import World

PATIENCE_S = 10.0
EXHAUSTIVE_MAX = 5_000
RUNNER_IDS = "ab"

Plan = str


class Baton:
    """Hands the right to make the next call to the handler that the plan names."""

    def __init__(self, plan: Plan, runners: str) -> None:
        self._plan = iter(plan)
        self._alive = set(runners)
        self._waiting: set[str] = set()
        self._gates = {name: threading.Semaphore(0) for name in runners}
        self._lock = threading.Lock()
        self._me = threading.local()
        self.order: list[str] = []
        self.missed = False

    def join(self, name: str) -> None:
        """This thread runs the handler `name`."""
        self._me.name = name

    def turn(self) -> None:
        """Wait for the baton; called before every logical call."""
        name = getattr(self._me, "name", None)
        if name is None:
            return
        with self._lock:
            self._waiting.add(name)
            self._hand_on()
        if not self._gates[name].acquire(timeout=PATIENCE_S):
            self.missed = True
            raise RuntimeError(f"handler {name} missed its baton")

    def leave(self, name: str) -> None:
        """The handler has ended."""
        with self._lock:
            self._alive.discard(name)
            self._hand_on()

    def _hand_on(self) -> None:
        """When everybody alive waits, the plan decides who goes."""
        if not self._waiting or self._waiting < self._alive:
            return
        chosen = next((name for name in self._plan if name in self._waiting), min(self._waiting))
        self._waiting.discard(chosen)
        self.order.append(chosen)
        self._gates[chosen].release()


def run_together(world: World, plan: Plan, works: Mapping[str, Callable[[], object]]) -> str:
    """Run `works` at once under a plan; returns the order of calls that came about."""
    baton = Baton(plan, "".join(sorted(works)))
    failures: list[BaseException] = []

    def run(name: str, work: Callable[[], object]) -> None:
        baton.join(name)
        try:
            work()
        except (Exception, Crash) as error:  # noqa: BLE001 - reported below
            failures.append(error)
        finally:
            baton.leave(name)

    threads = [
        threading.Thread(target=run, args=pair, daemon=True) for pair in sorted(works.items())
    ]
    world.injector.turn = baton.turn
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S * 3)
    finally:
        world.injector.turn = None
    if baton.missed or any(thread.is_alive() for thread in threads):
        raise RuntimeError(f"plan {plan} stalled")
    if failures:
        raise failures[0]
    return "".join(baton.order)


def plans(first: int, second: int, *, count_max: int, seed: int) -> Iterator[Plan]:
    """Orders of two handlers' calls: all when few, else two context switches plus random ones."""
    total = math.comb(first + second, second)
    if total <= min(EXHAUSTIVE_MAX, count_max):
        for places in itertools.combinations(range(first + second), second):
            chosen = set(places)
            yield "".join("b" if i in chosen else "a" for i in range(first + second))
        return
    seen: set[Plan] = set()
    few = list(_few_switches(first, second))
    random.Random(seed).shuffle(few)
    for plan in itertools.chain(_whole(first, second), few, _random(first, second, seed)):
        if plan not in seen:
            seen.add(plan)
            yield plan
        if len(seen) >= count_max:
            return


def _whole(first: int, second: int) -> Iterator[Plan]:
    """One side stops somewhere and the other one runs from its start to its end."""
    for before in range(first + 1):
        yield "a" * before + "b" * second + "a" * (first - before)
    for before in range(second + 1):
        yield "b" * before + "a" * first + "b" * (second - before)


def _few_switches(first: int, second: int) -> Iterator[Plan]:
    """At most two context switches in the middle of either side."""
    for lead, lead_calls, other, other_calls in (
        ("a", first, "b", second),
        ("b", second, "a", first),
    ):
        for before in range(lead_calls + 1):
            for middle in range(1, other_calls + 1):
                rest = other * (other_calls - middle)
                yield lead * before + other * middle + lead * (lead_calls - before) + rest


def _random(first: int, second: int, seed: int) -> Iterator[Plan]:
    draws = random.Random(seed)
    calls = list("a" * first + "b" * second)
    while True:
        draws.shuffle(calls)
        yield "".join(calls)
