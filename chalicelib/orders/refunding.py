"""The steps of `order-refund`: ask the gateway, look up what it did not say, finish."""

from functools import partial
from typing import NoReturn

from chalicelib.orders import refund_changes
from chalicelib.orders.changes import Act
from chalicelib.orders.fulfilling import DONE, paid_with
from chalicelib.orders.paying import (
    LOOKUPS_MAX,
    PayingDeps,
    count_lookup,
    exhausted_or,
    heard,
    lookups_of,
)
from chalicelib.orders.payments import NotFound, RefundRequest, Rejected, Settled
from chalicelib.orders.records import Change, OrderRecord, Refund
from chalicelib.orders.rules import OPEN_REFUNDS, OrderStatus, RefundStatus
from chalicelib.orders.service import (
    Contradiction,
    Deps,
    OrderMissing,
    Outcome,
    Task,
    advance,
    found,
)


def refund(task: Task, deps: PayingDeps) -> Outcome:
    """Ask the gateway for the money back, under the refund's own key (T22)."""
    record = found(task.order_id, deps)
    asked = refund_of(record, task.refund_id)
    if asked.status not in OPEN_REFUNDS:
        return _known(asked)
    request = RefundRequest(asked.id, asked.payment_id, asked.order_id, asked.amount)
    said = heard(partial(deps.gateway.refund, request))
    return keep_refund_answer(task, said, deps)


def resolve_refund(task: Task, deps: PayingDeps) -> Outcome:
    """Look an uncertain refund up by its key; guess nothing."""
    asked = refund_of(found(task.order_id, deps), task.refund_id)
    if asked.status not in OPEN_REFUNDS:
        return _known(asked)
    attempts = lookups_of(asked.resolve_run, asked.resolve_attempts, task)
    if attempts >= LOOKUPS_MAX:
        return Outcome("exhausted", None, attempts)
    said = heard(partial(deps.gateway.lookup_refund, asked.order_id, asked.id))
    if isinstance(said, NotFound):
        outcome = Outcome("not_refunded")
    else:
        outcome = keep_refund_answer(task, said, deps)
    if outcome.outcome not in {"unknown", "not_refunded"}:
        return outcome
    count_lookup(asked, task, attempts + 1, deps)
    return exhausted_or(outcome, attempts + 1)


def finish_refund(task: Task, deps: Deps) -> Outcome:
    """Close what the refund has ended, and take it off the sweeper's list (T23)."""
    act = deps.act(task.asker)

    def decide(record: OrderRecord) -> Change | Refund:
        settled = refund_of(record, task.refund_id)
        if settled.status in OPEN_REFUNDS:
            raise Contradiction(f"{settled.id} is finished before it is settled")
        return _finish_change(record, settled, act) or settled

    settled = advance(found(task.order_id, deps), decide, deps)
    if settled.watch.due_at is not None:
        deps.orders.finish_refund(settled)
    return DONE


def _finish_change(record: OrderRecord, settled: Refund, act: Act) -> Change | None:
    if settled.status is not RefundStatus.SETTLED:
        return None
    status = record.order.status
    if settled.kind == "cancel":
        is_waiting = status is OrderStatus.CANCELLING and record.order.refund_id == settled.id
        return refund_changes.finish_cancel(record, settled, act) if is_waiting else None
    payment = paid_with(record)
    is_all = payment.refunded == payment.amount
    if is_all and status in {OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.DELIVERED}:
        return refund_changes.finish_refunded(record, settled, act)
    return None


def refund_failed(task: Task, deps: Deps) -> Outcome:
    """See to it that a refused refund is kept as such; a cancel goes back to PAID (T22)."""
    asked = refund_of(found(task.order_id, deps), task.refund_id)
    if asked.status is RefundStatus.SETTLED:
        raise Contradiction(f"{asked.id} is settled, not refused")
    return keep_refund_answer(task, Rejected(task.reason or "refused"), deps)


def refund_of(record: OrderRecord, refund_id: str) -> Refund:
    """The refund that a workflow or message names; OrderMissing is a fault."""
    known = record.refund(refund_id)
    if known is None:
        raise OrderMissing(refund_id)
    return known


def _known(asked: Refund, reason: str | None = None) -> Outcome:
    outcomes = {
        RefundStatus.SETTLED: "settled",
        RefundStatus.FAILED: "rejected",
        RefundStatus.REQUESTED: "unknown",
        RefundStatus.UNKNOWN: "unknown",
    }
    return Outcome(outcomes[asked.status], reason)


def keep_refund_answer(task: Task, said: Settled | Rejected | None, deps: Deps) -> Outcome:
    """Record what the gateway said of a refund and tell where the refund stands then."""
    act = deps.act(task.asker)
    reason = said.code if isinstance(said, Rejected) else None

    def decide(record: OrderRecord) -> Change | Outcome:
        change = refund_answer_change(record, task.refund_id, said, act)
        return change or _known(refund_of(record, task.refund_id), reason)

    return advance(found(task.order_id, deps), decide, deps)


def refund_answer_change(
    record: OrderRecord, refund_id: str, said: Settled | Rejected | None, act: Act
) -> Change | None:
    """The change that an answer about a refund makes; None if it is so already.

    Contradiction if it cannot be true beside what is known.
    """
    asked = refund_of(record, refund_id)
    match said:
        case Settled() if asked.status is RefundStatus.FAILED:
            _contradict(asked, "is settled after it was refused")
        case Rejected() if asked.status is RefundStatus.SETTLED:
            _contradict(asked, "is refused after it was settled")
        case None if asked.status is RefundStatus.UNKNOWN:
            return None
    if asked.status not in OPEN_REFUNDS:
        return None
    return refund_changes.answered(record, paid_with(record), asked, said, act)


def _contradict(asked: Refund, what: str) -> NoReturn:
    raise Contradiction(f"{asked.id} {what}")
