"""Orders in the core table: reads, and every change as one conditional transaction.

A change is written as the difference of the items before and after it, under the version and
status it was made from. Labels of failed conditions tell the facts apart: missing stock, a
used idempotency key, or a record that has moved on.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

from chalicelib.aws.event_rows import step
from chalicelib.aws.items import Item, Key
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.writes import Check, Put, Update, Values, Write
from chalicelib.kernel.clock import epoch_s, moment
from chalicelib.kernel.idempotency import Once, RecordedReply
from chalicelib.orders import items, keys
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
from chalicelib.orders.service import OutOfStock, StockDisagrees, Superseded
from chalicelib.products import ledger

RECORD_ITEMS_MAX: Final = 1000
IDEMPOTENCY: Final = "idempotency"

_NEWER: Final = (
    "attribute_not_exists(#pk) OR #entered_at < :entered_at "
    "OR (#entered_at = :entered_at AND #retry_count < :retry_count) OR #token = :token"
)


class ReplyRecords(Protocol):
    """The replies kept for idempotency keys."""

    def put(self, once: Once, reply: RecordedReply, now: datetime) -> Put:
        """The write that joins the effect's transaction."""
        ...

    def collided(self, once: Once) -> Exception:
        """What to raise when the record appeared meanwhile."""
        ...


class TableOrders:
    """Implements `service.OrderStore`; without `replies` no change may carry a key."""

    def __init__(
        self,
        table: Table,
        told: Callable[[Change], None],
        replies: ReplyRecords | None = None,
    ) -> None:
        """`told` hears of every change that was written, for the metrics."""
        self._table = table
        self._told = told
        self._replies = replies

    def load(self, order_id: str) -> OrderRecord | None:
        """Order, payment and refunds by one consistent query."""
        asked = Query(
            keys.order_partition(order_id),
            "#sk BETWEEN :from AND :to",
            {"from": keys.RECORD_FROM, "to": keys.RECORD_TO},
            is_consistent=True,
        )
        return items.record_of(self._table.query_all(asked, most=RECORD_ITEMS_MAX))

    def commit(self, change: Change) -> None:
        """One transaction; see the port for what its failures mean."""
        try:
            self._table.transact(self._writes(change))
        except ConditionFailed as failed:
            self._raise_fact(failed, change)
        self._told(change)

    def note_shortage(self, order: Order, variant_ids: Sequence[str]) -> None:
        """Remember missing variants on an order that still waits for them."""
        self._write(
            Update(
                keys.order_key(order.id),
                set={"short_of": list(variant_ids)},
                condition="#version = :version AND #status = :status",
                values={"version": order.version, "status": order.status.value},
                label="root",
            )
        )

    def count_lookup(self, counted: Payment | Refund, run: str, attempts: int) -> None:
        """The counter moves from the value that was read."""
        known: Values = {"attempts_before": counted.resolve_attempts}
        condition = "#resolve_attempts = :attempts_before"
        if counted.resolve_run is None:
            condition += " AND attribute_not_exists(#resolve_run)"
        else:
            condition += " AND #resolve_run = :run_before"
            known = {**known, "run_before": counted.resolve_run}
        counters = {"resolve_run": run, "resolve_attempts": attempts}
        key = _key_of(counted)
        self._write(Update(key, set=counters, condition=condition, values=known, label="counter"))

    def finish_refund(self, refund: Refund) -> None:
        """The deadline of a decided refund goes."""
        self._write(
            Update(
                keys.refund_key(refund.order_id, refund.id),
                set={"gsi3pk": None, "gsi3sk": None},
                condition="#status = :status",
                values={"status": refund.status.value},
                label="refund",
            )
        )

    def keep_token(self, order: Order, token: WaitToken, watch: Watch) -> None:
        """The token if it is later than the one kept, and the order's deadline anew."""
        due = items.watch_item(watch, keys.order_due_partition(order.id), order.id)
        still = Update(
            keys.order_key(order.id),
            set=due,
            condition="#status = :status",
            values={"status": order.status.value},
            label="root",
        )
        try:
            self._table.transact([still, _token_put(order.id, token)])
        except ConditionFailed as failed:
            raise Superseded from failed

    def token(self, order_id: str, wait: Wait) -> WaitToken | None:
        """The token last kept, read consistently."""
        item = self._table.get(keys.token_key(order_id, wait))
        if item is None:
            return None
        return WaitToken(
            wait, item["token"], item["execution"], item["entered_at"], item["retry_count"]
        )

    def _write(self, write: Update) -> None:
        try:
            self._table.write(write)
        except ConditionFailed as failed:
            raise Superseded from failed

    def _writes(self, change: Change) -> list[Write]:
        writes = self._joined(change)
        writes.extend(_root_step(change))
        writes.extend(_payment_writes(change))
        writes.extend(_refund_writes(change))
        writes.extend(_stock_writes(change))
        return writes

    def _joined(self, change: Change) -> list[Write]:
        writes: list[Write] = []
        if change.once is not None:
            if self._replies is None:
                raise TypeError("this store keeps no replies")
            reply = change.once.present(change.result)
            now = moment(change.event.occurred_at)
            writes.append(self._replies.put(change.once, reply, now))
        if change.seen is not None:
            writes.append(_seen_put(change.seen, change.event.occurred_at))
        if change.token is not None:
            writes.append(_token_put(change.after.order.id, change.token))
        return writes

    def _raise_fact(self, failed: ConditionFailed, change: Change) -> None:
        if IDEMPOTENCY in failed.labels and change.once and self._replies:
            raise self._replies.collided(change.once) from failed
        short = ledger.short_of(failed.labels)
        if len(short) < len(failed.labels):
            raise Superseded from failed
        if change.stock and change.stock.move == "RESERVE":
            raise OutOfStock(short) from failed
        raise StockDisagrees(", ".join(short)) from failed


