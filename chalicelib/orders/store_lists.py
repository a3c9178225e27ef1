"""Lists of orders and their timelines, from the indexes of the core table."""

from typing import Final

from chalicelib.aws.event_rows import PREFIX
from chalicelib.aws.items import Item
from chalicelib.aws.table import Query, Table
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.orders import items, keys
from chalicelib.orders.records import Order, TimelineEntry
from chalicelib.orders.rules import OrderStatus

HIDDEN: Final = frozenset({"order_id", "number", "user_id", "by"})
"""What a timeline leaves out of an event's data: known already, or nobody's business."""


class TableLists:
    """Implements `reading.OrderLists`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of_customer(self, user_id: str, page: PageRequest) -> Page[Order]:
        """Index 1, newest first."""
        return self._orders("gsi1", keys.customer_partition(user_id), page)

    def with_status(self, status: OrderStatus, month: str, page: PageRequest) -> Page[Order]:
        """Index 2, newest first."""
        return self._orders("gsi2", keys.status_partition(status, month), page)

    def id_of(self, number: str) -> str | None:
        """The row of a number leads to its order."""
        item = self._table.get(keys.number_key(number))
        return item["order_id"] if item else None

    def timeline(self, order_id: str, page: PageRequest) -> Page[TimelineEntry]:
        """The event rows of an order, read consistently."""
        asked = Query(
            keys.order_partition(order_id),
            "begins_with(#sk, :prefix)",
            {"prefix": PREFIX},
            limit=page.limit,
            after=page.after,
            is_consistent=True,
        )
        found = self._table.query(asked)
        return Page(tuple(map(_entry, found.items)), found.next)

    def _orders(self, index: str, partition: str, page: PageRequest) -> Page[Order]:
        asked = Query(
            partition, index=index, limit=page.limit, after=page.after, is_descending=True
        )
        found = self._table.query(asked)
        return Page(tuple(map(items.order_of, found.items)), found.next)


def _entry(row: Item) -> TimelineEntry:
    return TimelineEntry(
        seq=row["aggregate_version"],
        type=row["type"],
        at=row["occurred_at"],
        actor=row["actor"]["type"],
        data={name: value for name, value in row["data"].items() if name not in HIDDEN},
    )
