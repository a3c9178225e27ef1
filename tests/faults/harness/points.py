"""Points: one fault at one call or delivery of one use case, each run from the same state."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from tests.faults.harness.calls import ZOMBIES, Call, Kind
from tests.faults.harness.clients import ClientModel, ClientSession, replays_differ
from tests.faults.harness.disturbances import Delivery, DeliveryFault, DeliveryKind
from tests.faults.harness.fault_plan import FaultPlan
from tests.faults.harness.world import Snapshot, World

_AFTER_EFFECT = frozenset({Kind.LOST, Kind.LOST_ONCE, Kind.CRASH_AFTER}) | ZOMBIES


class UseCase(Protocol):
    """What a file of `use_cases/` provides."""

    @property
    def name(self) -> str:
        """How points name it."""

    def set_up(self, world: World) -> None:
        """Prepare the rows this use case starts from; not faulted."""

    def play(self, session: ClientSession) -> None:
        """The client's steps."""

    def expected(self, session: ClientSession) -> list[str]:
        """What must hold at quiescence beyond the invariants (violations as text)."""


Checker = Callable[[World, ClientSession], list[str]]


@dataclass(frozen=True, slots=True)
class Point:
    """The name of one experiment."""

    use_case: str
    client: ClientModel
    at: int
    kind: str
    call: str = ""
    is_mutating: bool = False
    operation: str = ""

    @property
    def is_delivery(self) -> bool:
        """Whether a delivery is disturbed, not a call."""
        return self.kind in set(DeliveryKind)

    @property
    def replay(self) -> str:
        """How to run this point alone."""
        return f"{self.use_case}:{self.client.value}:{self.at}:{self.kind}"


@dataclass(slots=True)
class Verdict:
    """What came of one point."""

    point: Point
    violations: list[str] = field(default_factory=list)
    drift: str = ""
    fired: bool = True

    @property
    def survived(self) -> bool:
        """Only a fault that fired where it was planned, and broke nothing, was survived."""
        return self.fired and not self.drift and not self.violations


@dataclass(slots=True)
class Recording:
    """A clean run: the calls and deliveries to disturb."""

    calls: list[Call]
    deliveries: list[Delivery]
    violations: list[str]


