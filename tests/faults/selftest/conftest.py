"""A small world with a table, queues, a bus and handlers that are plain functions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness.fault_plan import FaultPlan
from tests.faults.harness.stack import read_stack
from tests.faults.harness.substrate import ACCOUNT, REGION
from tests.faults.harness.template import Mapping
from tests.faults.harness.world import Snapshot, World

TEMPLATE = Path(__file__).parent / "toy" / "resources.yaml"
TABLE, QUEUE, DEAD = "toy-toy-core", "toy-toy-orders", "toy-toy-orders-dlq"


@dataclass(slots=True)
class Lab:
    """One world, and what its handlers have seen."""

    world: World
    blank: Snapshot
    seen: list[Any] = field(default_factory=list)

    def begin(self, plan: FaultPlan | None = None) -> None:
        """Start from nothing."""
        self.seen.clear()
        self.world.begin(self.blank, plan)

    def handler(self, name: str, work: Callable[[Any], Any]) -> None:
        """Register a function that notes its event before it works."""

        def handle(event: Any, _context: object) -> Any:
            self.seen.append(event)
            return work(event)

        self.world.runtime.handlers[name] = handle

    def map(self, *mappings: Mapping) -> None:
        """Replace the event sources."""
        self.world.stack.mappings[:] = mappings

    def bodies(self) -> list[list[str]]:
        """The bodies of every queue batch seen so far."""
        return [[record["body"] for record in event["Records"]] for event in self.seen]


@pytest.fixture(scope="module")
def _lab() -> Iterator[Lab]:
    stack, _resolver = read_stack(TEMPLATE, {"Stage": "toy"}, region=REGION, account=ACCOUNT)
    world = World(stack, packages=("nothing",))
    world.start()
    yield Lab(world, world.snapshot())
    world.stop()


@pytest.fixture
def lab(_lab: Lab) -> Lab:
    """A blank world."""
    _lab.world.runtime.handlers.clear()
    _lab.world.workflows.machines.clear()
    _lab.map()
    _lab.begin()
    return _lab
