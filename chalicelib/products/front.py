"""The catalogue for other slices' wiring: prices and availability read from the core table."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from chalicelib.aws.table import Table
from chalicelib.aws.tables import core_table
from chalicelib.products.keys import stock_key, variant_key
from chalicelib.products.sales import Sellable, Shelf, availability


class TableSales:
    """Reads the sellable snapshots and stock rows; implements `sales.Sales`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def sellable(self, variant_ids: Sequence[str]) -> Mapping[str, Sellable]:
        """One BatchGet; prices and states as last written."""
        rows = self._table.batch_get([variant_key(v) for v in variant_ids], is_consistent=True)
        return {
            row["variant_id"]: Sellable(
                product_id=row["product_id"],
                sku=row["sku"],
                title=row["title"],
                variant_title=row["variant_title"],
                unit_price=row["price"],
                currency=row["currency"],
                is_sellable=row["active"] and row["product_status"] == "ACTIVE",
            )
            for row in rows.values()
        }

    def availability_of(self, variant_ids: Sequence[str]) -> Mapping[str, Shelf]:
        """One BatchGet of stock rows."""
        rows = self._table.batch_get([stock_key(v) for v in variant_ids], is_consistent=True)
        return {
            row["variant_id"]: Shelf(row["product_id"], availability(row["available"]))
            for row in rows.values()
        }


@lru_cache(maxsize=1)
def sales() -> TableSales:
    """The catalogue of this process."""
    return TableSales(core_table())
