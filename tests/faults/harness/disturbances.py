"""What may go wrong with one delivery, and the record of all deliveries of a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

DELIVERIES_MAX = 40


class DeliveryKind(StrEnum):
    """The ways in which one delivery may go wrong."""

    DUPLICATE = "duplicate"
    REORDER = "reorder"
    DELAY = "delay"
    SPLIT = "split"
    POISON = "poison"
    DELETE_LOST = "delete_lost"
    TICK = "tick"


@dataclass(frozen=True, slots=True)
class DeliveryFault:
    """Disturb the `at`-th delivery of a run."""

    at: int
    kind: DeliveryKind


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery as the discovery run saw it."""

    index: int
    source: str
    function: str
    size: int

    def kinds(self) -> tuple[DeliveryKind, ...]:
        """The disturbances that make sense for this source."""
        source = self.source.split(":", 1)[0]
        if source == "queue":
            return tuple(kind for kind in DeliveryKind if kind is not DeliveryKind.TICK)
        if source == "stream":
            return DeliveryKind.DUPLICATE, DeliveryKind.SPLIT, DeliveryKind.DELAY
        if source == "schedule":
            return DeliveryKind.TICK, DeliveryKind.DUPLICATE
        return DeliveryKind.DUPLICATE, DeliveryKind.DELAY

    def __str__(self) -> str:
        return f"{self.index:02d} {self.source} -> {self.function} ({self.size})"


@dataclass(slots=True)
class DeliveryLog:
    """The deliveries of one run, the planned disturbance, and what came of them."""

    fault: DeliveryFault | None = None
    fired: bool = False
    deliveries: list[Delivery] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)
    dead: list[tuple[str, str]] = field(default_factory=list)
    poison: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    def planned(self) -> DeliveryKind | None:
        """The disturbance of the delivery that is about to happen."""
        if self.fault is not None and self.fault.at == len(self.deliveries) + 1:
            return self.fault.kind
        return None

    def note(self, source: str, function: str, size: int) -> DeliveryKind | None:
        """Count one delivery; returns how it is to be disturbed."""
        kind = self.planned()
        self.fired |= kind is not None
        self.deliveries.append(Delivery(len(self.deliveries) + 1, source, function, size))
        return kind

    def count_try(self, identity: str) -> None:
        """No message may come again without end."""
        self.tries[identity] += 1
        if self.tries[identity] == DELIVERIES_MAX:
            self.violations.append(f"I17 {identity} delivered {DELIVERIES_MAX} times")
