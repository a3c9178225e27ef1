"""The real adapters for the REST routes of orders, built once per process."""

from functools import lru_cache

from chalicelib.aws.tables import core_table
from chalicelib.edge.gateway import idempotency_records, sealer
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.errors import Unavailable
from chalicelib.kernel.ids import Ids
from chalicelib.orders import gateway_wiring
from chalicelib.orders.metrics import count_change
from chalicelib.orders.placing import PlacingDeps
from chalicelib.orders.reading import ReadingDeps
from chalicelib.orders.records import Customer
from chalicelib.orders.store import TableOrders
from chalicelib.orders.store_lists import TableLists
from chalicelib.orders.store_placing import Addresses, TablePlacements
from chalicelib.orders.wiring_workers import terms
from chalicelib.products.front import sales
from chalicelib.users.people import people


class KnownCustomers:
    """The shop's users; implements `reading.Customers`."""

    def of(self, user_id: str) -> Customer:
        """The customer with this id, the address masked; empty once the account is gone."""
        brief = people().customer_brief(user_id)
        if brief is None:
            return Customer(user_id, "", "")
        return Customer(brief.id, brief.name, brief.email)


@lru_cache(maxsize=1)
def orders() -> TableOrders:
    """The orders of the core table, with the replies of their keys."""
    return TableOrders(core_table(), count_change, idempotency_records())


@lru_cache(maxsize=1)
def addresses() -> Addresses:
    """Seals and opens shipping addresses."""
    return Addresses(sealer())


@lru_cache(maxsize=1)
def front_deps() -> ReadingDeps:
    """For every route but placing."""
    return ReadingDeps(
        orders(),
        SystemClock(),
        Ids(),
        terms(),
        TableLists(core_table()),
        addresses(),
        KnownCustomers(),
    )


@lru_cache(maxsize=1)
def placing_deps() -> PlacingDeps:
    """For placing an order."""
    return PlacingDeps(
        orders(),
        SystemClock(),
        Ids(),
        terms(),
        sales(),
        TablePlacements(core_table(), idempotency_records(), addresses()),
        _provider(),
    )


def _provider() -> str | None:
    try:
        return gateway_wiring.provider()
    except Unavailable:
        return None
