"""Stock and its movements: what staff count, receive and write off; pure and total."""

from dataclasses import dataclass, replace
from typing import Final

from chalicelib.kernel.errors import Conflict

ADJUST: Final = "ADJUST"
FIRST_REASON: Final = "receive"


class InsufficientStock(Conflict):
    """The adjustment would take more than is available."""

    code = "insufficient_stock"
    message = "Fewer units are available than this would take away."


class StockChanged(Conflict):
    """What is on hand is not what the caller counted on."""

    code = "stock_changed"
    message = "The stock on hand is not what you expected; read it again."


@dataclass(frozen=True, slots=True)
class Stock:
    """What is left of a variant at a location; on hand = available + reserved."""

    variant_id: str
    product_id: str
    sku: str
    location: str
    available: int
    reserved: int
    on_hand: int
    version: int
    updated_at: str


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the ledger: what moved, because of what, by whom."""

    ref: str
    kind: str
    available_delta: int
    reserved_delta: int
    on_hand_delta: int
    reason: str | None
    note: str | None
    actor: str
    at: str


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What staff found: so many units more or fewer, and why."""

    delta: int
    reason: str
    expected_on_hand: int | None
    note: str | None


def adjusted(stock: Stock, adjustment: Adjustment, at: str) -> Stock:
    """The stock after an adjustment; StockChanged or InsufficientStock if it cannot be."""
    if adjustment.expected_on_hand not in {None, stock.on_hand}:
        raise StockChanged
    if stock.available + adjustment.delta < 0:
        raise InsufficientStock
    return replace(
        stock,
        available=stock.available + adjustment.delta,
        on_hand=stock.on_hand + adjustment.delta,
        version=stock.version + 1,
        updated_at=at,
    )


def adjusting(adjustment: Adjustment, ref: str, actor: str, at: str) -> Movement:
    """The movement that an adjustment leaves in the ledger."""
    return Movement(
        ref=ref,
        kind=ADJUST,
        available_delta=adjustment.delta,
        reserved_delta=0,
        on_hand_delta=adjustment.delta,
        reason=adjustment.reason,
        note=adjustment.note,
        actor=actor,
        at=at,
    )
