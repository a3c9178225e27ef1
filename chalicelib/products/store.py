"""Products in the core table: reads by key and index, changes as transactions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.aws.items import Item
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.writes import Write
from chalicelib.kernel.domain_events import Cause
from chalicelib.kernel.errors import Invalid, VersionMismatch
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.products.kept import Kept
from chalicelib.products.keys import (
    category_key,
    product_key,
    slug_key,
    status_partition,
    stock_key,
)
from chalicelib.products.pictures import Picture, media_key, picture_of
from chalicelib.products.product_writes import SKU, additions, changes, next_edition
from chalicelib.products.rows import product_of
from chalicelib.products.rules import Product, ProductStatus, SkuTaken, SlugTaken, Variant
from chalicelib.products.sales import availability
from chalicelib.products.service import Change, Display, Opening


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process remembers of public products for 30 s."""

    products: Kept[Product]
    slugs: Kept[str]


class ProductTable:
    """Products in the core table; implements `service.Products`."""

    def __init__(self, table: Table, memory: Memory, media_base_url: str) -> None:
        self._table = table
        self._memory = memory
        self._media_base_url = media_base_url

    def product(self, product_id: str) -> Product | None:
        """The product as last written."""
        item = self._table.get(product_key(product_id))
        return None if item is None else product_of(item)

    def public_product(self, product_id: str) -> Product | None:
        """From this process' memory if it was read less than 30 s ago."""
        kept = self._memory.products.get(product_id)
        if kept is not None:
            return kept
        product = self.product(product_id)
        # Only public ones are remembered: a draft that is published must show at once.
        if product is not None and product.is_public:
            self._memory.products.keep(product_id, product)
        return product

    def product_id_of(self, slug: str) -> str | None:
        """A slug never moves to another product, so only its absence is read again."""
        kept = self._memory.slugs.get(slug)
        if kept is not None:
            return kept
        item = self._table.get(slug_key(slug))
        return None if item is None else self._memory.slugs.keep(slug, item["product_id"])

    def listed(self, status: ProductStatus, page: PageRequest) -> Page[Product]:
        """Index 2: a status, newest first."""
        return self._page("gsi2", status_partition(status.value), page)

    def in_category(self, category_id: str, page: PageRequest) -> Page[Product]:
        """Index 1: only public products stand in their category's partition."""
        return self._page("gsi1", category_key(category_id)[0], page)

    def _page(self, index: str, partition: str, page: PageRequest) -> Page[Product]:
        query = Query(
            partition, index=index, limit=page.limit, after=page.after, is_descending=True
        )
        found = self._table.query(query)
        return Page(tuple(map(product_of, found.items)), found.next)

    def display(self, product: Product) -> Display:
        """One BatchGet: at most 20 stock rows and 12 media rows."""
        stock_keys = [stock_key(variant.id) for variant in product.variants]
        media_keys = [media_key(picture.media_id) for picture in product.media]
        rows = self._table.batch_get([*stock_keys, *media_keys], is_consistent=True)
        shelves = {
            rows[key]["variant_id"]: availability(rows[key]["available"])
            for key in stock_keys
            if key in rows
        }
        hanging = [rows[key] for key in media_keys if key in rows]
        return Display(product, self._pictures(hanging), shelves)

    def covers(self, products: Sequence[Product]) -> Mapping[str, Picture]:
        """One BatchGet of the first picture of each product."""
        keys = [media_key(hung[0].media_id) for product in products if (hung := product.hung())]
        return self._pictures(list(self._table.batch_get(keys).values()))

    def _pictures(self, rows: Sequence[Item]) -> dict[str, Picture]:
        pictures = (picture_of(row, self._media_base_url) for row in rows)
        return {picture.media_id: picture for picture in pictures if picture is not None}

    def add(self, product: Product, openings: Mapping[str, Opening], cause: Cause) -> None:
        """T8; SlugTaken, SkuTaken or an unknown category, and then nothing is written."""
        _refuse_repeated_skus(product.variants)
        self._transact(additions(product, openings, cause))

    def change(self, change: Change, cause: Cause) -> Product:
        """T9; VersionMismatch if another change came first."""
        try:
            self._transact(changes(change, cause))
        finally:
            self.forget(change.before.id)
        return next_edition(change, cause)

    def forget(self, product_id: str) -> None:
        """Read it afresh next time."""
        self._memory.products.forget(product_id)

    def _transact(self, writes: Sequence[Write]) -> None:
        try:
            self._table.transact(writes)
        except ConditionFailed as failed:
            raise refusal(failed) from failed


def refusal(failed: ConditionFailed) -> Exception:
    """The fact behind the failed conditions of T8 and T9, the first one that has a name."""
    if "root" in failed.labels or "event" in failed.labels:
        return VersionMismatch()
    if "slug" in failed.labels:
        return SlugTaken()
    if any(label.startswith(SKU) for label in failed.labels):
        return SkuTaken()
    if "category" in failed.labels:
        return Invalid.field("category", "unknown_category", "There is no such category.")
    return failed


def _refuse_repeated_skus(variants: Sequence[Variant]) -> None:
    if len({variant.sku for variant in variants}) < len(variants):
        raise SkuTaken("Two variants cannot share a SKU.")
