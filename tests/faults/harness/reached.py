"""Which states and transitions a series of runs has reached: rare ones must be shown to occur."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.faults.harness.clients import ClientSession
from tests.faults.harness.invariants import WALK, order_steps
from tests.faults.harness.rows import read_books
from tests.faults.harness.world import World

STATES = frozenset({state for pair in WALK for state in pair})
TRANSITIONS = frozenset(f"{before}>{after}" for before, after in WALK)


@dataclass(slots=True)
class Reached:
    """Counts over many runs; adds up over processes."""

    states: Counter[str] = field(default_factory=Counter)
    transitions: Counter[str] = field(default_factory=Counter)
    choices: Counter[str] = field(default_factory=Counter)

    def look(self, world: World, _session: ClientSession) -> list[str]:
        """A checker that finds nothing wrong and counts what there is."""
        for table in world.stack.tables:
            books = read_books(world.substrate.rows(table))
            for order_id in books.orders:
                for before, after in order_steps(books.events[f"ORDER#{order_id}"]):
                    self.states[after] += 1
                    if before is not None and before != after:
                        self.transitions[f"{before}>{after}"] += 1
        for execution in world.workflows.executions.values():
            for edge in execution.edges:
                self.choices[f"{execution.machine} {edge}"] += 1
        return []

    def add(self, other: Reached) -> None:
        """Sum up with another process."""
        self.states += other.states
        self.transitions += other.transitions
        self.choices += other.choices
