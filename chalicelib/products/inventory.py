"""Stock as staff see and correct it; orders move it through the ledger instead."""

from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from chalicelib.kernel.domain_events import Cause
from chalicelib.kernel.errors import NotFound, Unavailable
from chalicelib.kernel.idempotency import Once
from chalicelib.kernel.ids import Ids
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.products.stock import Adjustment, Movement, Stock, adjusted, adjusting

ADJUST_TRIES: Final = 5


class Adjusted(NamedTuple):
    """The stock after an adjustment, and the movement it left."""

    stock: Stock
    movement: Movement
    expected_on_hand: int | None


class StockMoved(Exception):
    """The stock row changed between reading and writing it."""


class Stockroom(Protocol):
    """Where stock and its ledger are kept."""

    def stock(self, variant_id: str) -> Stock | None:
        """The stock of a variant as last written."""
        ...

    def movements(self, variant_id: str, page: PageRequest) -> Page[Movement]:
        """What moved it, newest cause first."""
        ...

    def adjust(self, before: Stock, after: Adjusted, once: Once, cause: Cause) -> None:
        """Write an adjustment once per key; StockMoved if `before` is no longer so."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """What the use cases of stock need."""

    stockroom: Stockroom
    ids: Ids


def read_stock(variant_id: str, deps: Deps) -> Stock:
    """What is left of a variant."""
    stock = deps.stockroom.stock(variant_id)
    if stock is None:
        raise NotFound
    return stock


def list_movements(variant_id: str, page: PageRequest, deps: Deps) -> Page[Movement]:
    """The ledger of a variant; NotFound for an unknown one."""
    read_stock(variant_id, deps)
    return deps.stockroom.movements(variant_id, page)


def adjust_stock(
    variant_id: str, adjustment: Adjustment, once: Once, cause: Cause, deps: Deps
) -> Adjusted:
    """Count units in or out, once per key; InsufficientStock or StockChanged, and then nothing.

    An adjustment or a sale that came between is read again, and the answer judged anew.
    """
    ref = deps.ids.new("mov")
    for _ in range(ADJUST_TRIES):
        before = read_stock(variant_id, deps)
        after = adjusted(before, adjustment, cause.occurred_at)
        movement = adjusting(adjustment, ref, cause.actor.id, cause.occurred_at)
        result = Adjusted(after, movement, adjustment.expected_on_hand)
        try:
            deps.stockroom.adjust(before, result, once, cause)
        except StockMoved:
            continue
        return result
    raise Unavailable
