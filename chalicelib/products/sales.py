"""What other slices may ask of the catalogue: what is for sale at what price, what is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

Availability = Literal["in_stock", "low", "out"]
LOW_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Sellable:
    """A variant as an order line remembers it; prices in minor units."""

    product_id: str
    sku: str
    title: str
    variant_title: str
    unit_price: int
    currency: str
    is_sellable: bool


@dataclass(frozen=True, slots=True)
class Shelf:
    """How much customers are told about what is left of a variant."""

    product_id: str
    availability: Availability


class Sales(Protocol):
    """The catalogue as orders and live pages see it; unknown variants are left out."""

    def sellable(self, variant_ids: Sequence[str]) -> Mapping[str, Sellable]:
        """The variants by id (one read of at most 100)."""
        ...

    def availability_of(self, variant_ids: Sequence[str]) -> Mapping[str, Shelf]:
        """What is left of the variants by id, never from a cache."""
        ...


def availability(available: int) -> Availability:
    """Out at 0, low from 1 to 5, in stock above."""
    if available > LOW_MAX:
        return "in_stock"
    return "low" if available > 0 else "out"
