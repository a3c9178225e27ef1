"""The real adapters of products, built once per process."""

from functools import lru_cache

from chalicelib.aws.settings import settings
from chalicelib.aws.tables import core_table
from chalicelib.edge.gateway import idempotency_records
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.ids import Ids
from chalicelib.products import categories, inventory, service
from chalicelib.products.category_store import CategoryTable
from chalicelib.products.kept import Kept
from chalicelib.products.stock_store import StockTable
from chalicelib.products.store import Memory, ProductTable


@lru_cache(maxsize=1)
def deps() -> service.Deps:
    """What the use cases of products need."""
    clock = SystemClock()
    memory = Memory(Kept(clock), Kept(clock))
    products = ProductTable(core_table(), memory, settings().media_base_url)
    return service.Deps(products, clock, Ids(), settings().shop_currency)


@lru_cache(maxsize=1)
def category_deps() -> categories.Deps:
    """What the use cases of categories need."""
    return categories.Deps(CategoryTable(core_table(), Kept(SystemClock())), Ids())


@lru_cache(maxsize=1)
def stock_deps() -> inventory.Deps:
    """What the use cases of stock need."""
    return inventory.Deps(StockTable(core_table(), idempotency_records()), Ids())
