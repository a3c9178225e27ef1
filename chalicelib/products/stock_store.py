"""Stock rows and their ledger in the core table."""

from chalicelib.aws.event_rows import event_put
from chalicelib.aws.idempotency import LABEL, IdempotencyRecords
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.writes import Put, Update, Values, Write
from chalicelib.kernel.clock import moment
from chalicelib.kernel.domain_events import STOCK_ADJUSTED, Cause, DomainEvent
from chalicelib.kernel.idempotency import Once
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.products.inventory import Adjusted, StockMoved
from chalicelib.products.keys import MOVEMENTS, stock_key
from chalicelib.products.rows import movement_item, movement_of, stock_of
from chalicelib.products.stock import Movement, Stock


class StockTable:
    """Stock in the core table; implements `inventory.Stockroom`."""

    def __init__(self, table: Table, records: IdempotencyRecords) -> None:
        self._table = table
        self._records = records

    def stock(self, variant_id: str) -> Stock | None:
        """The stock of a variant as last written."""
        item = self._table.get(stock_key(variant_id))
        return None if item is None else stock_of(item)

    def movements(self, variant_id: str, page: PageRequest) -> Page[Movement]:
        """One page of the ledger, newest cause first."""
        found = self._table.query(
            Query(
                stock_key(variant_id)[0],
                sort="begins_with(#sk, :movements)",
                values={"movements": MOVEMENTS},
                limit=page.limit,
                after=page.after,
                is_descending=True,
                is_consistent=True,
            )
        )
        return Page(tuple(map(movement_of, found.items)), found.next)

    def adjust(self, before: Stock, after: Adjusted, once: Once, cause: Cause) -> None:
        """T10; StockMoved when the row is no longer as it was read."""
        now = moment(cause.occurred_at)
        writes: list[Write] = [
            self._records.put(once, once.present(after), now),
            _update(before, after),
            Put(movement_item(before.variant_id, after.movement), label="movement"),
            event_put(stock_key(before.variant_id)[0], _event(after, cause)),
        ]
        try:
            self._table.transact(writes)
        except ConditionFailed as failed:
            if LABEL in failed.labels:
                raise self._records.collided(once) from failed
            raise StockMoved from failed


def _update(before: Stock, after: Adjusted) -> Update:
    delta = after.movement.available_delta
    condition = "#version = :version AND #available >= :taken"
    values: Values = {"version": before.version, "taken": max(0, -delta)}
    if after.expected_on_hand is not None:
        condition = f"{condition} AND #on_hand = :expected"
        values = {**values, "expected": after.expected_on_hand}
    return Update(
        stock_key(before.variant_id, before.location),
        set={"version": after.stock.version, "updated_at": after.stock.updated_at},
        add={"available": delta, "on_hand": delta},
        condition=condition,
        values=values,
        label="stock",
    )


def _event(after: Adjusted, cause: Cause) -> DomainEvent:
    stock, movement = after.stock, after.movement
    told = STOCK_ADJUSTED.data(
        variant_id=stock.variant_id,
        product_id=stock.product_id,
        delta=movement.available_delta,
        reason=movement.reason,
        movement_id=movement.ref,
    )
    return DomainEvent(STOCK_ADJUSTED, stock.variant_id, stock.version, cause, told)
