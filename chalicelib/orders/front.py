"""Orders for other slices' wiring: whose an order is, and how it stands."""

from dataclasses import dataclass
from functools import lru_cache

from chalicelib.aws.table import Table
from chalicelib.aws.tables import core_table
from chalicelib.orders.keys import order_key, payment_key


@dataclass(frozen=True, slots=True)
class OrderBrief:
    """An order as those are told who follow it."""

    id: str
    number: str
    user_id: str
    status: str
    payment_status: str | None
    cancel_requested: bool
    version: int
    payment_id: str | None


class TableOrderBriefs:
    """Reads orders and payments from the core table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, order_id: str) -> OrderBrief | None:
        """The order as last written; None for no such order."""
        row = self._table.get(order_key(order_id))
        if row is None:
            return None
        return OrderBrief(
            id=row["id"],
            number=row["number"],
            user_id=row["user_id"],
            status=row["status"],
            payment_status=row.get("payment_status"),
            cancel_requested=bool(row.get("cancel_requested")),
            version=row["version"],
            payment_id=row.get("payment_id"),
        )

    def action_url(self, order_id: str, payment_id: str) -> str | None:
        """Where the customer confirms a payment, while it waits for that."""
        row = self._table.get(payment_key(order_id, payment_id))
        return row.get("action_url") if row else None


@lru_cache(maxsize=1)
def order_briefs() -> TableOrderBriefs:
    """The orders of this process."""
    return TableOrderBriefs(core_table())
