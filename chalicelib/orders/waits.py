"""Waiting for people: a workflow leaves its token, and whoever sees the answer sends it on.

The token is kept first and the order read again afterwards. So either the answer finds the
token, or the step finds the answer; a missing, used or expired token means that nobody waits.
"""

from dataclasses import dataclass
from typing import Final

from chalicelib.orders import changes
from chalicelib.orders.changes import Act
from chalicelib.orders.fulfilling import DONE, loss_of, paid_with
from chalicelib.orders.records import OrderRecord, Wait, WaitToken
from chalicelib.orders.rules import (
    FailureReason,
    OrderStatus,
    PaymentStatus,
    ReservationStatus,
)
from chalicelib.orders.service import Contended, Deps, Outcome, Runs, Superseded, Task, found

WAITING: Final = Outcome("waiting")
"""What a token step answers its caller; the workflow goes on by the token alone."""


@dataclass(frozen=True, slots=True)
class WaitDeps(Deps):
    """What waiting needs besides: the workflows to answer."""

    runs: Runs


def hold(task: Task, deps: WaitDeps) -> Outcome:
    """Put a large order before a person and wait for the decision (T13)."""
    act = deps.act(task.asker)
    token = task.waiting("review")
    if not _is_held(found(task.order_id, deps), token, act, deps):
        record = found(task.order_id, deps)
        if record.order.status is OrderStatus.RESERVED:
            raise Contended
        _keep(record, token, act, deps)
    return _answered_or_waiting(task.order_id, token, deps)


def _is_held(record: OrderRecord, token: WaitToken, act: Act, deps: Deps) -> bool:
    """Whether order and token were put on hold together by this very call."""
    if record.order.status is not OrderStatus.RESERVED:
        return False
    try:
        deps.orders.commit(changes.hold(record, act).joined_by(token=token))
    except Superseded:
        return False
    return True


def await_action(task: Task, deps: WaitDeps) -> Outcome:
    """Wait until the customer has confirmed the payment with the gateway."""
    token = task.waiting("action")
    _keep(found(task.order_id, deps), token, deps.act(task.asker), deps)
    return _answered_or_waiting(task.order_id, token, deps)


def _keep(record: OrderRecord, token: WaitToken, act: Act, deps: Deps) -> None:
    """An older token, or one for an order that has moved, need not be kept."""
    order = record.order
    if order.reservation is not ReservationStatus.HELD:
        return
    try:
        deps.orders.keep_token(order, token, changes.watch_of(order, act))
    except Superseded:
        return


def _answered_or_waiting(order_id: str, token: WaitToken, deps: WaitDeps) -> Outcome:
    outcome = answer_to(token.wait, found(order_id, deps))
    if outcome is not None:
        deps.runs.resume(token.token, outcome)
    return outcome or WAITING


def pass_on(order_id: str, wait: Wait, deps: WaitDeps) -> bool:
    """Send the answer to the workflow that waits for it; False if nobody does."""
    token = deps.orders.token(order_id, wait)
    if token is None:
        return False
    outcome = answer_to(wait, found(order_id, deps))
    return outcome is not None and deps.runs.resume(token.token, outcome)


def answer_to(wait: Wait, record: OrderRecord) -> Outcome | None:
    """The answer as far as the order tells it; None while it is still open."""
    return _review_answer(record) if wait == "review" else _action_answer(record)


def _review_answer(record: OrderRecord) -> Outcome | None:
    order = record.order
    if order.status is not OrderStatus.REVIEW:
        return DONE
    if order.review is None:
        return None
    if order.review.decision == "approve":
        return Outcome("approve")
    return Outcome("reject", FailureReason.REVIEW_REJECTED.value)


def _action_answer(record: OrderRecord) -> Outcome | None:
    order = record.order
    if order.status is not OrderStatus.PAYING:
        return DONE
    payment = paid_with(record)
    match payment.status:
        case PaymentStatus.REQUIRES_ACTION:
            return Outcome("close") if order.cancel_requested else None
        case PaymentStatus.CAPTURED:
            return Outcome("captured")
        case PaymentStatus.DECLINED:
            return Outcome("declined", loss_of(payment).value)
        case _:
            # Expired, or uncertain again: closing the charge finds out what is true.
            return Outcome("close")
