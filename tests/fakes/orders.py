"""The ports of orders in memory; the stores pass the same suite as the core table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from chalicelib.kernel.domain_events import Actor, DomainEvent
from chalicelib.kernel.idempotency import AlreadyAnswered, Once, RecordedReply
from chalicelib.kernel.ids import Ids
from chalicelib.orders.records import (
    Address,
    Change,
    Order,
    OrderRecord,
    Payment,
    Refund,
    StockOrder,
    Wait,
    WaitToken,
    Watch,
)
from chalicelib.orders.rules import PaymentStatus, Terms
from chalicelib.orders.service import (
    Asker,
    Outcome,
    OutOfStock,
    StockDisagrees,
    Superseded,
    Task,
)
from chalicelib.products.sales import Sellable

Record = TypeVar("Record", Order, Payment, Refund)

TERMS = Terms("EUR", 500, 5000, 100_000, 86_400, 900)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)


@dataclass
class Shelf:
    """One stock row."""

    available: int
    reserved: int = 0

    @property
    def on_hand(self) -> int:
        """What is in the house."""
        return self.available + self.reserved


class FakeOrders:
    """Implements `service.OrderStore` and `placing.Placements`.

    `meanwhile` is called once before the next commit: what somebody else does in between.
    """

    def __init__(self, stock: Mapping[str, int] | None = None) -> None:
        self.records: dict[str, OrderRecord] = {}
        self.shelves = {variant: Shelf(units) for variant, units in (stock or {}).items()}
        self.moved: set[tuple[str, str, str]] = set()
        self.events: list[DomainEvent] = []
        self.tokens: dict[tuple[str, str], WaitToken] = {}
        self.seen: set[str] = set()
        self.replies: dict[tuple[str, str], RecordedReply] = {}
        self.meanwhile: Callable[[], object] | None = None

    def load(self, order_id: str) -> OrderRecord | None:
        return self.records.get(order_id)

    def place(self, order: Order, address: Address, event: DomainEvent, once: Once) -> Order:
        self._check_key(once)
        self.records[order.id] = OrderRecord(replace(order, sealed_address=address.name))
        self.events.append(event)
        self.replies[once.subject, once.key] = RecordedReply(202, b"placed", {})
        return self.records[order.id].order

    def commit(self, change: Change) -> None:
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        if change.once is not None:
            self._check_key(change.once)
        self._check(change)
        if change.stock is not None:
            self._move(change.stock, change.after.order)
        self._apply(change)

    def note_shortage(self, order: Order, variant_ids: Sequence[str]) -> None:
        record = self._still(order)
        short = replace(record.order, short_of=tuple(variant_ids))
        self.records[order.id] = replace(record, order=short)

    def count_lookup(self, counted: Payment | Refund, run: str, attempts: int) -> None:
        record = self.records[counted.order_id]
        known = record.payment if isinstance(counted, Payment) else record.refund(counted.id)
        if known is None or _lookups(known) != _lookups(counted):
            raise Superseded
        if isinstance(known, Payment):
            now = replace(known, resolve_run=run, resolve_attempts=attempts)
            self.records[counted.order_id] = replace(record, payment=now)
        else:
            looked = replace(known, resolve_run=run, resolve_attempts=attempts)
            refunds = record.with_refund(looked)
            self.records[counted.order_id] = replace(record, refunds=refunds)

    def finish_refund(self, refund: Refund) -> None:
        record = self.records[refund.order_id]
        known = record.refund(refund.id)
        if known is None or known.status != refund.status:
            raise Superseded
        off = replace(known, watch=replace(known.watch, due_at=None))
        self.records[refund.order_id] = replace(record, refunds=record.with_refund(off))

    def keep_token(self, order: Order, token: WaitToken, watch: Watch) -> None:
        record = self.records[order.id]
        if record.order.status is not order.status:
            raise Superseded
        self._keep(order.id, token)
        self.records[order.id] = replace(record, order=replace(record.order, watch=watch))

    def token(self, order_id: str, wait: Wait) -> WaitToken | None:
        return self.tokens.get((order_id, wait))

    # --- sweeping -------------------------------------------------------------------------------

    def orders(self, now: str) -> Sequence[str]:
        return [
            order_id
            for order_id, record in self.records.items()
            if record.order.watch.due_at and record.order.watch.due_at < now
        ]

    def refunds(self, now: str) -> Sequence[tuple[str, str]]:
        return [
            (order_id, refund.id)
            for order_id, record in self.records.items()
            for refund in record.refunds
            if refund.watch.due_at and refund.watch.due_at < now
        ]

    def move_order(self, order: Order, watch: Watch) -> None:
        record = self.records[order.id]
        if record.order.watch.due_at != order.watch.due_at:
            raise Superseded
        self.records[order.id] = replace(record, order=replace(record.order, watch=watch))

    def move_refund(self, refund: Refund, watch: Watch) -> None:
        record = self.records[refund.order_id]
        known = record.refund(refund.id)
        if known is None or known.watch.due_at != refund.watch.due_at:
            raise Superseded
        moved = record.with_refund(replace(known, watch=watch))
        self.records[refund.order_id] = replace(record, refunds=moved)

    # --- one transaction ------------------------------------------------------------------------

    def _still(self, order: Order) -> OrderRecord:
        record = self.records[order.id]
        if (record.order.version, record.order.status) != (order.version, order.status):
            raise Superseded
        return record

    def _check_key(self, once: Once) -> None:
        reply = self.replies.get((once.subject, once.key))
        if reply is not None:
            raise AlreadyAnswered(reply)

    def _check(self, change: Change) -> None:
        record = self._still(change.before.order)
        before, now = change.before.payment, record.payment
        if before and now and _money(before) != _money(now):
            raise Superseded
        for refund in change.before.refunds:
            known = record.refund(refund.id)
            if known is None or known.status is not refund.status:
                raise Superseded
        if change.seen in self.seen:
            raise Superseded
        if change.token is not None:
            self._keep(change.after.order.id, change.token)

    def _keep(self, order_id: str, token: WaitToken) -> None:
        known = self.tokens.get((order_id, token.wait))
        if known is not None and known.token != token.token:
            entry = (token.entered_at, token.retry_count)
            if entry <= (known.entered_at, known.retry_count):
                raise Superseded
        self.tokens[order_id, token.wait] = token

    def _move(self, stock: StockOrder, order: Order) -> None:
        floor = {"RESERVE": "available", "RELEASE": "reserved", "COMMIT": "reserved"}
        if stock.move in floor:
            short = [
                line.variant_id
                for line in order.lines
                if getattr(self.shelves[line.variant_id], floor[stock.move]) < line.quantity
            ]
            if short:
                raise OutOfStock(sorted(short)) if stock.move == "RESERVE" else StockDisagrees
        for line in order.lines:
            cause = (line.variant_id, stock.ref, stock.move)
            if cause in self.moved:
                raise Superseded
            self.moved.add(cause)
            _shift(self.shelves[line.variant_id], stock.move, line.quantity)

    def _apply(self, change: Change) -> None:
        record, before, after = self.records[change.after.order.id], change.before, change.after
        payment = after.payment
        if payment and before.payment and record.payment:
            payment = _merged(record.payment, before.payment, payment)
        refunds = []
        for refund in after.refunds:
            was, now = before.refund(refund.id), record.refund(refund.id)
            refunds.append(_merged(now, was, refund) if was and now else refund)
        order = _merged(record.order, before.order, after.order)
        self.records[order.id] = OrderRecord(order, payment, tuple(refunds))
        self.events.append(change.event)
        if change.seen is not None:
            self.seen.add(change.seen)
        if change.once is not None:
            reply = change.once.present(change.result)
            self.replies[change.once.subject, change.once.key] = reply


def _merged(now: Record, before: Record, after: Record) -> Record:
    """Only what the change changes is written, as the table's updates do."""
    changed = {
        each.name: getattr(after, each.name)
        for each in fields(after)
        if getattr(before, each.name) != getattr(after, each.name)
    }
    return replace(now, **changed)


