"""The front door of orders: its ports, what use cases are given, and how a change is carried out.

Every use case is a function from the record as it stands to either a `Change` or an answer.
`advance` applies it until it answers: after its own change it is asked again with the new
record, after somebody else's with the record read afresh. So a repeated message, a lost reply
and a race all end where the record itself says they should.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeVar

from chalicelib.kernel.clock import Clock, instant
from chalicelib.kernel.domain_events import Actor, Cause
from chalicelib.kernel.errors import NotFound, Unavailable
from chalicelib.kernel.ids import Ids
from chalicelib.orders.changes import Act
from chalicelib.orders.records import (
    Change,
    Order,
    OrderRecord,
    Payment,
    Refund,
    Wait,
    WaitToken,
    Watch,
)
from chalicelib.orders.rules import Terms

ADVANCE_TRIES: Final = 8

Answer = TypeVar("Answer")


class OutOfStock(Exception):
    """Too few of these variants are left; nothing was reserved."""

    def __init__(self, variant_ids: Sequence[str]) -> None:
        self.variant_ids = tuple(variant_ids)
        super().__init__(", ".join(variant_ids))


class Superseded(Exception):
    """The record is no longer what the change was made from; read it again."""


class StockDisagrees(Exception):
    """The stock ledger and the order contradict each other: a person must look."""


class Contradiction(Exception):
    """The gateway says what cannot be, such as a capture for an expired payment."""


class OrderMissing(Exception):
    """A workflow or message names an order, payment or refund that is not there."""


class Contended(Unavailable):
    """Others kept changing the order through all tries."""


class OrderStore(Protocol):
    """Orders with their payments and refunds; every write is one conditional transaction."""

    def load(self, order_id: str) -> OrderRecord | None:
        """The record as last written, or None."""
        ...

    def commit(self, change: Change) -> None:
        """Apply a change with its event.

        Superseded if the record has moved on; OutOfStock if only stock was missing;
        StockDisagrees if stock that must be there is not; AlreadyAnswered if the change's
        idempotency key has its effect already. A lost reply of this very call is a success.
        """
        ...

    def note_shortage(self, order: Order, variant_ids: Sequence[str]) -> None:
        """Remember which variants were missing; Superseded if the order has moved on."""
        ...

    def count_lookup(self, counted: Payment | Refund, run: str, attempts: int) -> None:
        """Remember how often a run has looked a payment or refund up."""
        ...

    def finish_refund(self, refund: Refund) -> None:
        """Take a settled refund off the sweeper's list."""
        ...

    def keep_token(self, order: Order, token: WaitToken, watch: Watch) -> None:
        """Keep the token of a waiting workflow unless a later one is kept or the order moved."""
        ...

    def token(self, order_id: str, wait: Wait) -> WaitToken | None:
        """The token last kept, or None."""
        ...


class Runs(Protocol):
    """The order workflows of this stage."""

    def resume(self, token: str, outcome: "Outcome") -> bool:
        """Answer a waiting run; False if nobody waits for this token any more."""
        ...


class Asker(NamedTuple):
    """Who asks for a change, and the chain of calls it belongs to."""

    actor: Actor
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Deps:
    """What every use case needs."""

    orders: OrderStore
    clock: Clock
    ids: Ids
    terms: Terms

    def act(self, asker: Asker) -> Act:
        """A change that is made now."""
        cause = Cause(instant(self.clock.now()), asker.actor, asker.correlation_id)
        return Act(cause, self.terms)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a workflow step answers: a business fact, never a fault."""

    outcome: str
    reason: str | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """What a workflow asks of a step."""

    order_id: str
    execution: str
    asker: Asker
    refund_id: str = ""
    reason: str | None = None
    token: str = ""
    entered_at: str = ""
    retry_count: int = 0

    def waiting(self, wait: Wait) -> WaitToken:
        """The token with which the workflow waits for the answer."""
        return WaitToken(wait, self.token, self.execution, self.entered_at, self.retry_count)


def found(order_id: str, deps: Deps) -> OrderRecord:
    """The record that a workflow or message names; OrderMissing is a fault."""
    record = deps.orders.load(order_id)
    if record is None:
        raise OrderMissing(order_id)
    return record


def asked_for(order_id: str, deps: Deps, owner: str | None = None) -> OrderRecord:
    """The record that a caller asks for; NotFound also for somebody else's order."""
    record = deps.orders.load(order_id)
    if record is None or (owner is not None and record.order.user_id != owner):
        raise NotFound
    return record


def advance(
    record: OrderRecord, decide: Callable[[OrderRecord], Change | Answer], deps: Deps
) -> Answer:
    """Ask `decide` and carry its change out, until it answers; Contended after all tries."""
    for _ in range(ADVANCE_TRIES):
        decided = decide(record)
        if not isinstance(decided, Change):
            return decided
        try:
            deps.orders.commit(decided)
        except Superseded:
            record = found(record.order.id, deps)
        else:
            record = decided.after
    raise Contended
