"""One suite for the fake of the order store and for the core table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chalicelib.aws.items import to_item
from chalicelib.aws.tables import core_table
from chalicelib.edge.gateway import idempotency_records, sealer
from chalicelib.kernel.domain_events import Actor
from chalicelib.kernel.idempotency import AlreadyAnswered, Once, RecordedReply
from chalicelib.kernel.ids import Ids
from chalicelib.orders import changes, placing, refund_changes
from chalicelib.orders.payments import Captured, Settled
from chalicelib.orders.records import (
    Address,
    Change,
    OrderRecord,
    Payment,
    Refund,
    WaitToken,
    Watch,
)
from chalicelib.orders.rules import OrderStatus, PaymentStatus, RefundStatus
from chalicelib.orders.service import (
    Asker,
    Deps,
    OrderStore,
    OutOfStock,
    StockDisagrees,
    Superseded,
)
from chalicelib.orders.store import TableOrders
from chalicelib.orders.store_placing import Addresses, TablePlacements
from chalicelib.orders.store_sweeping import TableDeadlines
from chalicelib.orders.sweeping import Deadlines
from tests.cloud import STAGE, bare_client, cloud
from tests.fakes.orders import TERMS, FakeCatalogue, FakeClock, FakeOrders

VARIANT = Ids().new("var")
USER = Ids().new("usr")
ASKER = Asker(Actor("customer", USER), "correlation-1")
ADDRESS = Address("Amina", "12 Rue", None, "Nabeul", None, "8000", "TN", None)


@dataclass
class Desk:
    """One implementation, with an order of two units of which three are left."""

    store: OrderStore
    placements: placing.Placements
    deadlines: Deadlines
    shelf: Callable[[], tuple[int, int]]

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        catalogue = FakeCatalogue()
        catalogue.add(VARIANT)
        self.deps = Deps(self.store, self.clock, Ids(), TERMS)
        self.placing = placing.PlacingDeps(
            self.store, self.clock, Ids(), TERMS, catalogue, self.placements, "sandbox"
        )
        self.order_id = self.place("key-00001")

    def place(self, key: str) -> str:
        """Place the order."""
        basket = placing.Basket((placing.Wanted(VARIANT, 2),), ADDRESS, "tok_approve")
        return placing.place_order(basket, ASKER, once(key), self.placing).record.order.id

    @property
    def act(self) -> changes.Act:
        """A change made now; no two at the same instant."""
        self.clock.move(1)
        return self.deps.act(ASKER)

    @property
    def record(self) -> OrderRecord:
        """The record as stored."""
        record = self.store.load(self.order_id)
        assert record is not None
        return record

    def commit(self, change: Change) -> OrderRecord:
        """Apply a change; what is stored equals what it promised."""
        self.store.commit(change)
        assert self.record == change.after
        return self.record

    def payment(self) -> Payment:
        """A payment for the order."""
        return Payment(
            id=Ids().new("pay"),
            order_id=self.order_id,
            provider="sandbox",
            amount=self.record.order.total,
            currency="EUR",
            token="tok_approve",
            status=PaymentStatus.CREATED,
            updated_at=self.act.at,
        )

    def paying(self) -> OrderRecord:
        """The order, its payment begun."""
        self.commit(changes.reserve(self.record, self.act))
        return self.commit(changes.begin_payment(self.record, self.payment(), self.act))

    def paid(self) -> OrderRecord:
        """The order, paid."""
        record = self.paying()
        said = Captured("gch_1", record.order.total, "EUR")
        assert record.payment is not None
        self.commit(changes.answered(record, record.payment, said, self.act))
        return self.commit(changes.confirm(self.record, self.act))

    def refund(self, amount: int) -> Refund:
        """A refund of the order."""
        act = self.act
        return Refund(
            id=Ids().new("rfd"),
            order_id=self.order_id,
            payment_id=str(self.record.order.payment_id),
            kind="refund",
            amount=amount,
            reason="goodwill",
            by="usr_1",
            status=RefundStatus.REQUESTED,
            requested_at=act.at,
            watch=refund_changes.first_watch(act),
        )


def once(key: str) -> Once:
    """An idempotency key."""
    return Once(USER, "POST /orders", key, "print", lambda _: RecordedReply(202, b"{}", {}))


def in_memory() -> Desk:
    """The fake."""
    orders = FakeOrders({VARIANT: 3})
    shelf = orders.shelves[VARIANT]
    return Desk(orders, orders, orders, lambda: (shelf.available, shelf.reserved))


def in_table() -> Desk:
    """The core table."""
    dynamodb, table = bare_client("dynamodb"), f"souk-{STAGE}-core"
    rows: list[dict[str, Any]] = [
        {"pk": f"USER#{USER}", "sk": "PROFILE", "status": "ACTIVE"},
        {"pk": f"STOCK#{VARIANT}", "sk": "LOC#main", "available": 3, "reserved": 0, "on_hand": 3},
    ]
    for row in rows:
        dynamodb.put_item(TableName=table, Item=to_item(row))

    def shelf() -> tuple[int, int]:
        row = core_table().get((f"STOCK#{VARIANT}", "LOC#main")) or {}
        assert row["on_hand"] == row["available"] + row["reserved"]
        return row["available"], row["reserved"]

    replies = idempotency_records()
    placements = TablePlacements(core_table(), replies, Addresses(sealer()))
    orders = TableOrders(core_table(), lambda _: None, replies)
    return Desk(orders, placements, TableDeadlines(core_table()), shelf)


@pytest.fixture(params=[in_memory, in_table])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """Each implementation in turn."""
    with cloud():
        made: Desk = request.param()
        yield made


def test_nothing_is_nothing(desk: Desk) -> None:
    """An unknown order is None."""
    assert desk.store.load(Ids().new("ord")) is None
    assert desk.store.token(desk.order_id, "review") is None


def test_a_key_places_one_order(desk: Desk) -> None:
    """The same key again: the first reply."""
    with pytest.raises(AlreadyAnswered) as answered:
        desk.place("key-00001")
    assert answered.value.reply.status == 202


def test_every_change_up_to_a_finished_refund_is_stored_as_promised(desk: Desk) -> None:
    """What is read back equals what each change promised, field by field."""
    record = desk.paid()
    assert (record.order.status, desk.shelf()) == (OrderStatus.PAID, (1, 0))
    refund = desk.refund(record.order.total)
    assert record.payment is not None
    desk.commit(refund_changes.request(record, record.payment, refund, desk.act))
    record = desk.record
    assert record.payment is not None
    desk.commit(refund_changes.answered(record, record.payment, refund, Settled(), desk.act))
    settled = desk.record.refund(refund.id)
    assert settled is not None
    desk.commit(refund_changes.finish_refunded(desk.record, settled, desk.act))
    assert desk.shelf() == (3, 0)


def test_a_change_of_an_older_record_is_superseded(desk: Desk) -> None:
    """Of two changes from the same version one wins, and leaves nothing of the other."""
    old = desk.record
    desk.commit(changes.reserve(old, desk.act))
    with pytest.raises(Superseded):
        desk.store.commit(changes.cancel_unpaid(old, desk.act))
    with pytest.raises(Superseded):
        desk.store.commit(changes.reserve(old, desk.act))
    assert desk.shelf() == (1, 2)


def test_missing_stock_is_told_only_for_the_record_as_it_stands(desk: Desk) -> None:
    """Too few left is OutOfStock; on an older record it is Superseded."""
    first, second = desk.order_id, desk.place("key-00002")
    desk.commit(changes.reserve(desk.record, desk.act))
    desk.order_id = second
    with pytest.raises(OutOfStock) as short:
        desk.store.commit(changes.reserve(desk.record, desk.act))
    assert short.value.variant_ids == (VARIANT,)
    old = desk.record
    desk.store.commit(changes.cancel_unpaid(old, desk.act))
    with pytest.raises(Superseded):
        desk.store.commit(changes.reserve(old, desk.act))
    assert first != second


def test_stock_that_must_be_there_and_is_not(desk: Desk) -> None:
    """Releasing what nobody holds is a disagreement, not a shortage."""
    desk.commit(changes.reserve(desk.record, desk.act))
    held = desk.record
    desk.commit(changes.cancel_unpaid(held, desk.act))
    second = desk.place("key-00002")
    desk.order_id = second
    forged = replace(desk.record.order, status=OrderStatus.PLACED)
    change = changes.reserve(OrderRecord(forged), desk.act)
    assert change.stock is not None
    released = replace(change, stock=replace(change.stock, move="RELEASE"))
    with pytest.raises(StockDisagrees):
        desk.store.commit(released)


def test_a_webhook_is_seen_once(desk: Desk) -> None:
    """A second change for the same message is superseded."""
    record = desk.paying()
    assert record.payment is not None
    change = changes.answered(record, record.payment, None, desk.act)
    desk.commit(change.joined_by(seen="gwe_1"))
    record = desk.record
    assert record.payment is not None
    said = Captured("gch_1", record.order.total, "EUR")
    again = changes.answered(record, record.payment, said, desk.act)
    with pytest.raises(Superseded):
        desk.store.commit(again.joined_by(seen="gwe_1"))


def test_a_refund_key_has_one_refund(desk: Desk) -> None:
    """The same key in another change: the first reply, no second refund."""
    record = desk.paid()
    for is_first in (True, False):
        record = desk.record
        assert record.payment is not None
        change = refund_changes.request(record, record.payment, desk.refund(100), desk.act)
        keyed = change.joined_by(once=once("key-00003"))
        if is_first:
            desk.commit(keyed)
        else:
            with pytest.raises(AlreadyAnswered):
                desk.store.commit(keyed)
    assert len(desk.record.refunds) == 1


def a_token(name: str, entered: int, retries: int = 0) -> WaitToken:
    """A token of the review."""
    return WaitToken("review", name, "run", f"2026-03-01T12:00:0{entered}.000Z", retries)


def test_the_latest_token_is_kept(desk: Desk) -> None:
    """Later entries and retries displace earlier ones, never the reverse; equal is the same."""
    desk.commit(changes.reserve(desk.record, desk.act))
    desk.commit(changes.hold(desk.record, desk.act).joined_by(token=a_token("a", 1)))
    order, watch = desk.record.order, Watch("2026-03-02T00:00:00.000Z")
    desk.store.keep_token(order, a_token("b", 1, 1), watch)
    desk.store.keep_token(order, a_token("b", 1, 1), watch)
    assert desk.record.order.watch.due_at == watch.due_at
    with pytest.raises(Superseded):
        desk.store.keep_token(order, a_token("a", 1), watch)
    desk.store.keep_token(order, a_token("c", 2), watch)
    assert desk.store.token(desk.order_id, "review") == a_token("c", 2)


def test_a_token_for_an_order_that_has_moved_is_not_kept(desk: Desk) -> None:
    """Nobody waits for an order that is over."""
    desk.commit(changes.reserve(desk.record, desk.act))
    old = desk.record.order
    desk.commit(changes.cancel_unpaid(desk.record, desk.act))
    with pytest.raises(Superseded):
        desk.store.keep_token(old, a_token("a", 1), Watch())


def test_lookups_are_counted_from_what_was_read(desk: Desk) -> None:
    """Two counters at once count one."""
    record = desk.paying()
    assert record.payment is not None
    desk.store.count_lookup(record.payment, "run", 1)
    with pytest.raises(Superseded):
        desk.store.count_lookup(record.payment, "run", 1)
    counted = desk.record.payment
    assert counted is not None
    desk.store.count_lookup(counted, "run", 2)
    assert desk.record.payment == replace(record.payment, resolve_run="run", resolve_attempts=2)


def test_missing_variants_are_noted_while_the_order_waits(desk: Desk) -> None:
    """The note does not make a new version."""
    old = desk.record.order
    desk.store.note_shortage(old, [VARIANT])
    assert (desk.record.order.short_of, desk.record.order.version) == ((VARIANT,), 1)
    desk.commit(changes.reserve(desk.record, desk.act))
    with pytest.raises(Superseded):
        desk.store.note_shortage(old, [])


def test_deadlines_are_listed_moved_and_removed(desk: Desk) -> None:
    """Due orders are found; of two sweepers one moves the deadline."""
    order = desk.record.order
    due_at = str(order.watch.due_at)
    assert desk.deadlines.orders(due_at) == []
    later = "2026-03-01T13:00:00.000Z"
    assert list(desk.deadlines.orders(later)) == [desk.order_id]
    desk.deadlines.move_order(order, Watch("2026-03-01T14:00:00.000Z", 1, "run"))
    assert desk.record.order.watch == Watch("2026-03-01T14:00:00.000Z", 1, "run")
    with pytest.raises(Superseded):
        desk.deadlines.move_order(order, Watch(None, 1))
    desk.deadlines.move_order(desk.record.order, Watch(None, 2, "run"))
    assert desk.record.order.watch == Watch(None, 2, "run")
    assert desk.deadlines.orders("2027-01-01T00:00:00.000Z") == []


def test_refunds_have_deadlines_of_their_own(desk: Desk) -> None:
    """Listed until they are finished."""
    record = desk.paid()
    refund = desk.refund(100)
    assert record.payment is not None
    desk.commit(refund_changes.request(record, record.payment, refund, desk.act))
    later = "2026-03-01T13:00:00.000Z"
    assert list(desk.deadlines.refunds(later)) == [(desk.order_id, refund.id)]
    desk.deadlines.move_refund(refund, Watch("2026-03-01T12:30:00.000Z", 1, "run"))
    desk.store.finish_refund(refund)
    assert desk.deadlines.refunds(later) == []
    with pytest.raises(Superseded):
        desk.store.finish_refund(replace(refund, status=RefundStatus.FAILED))
