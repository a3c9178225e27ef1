"""What the sweeper does for orders and refunds that have not moved on in time.

It looks whether a run still goes on and then leaves it alone. Otherwise it starts the workflow
again, which resumes where the order stands; after five looks in vain a person is asked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol, TypeVar

from chalicelib.kernel.clock import Clock, instant, later
from chalicelib.kernel.errors import Unavailable
from chalicelib.orders.changes import LOOK_AGAIN_S
from chalicelib.orders.records import Order, Refund, Watch
from chalicelib.orders.service import OrderStore, Superseded
from chalicelib.orders.signalling import FULFILMENT, REFUND, fulfilment_input, refund_input

LOOKS_MAX: Final = 5
STUCK: Final = "stuck"
_RUN_STAMP: Final = "%Y%m%d%H%M"

Ids = TypeVar("Ids")


class Deadlines(Protocol):
    """Records by the time at which the sweeper looks at them."""

    def orders(self, now: str) -> Sequence[str]:
        """Ids of orders that are due."""
        ...

    def refunds(self, now: str) -> Sequence[tuple[str, str]]:
        """Order and refund ids of refunds that are due."""
        ...

    def move_order(self, order: Order, watch: Watch) -> None:
        """Set the next look; Superseded if the deadline is no longer the one read."""
        ...

    def move_refund(self, refund: Refund, watch: Watch) -> None:
        """Set the next look; Superseded if the deadline is no longer the one read."""
        ...


class SweptRuns(Protocol):
    """The order workflows."""

    def start(self, workflow: str, name: str, given: dict[str, str]) -> bool:
        """Start a run; False if one of that name was started before."""
        ...

    def is_running(self, workflow: str, name: str) -> bool | None:
        """Whether the run still goes on; None if there is none."""
        ...


class DeadEnd(Protocol):
    """Where runs go that nobody can bring to an end."""

    def park(self, workflow: str, given: Mapping[str, str], cause: str) -> None:
        """Put a person before it."""
        ...


@dataclass(frozen=True, slots=True)
class SweepDeps:
    """What sweeping needs."""

    orders: OrderStore
    deadlines: Deadlines
    runs: SweptRuns
    dead_end: DeadEnd
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Case:
    """A record that is due: its workflow, what that is given, and how its next look is set."""

    workflow: str
    name: str
    given: dict[str, str]
    watch: Watch
    executions: frozenset[str]
    move: Callable[[Watch], None]


def sweep_orders(deps: SweepDeps) -> None:
    """Look at every order that is due."""
    now = instant(deps.clock.now())
    _each(deps.deadlines.orders(now), lambda order_id: _order_case(order_id, deps), deps)


def sweep_refunds(deps: SweepDeps) -> None:
    """Look at every refund that is due."""
    now = instant(deps.clock.now())
    _each(deps.deadlines.refunds(now), lambda ids: _refund_case(*ids, deps), deps)


def _each(ids: Iterable[Ids], case_of: Callable[[Ids], _Case | None], deps: SweepDeps) -> None:
    failed: list[Unavailable] = []
    for one in ids:
        try:
            _look(case_of(one), deps)
        except Unavailable as error:
            failed.append(error)
    if failed:
        # The others have been looked at; these are still due in the next minute.
        raise Unavailable(f"{len(failed)} records could not be swept") from failed[0]


def _order_case(order_id: str, deps: SweepDeps) -> _Case | None:
    record = deps.orders.load(order_id)
    if record is None:
        return None
    order = record.order
    tokens = (deps.orders.token(order_id, "review"), deps.orders.token(order_id, "action"))
    waiting = {token.execution for token in tokens if token is not None}
    return _Case(
        FULFILMENT,
        order.id,
        fulfilment_input(order.id, order.correlation_id),
        order.watch,
        frozenset(waiting),
        lambda watch: deps.deadlines.move_order(order, watch),
    )


def _refund_case(order_id: str, refund_id: str, deps: SweepDeps) -> _Case | None:
    record = deps.orders.load(order_id)
    refund = record.refund(refund_id) if record else None
    if record is None or refund is None:
        return None
    return _Case(
        REFUND,
        refund.id,
        refund_input(order_id, refund.id, record.order.correlation_id),
        refund.watch,
        frozenset(),
        lambda watch: deps.deadlines.move_refund(refund, watch),
    )


def _look(case: _Case | None, deps: SweepDeps) -> None:
    now = deps.clock.now()
    if case is None or case.watch.due_at is None or case.watch.due_at > instant(now):
        # The index lags behind the record.
        return
    try:
        _deal_with(case, now, deps)
    except Superseded:
        # It has moved on just now.
        return


def _deal_with(case: _Case, now: datetime, deps: SweepDeps) -> None:
    again_at = instant(later(now, LOOK_AGAIN_S))
    first = deps.runs.is_running(case.workflow, case.name)
    others = case.executions | ({case.watch.run} if case.watch.run else set())
    if first or any(deps.runs.is_running(case.workflow, name) for name in others - {case.name}):
        case.move(replace(case.watch, due_at=again_at))
        return
    if case.watch.looks >= LOOKS_MAX:
        # Parked first: a crash in between parks it twice, the other order would lose it.
        deps.dead_end.park(case.workflow, case.given, STUCK)
        case.move(replace(case.watch, due_at=None))
        return
    name = case.name if first is None else f"{case.name}-{now:{_RUN_STAMP}}"
    # Counted first: a crash in between wastes a look, the other order could start for ever.
    case.move(Watch(again_at, case.watch.looks + 1, name))
    deps.runs.start(case.workflow, name, case.given)
