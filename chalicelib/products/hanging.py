"""Pictures hung at and taken from products, as writes for media's transactions.

Media changes its own row and the product in one transaction; the product's part is made here,
from the product as it was just read. Labels of these writes begin with `product:`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from chalicelib.aws.writes import Write, relabelled
from chalicelib.kernel.domain_events import PRODUCT_UPDATED, Cause
from chalicelib.products.product_writes import changes, next_edition
from chalicelib.products.rules import Hanging, Product, with_picture, without_picture
from chalicelib.products.service import Change, Display, Products
from chalicelib.products.wiring import deps

LABEL: Final = "product:"


class Rehung(NamedTuple):
    """The product as the writes will leave it, and the writes."""

    product: Product
    writes: Sequence[Write]


class Wall:
    """The pictures of products, for media to change."""

    def __init__(self, products: Products) -> None:
        self._products = products

    def hang(
        self, product_id: str, media_id: str, alt: str, position: int, cause: Cause
    ) -> Rehung | None:
        """Hang a picture, or hang it anew; None if there is no such product, TooMany at twelve."""
        hanging = Hanging(media_id, alt, position)
        return self._rehung(product_id, lambda product: with_picture(product, hanging), cause)

    def take_down(self, product_id: str, media_id: str, cause: Cause) -> Rehung | None:
        """Take a picture down; no writes if it does not hang there."""
        return self._rehung(product_id, lambda one: without_picture(one, media_id), cause)

    def display(self, product_id: str) -> Display | None:
        """The product as it stands now, with what is shown beside it."""
        self._products.forget(product_id)
        product = self._products.product(product_id)
        return None if product is None else self._products.display(product)

    def _rehung(
        self, product_id: str, change: Callable[[Product], Product], cause: Cause
    ) -> Rehung | None:
        before = self._products.product(product_id)
        if before is None:
            return None
        after = change(before)
        if after == before:
            return Rehung(before, ())
        step = Change(before, after, PRODUCT_UPDATED, ["media"], {})
        labelled = [relabelled(write, LABEL) for write in changes(step, cause)]
        return Rehung(next_edition(step, cause), labelled)


@lru_cache(maxsize=1)
def wall() -> Wall:
    """The pictures of this process' products."""
    return Wall(deps().products)