class PointRunner:
    """Runs use cases of one world, clean or disturbed."""

    def __init__(
        self,
        world: World,
        session: Callable[[World, ClientModel], ClientSession],
        checkers: tuple[Checker, ...],
    ) -> None:
        self.world = world
        self._session = session
        self.checkers = checkers
        self._snapshots: dict[str, Snapshot] = {}
        self.base: Snapshot | None = None
        self.seed = 0

    def prepare(self, use_case: UseCase) -> Snapshot:
        """The state a use case starts from; made once."""
        if use_case.name not in self._snapshots:
            if self.base is not None:
                self.world.begin(self.base)
            use_case.set_up(self.world)
            self._snapshots[use_case.name] = self.world.snapshot()
        return self._snapshots[use_case.name]

    def forget(self) -> None:
        """Set the use cases up anew, as after a change of the code under test."""
        self._snapshots.clear()

    def discover(self, use_case: UseCase, client: ClientModel = ClientModel.RETRIES) -> Recording:
        """Run without a fault and record what there is to disturb."""
        violations = self._play(use_case, client, FaultPlan(), None)
        return Recording(
            list(self.world.injector.calls), list(self.world.deliveries.log.deliveries), violations
        )

    def run(self, use_case: UseCase, point: Point, recording: Recording) -> Verdict:
        """Run one point in all its variants."""
        if point.is_delivery:
            fault = DeliveryFault(point.at, DeliveryKind(point.kind))
            found = self._play(use_case, point.client, FaultPlan(), fault)
            return Verdict(point, found, fired=self.world.deliveries.log.fired)
        verdict = Verdict(point)
        kind = Kind(point.kind)
        for tokens, after_retry in variants(kind, recording.calls[point.at - 1]):
            self.world.runtime.wakes_after_retry = after_retry
            plan = FaultPlan({point.at: kind}, tokens_honoured=tokens)
            found = self._play(use_case, point.client, plan, None)
            mode = "" if tokens else "[token forgotten] "
            verdict.violations += [mode + text for text in found]
            verdict.fired &= point.at in self.world.injector.fired
            verdict.drift = verdict.drift or self._drift(point.at, recording)
        return verdict

    def run_pair(
        self, use_case: UseCase, first: Point, second: tuple[int, Kind], recording: Recording
    ) -> Verdict:
        """Two faults in one run; the second may lie beyond what is reached."""
        plan = FaultPlan({first.at: Kind(first.kind), second[0]: second[1]})
        found = self._play(use_case, first.client, plan, None)
        named = replace(first, kind=f"{first.kind}+{second[0]}:{second[1].value}")
        fired = first.at in self.world.injector.fired
        return Verdict(named, found, self._drift(first.at, recording), fired)

    def _play(
        self,
        use_case: UseCase,
        client: ClientModel,
        plan: FaultPlan,
        delivery: DeliveryFault | None,
    ) -> list[str]:
        world = self.world
        world.begin(self.prepare(use_case), plan, delivery)
        world.seed(self.seed)
        session = self._session(world, client)
        try:
            use_case.play(session)
            world.settle()
        except Exception:  # noqa: BLE001 - a harness or use case fault must not pass as survived
            world.runtime.abandon()
            return ["driver: " + traceback.format_exc(limit=-4)]
        found = list(world.deliveries.log.violations)
        found += replays_differ(session.history)
        if client in {ClientModel.RETRIES, ClientModel.NEW_KEY}:
            found += _unanswered(session)
        for check in self.checkers:
            found += check(world, session)
        return found + use_case.expected(session)

    def timeline(self) -> str:
        """The calls, deliveries and invocations of the last run."""
        injector = self.world.injector
        lines = [
            f"{'*' if call.index in injector.fired else ' '} {call}  ({call.trigger})"
            for call in injector.calls
        ]
        lines += [str(delivery) for delivery in self.world.deliveries.log.deliveries]
        lines += [f"{name}: {ending.value}" for name, ending in self.world.runtime.invocations]
        for execution in self.world.workflows.executions.values():
            lines.append(f"{execution.name} {execution.status}: {' '.join(execution.visited)}")
        return "\n".join(lines)

    def _drift(self, before: int, recording: Recording) -> str:
        planned = [call.identity for call in recording.calls[: before - 1]]
        seen = [call.identity for call in self.world.injector.calls[: before - 1]]
        for position, (wanted, found) in enumerate(zip(planned, seen, strict=False), start=1):
            if wanted != found:
                return f"call {position} was {' '.join(found)}, recorded {' '.join(wanted)}"
        return ""


def _unanswered(session: ClientSession) -> list[str]:
    """A client that keeps asking must get an answer once the fault is over."""
    last = session.history[-1:] or []
    return [
        f"I17 {e.request.method} {e.request.path}: never answered ({e.reply.status})"
        for e in last
        if not e.reply.is_final
    ]


def variants(kind: Kind, call: Call) -> Iterator[tuple[bool, bool]]:
    """(request tokens honoured, frozen invocations wake after their retry) to be tried."""
    tokens = (True, False) if call.is_transactional and kind in _AFTER_EFFECT else (True,)
    wakes = (True, False) if kind in ZOMBIES else (True,)
    for honoured in tokens:
        for after_retry in wakes:
            yield honoured, after_retry


def single_points(use_case: str, client: ClientModel, recording: Recording) -> Iterator[Point]:
    """Every (call, kind) of a recording; other clients than the default only in the request."""
    written = False
    for call in recording.calls:
        if client is ClientModel.RETRIES or call.in_request:
            for kind in call.kinds():
                # An image one write behind differs from the present only after a write.
                if kind is Kind.STALE and not written:
                    continue
                yield Point(
                    use_case,
                    client,
                    call.index,
                    kind.value,
                    str(call),
                    call.is_mutating,
                    call.operation,
                )
        written |= call.is_mutating and call.service == "dynamodb"


def delivery_points(use_case: str, recording: Recording) -> Iterator[Point]:
    """Every (delivery, disturbance) of a recording."""
    for delivery in recording.deliveries:
        for kind in delivery.kinds():
            yield Point(
                use_case,
                ClientModel.RETRIES,
                delivery.index,
                kind.value,
                str(delivery),
                operation=delivery.source.split(":", 1)[0],
            )
