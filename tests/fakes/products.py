"""The catalogue's ports in memory; they pass the same suite as the core table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.domain_events import Cause
from chalicelib.kernel.errors import Invalid, VersionMismatch
from chalicelib.kernel.idempotency import AlreadyAnswered, Once, RecordedReply
from chalicelib.kernel.ids import Ids
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.products import categories, inventory, service
from chalicelib.products.inventory import Adjusted, StockMoved
from chalicelib.products.pictures import Picture
from chalicelib.products.rules import Category, Product, ProductStatus, SkuTaken, SlugTaken
from chalicelib.products.sales import availability
from chalicelib.products.service import Change, Display, Opening
from chalicelib.products.stock import Movement, Stock


class FakeShop:
    """Products, categories and stock in one memory, since their writes meet."""

    def __init__(self) -> None:
        self.products: dict[str, Product] = {}
        self.skus: set[str] = set()
        self.categories: dict[str, Category] = {}
        self.stocks: dict[str, Stock] = {}
        self.ledger: dict[str, list[Movement]] = {}
        self.replies: dict[str, RecordedReply] = {}
        self.events: list[tuple[str, str, int]] = []


class FakeProducts:
    """Implements `service.Products`."""

    def __init__(self, shop: FakeShop) -> None:
        self._shop = shop

    def product(self, product_id: str) -> Product | None:
        return self._shop.products.get(product_id)

    public_product = product

    def product_id_of(self, slug: str) -> str | None:
        return next((p.id for p in self._shop.products.values() if p.slug == slug), None)

    def listed(self, status: ProductStatus, page: PageRequest) -> Page[Product]:
        return _page([p for p in self._shop.products.values() if p.status is status], page)

    def in_category(self, category_id: str, page: PageRequest) -> Page[Product]:
        public = [p for p in self._shop.products.values() if p.is_public]
        return _page([p for p in public if p.category == category_id], page)

    def display(self, product: Product) -> Display:
        stocks = {v.id: self._shop.stocks[v.id] for v in product.variants}
        return Display(product, {}, {v: availability(s.available) for v, s in stocks.items()})

    def covers(self, products: Sequence[Product]) -> Mapping[str, Picture]:
        return {}

    def add(self, product: Product, openings: Mapping[str, Opening], cause: Cause) -> None:
        skus = [variant.sku for variant in product.variants]
        if self.product_id_of(product.slug):
            raise SlugTaken
        if len(set(skus)) < len(skus) or self._shop.skus & set(skus):
            raise SkuTaken
        self._require_category(product.category)
        self._shop.products[product.id] = product
        self._stock(product, openings, cause)
        self._shop.events.append(("ProductCreated", product.id, 1))

    def change(self, change: Change, cause: Cause) -> Product:
        before, after = change.before, change.after
        if self._shop.products[before.id].version != before.version:
            raise VersionMismatch
        known = {variant.id for variant in before.variants}
        if self._shop.skus & {v.sku for v in after.variants if v.id not in known}:
            raise SkuTaken
        self._require_category(after.category)
        version = before.version + 1
        written = replace(after, version=version, updated_at=cause.occurred_at)
        self._shop.products[after.id] = written
        self._stock(written, change.openings, cause)
        self._shop.events.append((change.event.name, after.id, version))
        return written

    def forget(self, product_id: str) -> None:
        """Nothing is remembered here."""

    def _require_category(self, category_id: str) -> None:
        if category_id not in self._shop.categories:
            raise Invalid.field("category", "unknown_category", "There is no such category.")

    def _stock(self, product: Product, openings: Mapping[str, Opening], cause: Cause) -> None:
        for variant in product.variants:
            opening = openings.get(variant.id)
            units = opening.units if opening else 0
            self._shop.skus.add(variant.sku)
            self._shop.stocks.setdefault(
                variant.id,
                Stock(
                    variant_id=variant.id,
                    product_id=product.id,
                    sku=variant.sku,
                    location="main",
                    available=units,
                    reserved=0,
                    on_hand=units,
                    version=0,
                    updated_at=cause.occurred_at,
                ),
            )


class FakeCategories:
    """Implements `categories.Categories`."""

    def __init__(self, shop: FakeShop) -> None:
        self._shop = shop

    def category(self, category_id: str) -> Category | None:
        return self._shop.categories.get(category_id)

    def in_order(self) -> tuple[Category, ...]:
        return tuple(sorted(self._shop.categories.values(), key=lambda one: (one.position, one.id)))

    def count(self) -> int:
        return len(self._shop.categories)

    def open(self, category: Category, cause: Cause) -> None:
        if category.id in self._shop.categories:
            raise SlugTaken
        self._shop.categories[category.id] = category

    def change(self, before: Category, after: Category, cause: Cause) -> Category:
        if self._shop.categories[before.id].version != before.version:
            raise VersionMismatch
        written = replace(after, version=before.version + 1)
        self._shop.categories[after.id] = written
        return written


class FakeStockroom:
    """Implements `inventory.Stockroom`."""

    def __init__(self, shop: FakeShop) -> None:
        self._shop = shop

    def stock(self, variant_id: str) -> Stock | None:
        return self._shop.stocks.get(variant_id)

    def movements(self, variant_id: str, page: PageRequest) -> Page[Movement]:
        return Page(tuple(reversed(self._shop.ledger.get(variant_id, [])))[: page.limit])

    def adjust(self, before: Stock, after: Adjusted, once: Once, cause: Cause) -> None:
        if once.key in self._shop.replies:
            raise AlreadyAnswered(self._shop.replies[once.key])
        if self._shop.stocks[before.variant_id].version != before.version:
            raise StockMoved
        self._shop.stocks[before.variant_id] = after.stock
        self._shop.ledger.setdefault(before.variant_id, []).append(after.movement)
        self._shop.replies[once.key] = once.present(after)


def product_deps(shop: FakeShop) -> service.Deps:
    """Products over this shop."""
    return service.Deps(FakeProducts(shop), SystemClock(), Ids(), "EUR")


def category_deps(shop: FakeShop) -> categories.Deps:
    """Categories over this shop."""
    return categories.Deps(FakeCategories(shop), Ids())


def stock_deps(shop: FakeShop) -> inventory.Deps:
    """Stock over this shop."""
    return inventory.Deps(FakeStockroom(shop), Ids())


def _page(products: list[Product], page: PageRequest) -> Page[Product]:
    ordered = sorted(products, key=lambda p: (p.created_at, p.id), reverse=True)
    start = int(page.after["at"]) if page.after else 0
    end = start + page.limit
    following = {"at": str(end)} if end < len(ordered) else None
    return Page(tuple(ordered[start:end]), following)