def _money(payment: Payment) -> tuple[PaymentStatus, int, int]:
    return payment.status, payment.refund_requested, payment.refunded


def _lookups(counted: Payment | Refund) -> tuple[str | None, int]:
    return counted.resolve_run, counted.resolve_attempts


def _shift(shelf: Shelf, move: str, units: int) -> None:
    available, reserved = {
        "RESERVE": (-units, units),
        "RELEASE": (units, -units),
        "COMMIT": (0, -units),
        "RETURN": (units, 0),
    }[move]
    shelf.available += available
    shelf.reserved += reserved


@dataclass
class FakeRuns:
    """Implements the workflow ports; `answers` are the tokens answered, with their outcomes."""

    answers: list[tuple[str, Outcome]] = field(default_factory=list)
    started: list[tuple[str, str]] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)

    def resume(self, token: str, outcome: Outcome) -> bool:
        self.answers.append((token, outcome))
        return True

    def start(self, workflow: str, name: str, given: dict[str, str]) -> bool:
        if name in self.running | self.ended:
            return False
        self.started.append((workflow, name))
        self.running.add(name)
        return True

    def is_running(self, workflow: str, name: str) -> bool | None:
        if name in self.running:
            return True
        return False if name in self.ended else None

    def end(self, name: str) -> None:
        """A run comes to its end."""
        self.running.discard(name)
        self.ended.add(name)


@dataclass
class FakeDeadEnd:
    """Implements `sweeping.DeadEnd`."""

    parked: list[tuple[str, str, str]] = field(default_factory=list)

    def park(self, workflow: str, given: Mapping[str, str], cause: str) -> None:
        self.parked.append((workflow, given["order_id"], cause))


class FakeCatalogue:
    """Implements `placing.Catalogue`."""

    def __init__(self, **changed: Any) -> None:
        self.on_sale: dict[str, Sellable] = {}
        self._changed = changed

    def add(self, variant_id: str, price: int = 3400, **changed: Any) -> str:
        """Put a variant on sale."""
        sellable = Sellable("prd_1", "CER-1", "Tagine", "Blue", price, "EUR", is_sellable=True)
        self.on_sale[variant_id] = replace(sellable, **changed)
        return variant_id

    def sellable(self, variant_ids: Sequence[str]) -> Mapping[str, Sellable]:
        return {name: self.on_sale[name] for name in variant_ids if name in self.on_sale}


def a_task(order_id: str, **changed: Any) -> Task:
    """What a workflow asks of a step."""
    asker = Asker(Actor("system", "order_step"), "correlation-1")
    return replace(Task(order_id, order_id, asker), **changed)


def new_id(prefix: str) -> str:
    """A fresh id."""
    return Ids().new(prefix)