def _root_step(change: Change) -> list[Write]:
    before, after = change.before.order, change.after.order
    changes = items.changes_between(items.order_item(before), items.order_item(after))
    return step(
        keys.order_key(after.id),
        change.event,
        changes,
        "#status = :status_before",
        {"status_before": before.status.value},
    )


def _payment_writes(change: Change) -> list[Write]:
    """The payment as it changes; where its state only matters, a check (T16, T17)."""
    before, after = change.before.payment, change.after.payment
    if after is None:
        return []
    if before is None:
        return [Put(items.payment_item(after), label="payment")]
    key = keys.payment_key(after.order_id, after.id)
    values = {
        "status_before": before.status.value,
        "requested_before": before.refund_requested,
        "refunded_before": before.refunded,
    }
    condition = (
        "#status = :status_before AND #refund_requested = :requested_before "
        "AND #refunded = :refunded_before"
    )
    changes = items.changes_between(items.payment_item(before), items.payment_item(after))
    if changes:
        return [Update(key, set=changes, condition=condition, values=values, label="payment")]
    if change.stock is None:
        return []
    return [Check(key, condition=condition, values=values, label="payment")]


def _refund_writes(change: Change) -> list[Write]:
    writes: list[Write] = []
    for after in change.after.refunds:
        before = change.before.refund(after.id)
        if before is None:
            writes.append(Put(items.refund_item(after), label="refund"))
        elif before != after:
            changes = items.changes_between(items.refund_item(before), items.refund_item(after))
            writes.append(
                Update(
                    keys.refund_key(after.order_id, after.id),
                    set=changes,
                    condition="#status = :status_before",
                    values={"status_before": before.status.value},
                    label="refund",
                )
            )
    return writes


def _stock_writes(change: Change) -> list[Write]:
    if change.stock is None:
        return []
    lines = [ledger.Line(line.variant_id, line.quantity) for line in change.after.order.lines]
    reason = ledger.Reason(change.stock.ref, change.event.cause.actor.id, change.event.occurred_at)
    return ledger.moves(ledger.Kind(change.stock.move), lines, reason)


def _seen_put(message_id: str, at: str) -> Put:
    pk, sk = keys.seen_key(message_id)
    ttl = epoch_s(moment(at)) + keys.SEEN_KEPT_S
    return Put({"pk": pk, "sk": sk, "seen_at": at, "ttl": ttl}, label="seen")


def _token_put(order_id: str, token: WaitToken) -> Put:
    pk, sk = keys.token_key(order_id, token.wait)
    item: Item = {
        "pk": pk,
        "sk": sk,
        "token": token.token,
        "execution": token.execution,
        "entered_at": token.entered_at,
        "retry_count": token.retry_count,
    }
    values = {name: item[name] for name in ("entered_at", "retry_count", "token")}
    return Put(item, label="token", condition=_NEWER, values=values)


def _key_of(counted: Payment | Refund) -> Key:
    if isinstance(counted, Payment):
        return keys.payment_key(counted.order_id, counted.id)
    return keys.refund_key(counted.order_id, counted.id)
