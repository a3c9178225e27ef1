"""The steps of `order-fulfilment` that speak to the gateway, and its answers by webhook."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NoReturn, TypeVar

from chalicelib.orders import changes
from chalicelib.orders.changes import Act
from chalicelib.orders.fulfilling import DONE, loss_of, paid_with
from chalicelib.orders.payments import (
    ActionRequired,
    Captured,
    ChargeRequest,
    Declined,
    Expired,
    GatewayUnknown,
    NotFound,
    PaymentGateway,
)
from chalicelib.orders.records import Change, OrderRecord, Payment, Refund
from chalicelib.orders.rules import (
    LOST,
    PAYMENT_WALK,
    TAKEN,
    UNDECIDED,
    OrderStatus,
    PaymentStatus,
    may_become,
)
from chalicelib.orders.service import (
    Contradiction,
    Deps,
    Outcome,
    Superseded,
    Task,
    advance,
    found,
)
from chalicelib.orders.waits import WaitDeps

LOOKUPS_MAX: Final = 5
"""Look-ups of one run before a person is asked."""

Said = Captured | Declined | ActionRequired | Expired | None
"""What the gateway said of a charge; None is that it said nothing."""
Reply = TypeVar("Reply")


@dataclass(frozen=True, slots=True)
class PayingDeps(WaitDeps):
    """What paying needs besides: the gateway."""

    gateway: PaymentGateway


def heard(ask: Callable[[], Reply]) -> Reply | None:
    """The gateway's answer, None if it said nothing."""
    try:
        return ask()
    except GatewayUnknown:
        return None


def charge(task: Task, deps: PayingDeps) -> Outcome:
    """Charge under the payment's own key, unless the charge is decided already."""
    record = found(task.order_id, deps)
    if _is_open(record):
        payment = paid_with(record)
        request = ChargeRequest(
            payment.id, payment.order_id, payment.amount, payment.currency, payment.token
        )
        said = heard(partial(deps.gateway.charge, request))
        outcome = keep_answer(task, said, deps)
    else:
        outcome = known_of(record)
    # The charge was withdrawn: for the workflow that is an end without money like any other.
    return replace(outcome, outcome="declined") if outcome.outcome == "expired" else outcome


def resolve(task: Task, deps: PayingDeps) -> Outcome:
    """Look an uncertain charge up by its key; guess nothing."""
    record = found(task.order_id, deps)
    if not _is_open(record):
        return known_of(record)
    payment = paid_with(record)
    attempts = lookups_of(payment.resolve_run, payment.resolve_attempts, task)
    if attempts >= LOOKUPS_MAX:
        return Outcome("exhausted", None, attempts)
    said = heard(partial(deps.gateway.lookup, payment.order_id, payment.id))
    if isinstance(said, NotFound):
        outcome = Outcome("not_charged")
    else:
        outcome = keep_answer(task, said, deps)
    if outcome.outcome not in {"unknown", "not_charged", "requires_action"}:
        return outcome
    count_lookup(payment, task, attempts + 1, deps)
    return exhausted_or(outcome, attempts + 1)


def lookups_of(run: str | None, attempts: int, task: Task) -> int:
    """How often this run has looked already."""
    return attempts if run == task.execution else 0


def count_lookup(counted: Payment | Refund, task: Task, attempts: int, deps: Deps) -> None:
    """Remember the look-up; if somebody else has counted meanwhile, that count stands."""
    try:
        deps.orders.count_lookup(counted, task.execution, attempts)
    except Superseded:
        return


def exhausted_or(outcome: Outcome, attempts: int) -> Outcome:
    """The outcome with its attempts; uncertain for too long, it is for a person to look."""
    is_over = outcome.outcome == "unknown" and attempts >= LOOKUPS_MAX
    return replace(outcome, outcome="exhausted" if is_over else outcome.outcome, attempts=attempts)


def close_action(task: Task, deps: PayingDeps) -> Outcome:
    """Withdraw a charge that the customer did not confirm in time, or has cancelled."""
    record = found(task.order_id, deps)
    if record.order.status is not OrderStatus.PAYING:
        return DONE
    payment = paid_with(record)
    if payment.status not in UNDECIDED:
        return known_of(record)
    said = heard(partial(deps.gateway.withdraw, payment.order_id, payment.id))
    return keep_answer(task, said, deps)


def _is_open(record: OrderRecord) -> bool:
    """Whether the gateway must be asked: nothing is known, and nobody else is to decide."""
    if record.order.status is not OrderStatus.PAYING:
        return False
    return paid_with(record).status in {PaymentStatus.CREATED, PaymentStatus.UNKNOWN}


def known_of(record: OrderRecord) -> Outcome:
    """The outcome as far as the record tells it."""
    if record.order.status is not OrderStatus.PAYING:
        return DONE
    payment = paid_with(record)
    match payment.status:
        case PaymentStatus.CAPTURED | PaymentStatus.PARTLY_REFUNDED | PaymentStatus.REFUNDED:
            return Outcome("captured")
        case PaymentStatus.DECLINED:
            return Outcome("declined", loss_of(payment).value)
        case PaymentStatus.EXPIRED:
            return Outcome("expired", loss_of(payment).value)
        case PaymentStatus.REQUIRES_ACTION:
            return Outcome("requires_action")
        case PaymentStatus.CREATED | PaymentStatus.UNKNOWN:
            return Outcome("unknown")


def keep_answer(task: Task, said: Said, deps: Deps) -> Outcome:
    """Record what the gateway said (T15) and tell where the payment stands then."""
    act = deps.act(task.asker)

    def decide(record: OrderRecord) -> Change | Outcome:
        return answer_change(record, said, act) or known_of(record)

    return advance(found(task.order_id, deps), decide, deps)


def answer_change(record: OrderRecord, said: Said, act: Act) -> Change | None:
    """The change that an answer of the gateway makes; None if it is so already.

    Contradiction if it cannot be true beside what is known.
    """
    payment = record.payment
    if payment is None:
        _contradict(record, "an answer without a payment")
    _check_against(record, payment, said)
    target = _status_of(said)
    if payment.status not in UNDECIDED or payment.status is target:
        return None
    if not may_become(PAYMENT_WALK, payment.status, target):
        # A charge that we never heard of and that is withdrawn: uncertain first.
        return changes.answered(record, payment, None, act)
    return changes.answered(record, payment, said, act)


def _status_of(said: Said) -> PaymentStatus:
    match said:
        case Captured():
            return PaymentStatus.CAPTURED
        case Declined():
            return PaymentStatus.DECLINED
        case ActionRequired():
            return PaymentStatus.REQUIRES_ACTION
        case Expired():
            return PaymentStatus.EXPIRED
        case None:
            return PaymentStatus.UNKNOWN


def _check_against(record: OrderRecord, payment: Payment, said: Said) -> None:
    match said:
        case Captured(charge_id, amount, currency):
            if (amount, currency) != (payment.amount, payment.currency):
                _contradict(record, "another amount or currency is captured")
            if payment.status in LOST:
                _contradict(record, f"a {payment.status} payment is captured")
            if payment.charge_id not in {None, charge_id}:
                _contradict(record, "a second charge is captured")
        case Declined() | Expired():
            if payment.status in TAKEN:
                _contradict(record, f"a {payment.status} payment is said to be none")
        case _:
            return


def _contradict(record: OrderRecord, what: str) -> NoReturn:
    raise Contradiction(f"{record.order.id}: {what}")
