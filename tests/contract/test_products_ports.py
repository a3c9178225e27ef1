"""One suite for the catalogue's fakes and for the core table."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from chalicelib.kernel.domain_events import PRODUCT_UPDATED, Actor, Cause
from chalicelib.kernel.errors import Invalid, VersionMismatch
from chalicelib.kernel.idempotency import AlreadyAnswered, Once, RecordedReply
from chalicelib.kernel.pagination import PageRequest
from chalicelib.products import categories, inventory, service, wiring
from chalicelib.products.inventory import StockMoved
from chalicelib.products.rules import ProductStatus, SkuTaken, SlugTaken
from chalicelib.products.schemas import (
    CategoryChanges,
    NewCategory,
    NewProduct,
    NewVariant,
    ProductChanges,
)
from chalicelib.products.service import Edition
from chalicelib.products.stock import Adjustment, InsufficientStock
from tests.cloud import cloud
from tests.fakes.products import FakeShop, category_deps, product_deps, stock_deps

CAUSE = Cause("2026-03-01T12:00:00.000Z", Actor("staff", "usr_1"), "correlation-1")
# The very same write by the same cause would be taken for one's own, whose reply was lost.
ANOTHER = Cause("2026-03-01T12:00:05.000Z", Actor("staff", "usr_2"), "correlation-2")


@dataclass(frozen=True, slots=True)
class Shop:
    """One implementation of the three ports."""

    products: service.Deps
    categories: categories.Deps
    stock: inventory.Deps


@pytest.fixture(params=["memory", "table"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A shop with one category, in memory and in the table."""
    with cloud():
        if request.param == "memory":
            memory = FakeShop()
            made = Shop(product_deps(memory), category_deps(memory), stock_deps(memory))
        else:
            made = Shop(wiring.deps(), wiring.category_deps(), wiring.stock_deps())
        categories.open_category(NewCategory(title="Tea"), CAUSE, made.categories)
        yield made


def wanted(slug: str, sku: str) -> NewProduct:
    """A request for a product with eight units of one variant."""
    variant = NewVariant(sku=sku, title="One", price=100, initial_stock=8)
    return NewProduct(title="Bowl", slug=slug, category="tea", variants=[variant])


def once(key: str) -> Once:
    """An idempotency key."""
    return Once("usr_1", "POST /x", key, "print", lambda _: RecordedReply(200, b"{}", {}))


def test_product_is_kept_as_it_was_written(shop: Shop) -> None:
    """What is read back equals what was drafted, by id and by slug."""
    drafted = service.draft_product(wanted("bowl", "B-1"), CAUSE, shop.products)
    found = shop.products.products.product(drafted.product.id)
    assert found == drafted.product
    assert shop.products.products.product_id_of("bowl") == drafted.product.id
    assert list(drafted.shelves.values()) == ["in_stock"]
    assert shop.products.products.product("prd_x") is None


def test_names_are_unique(shop: Shop) -> None:
    """A slug or SKU in use is refused, as is an unknown category."""
    service.draft_product(wanted("bowl", "B-1"), CAUSE, shop.products)
    with pytest.raises(SlugTaken):
        service.draft_product(wanted("bowl", "B-2"), CAUSE, shop.products)
    with pytest.raises(SkuTaken):
        service.draft_product(wanted("cup", "B-1"), CAUSE, shop.products)
    nowhere = wanted("cup", "B-3").model_copy(update={"category": "nowhere"})
    with pytest.raises(Invalid):
        service.draft_product(nowhere, CAUSE, shop.products)


def test_change_is_refused_after_another(shop: Shop) -> None:
    """Of two changes to one version the second is refused by the store itself."""
    before = service.draft_product(wanted("bowl", "B-1"), CAUSE, shop.products).product
    after = replace(before, title="Cup")
    change = service.Change(before, after, PRODUCT_UPDATED, ["title"], {})
    assert shop.products.products.change(change, CAUSE).version == 2
    with pytest.raises(VersionMismatch):
        shop.products.products.change(change, ANOTHER)
    wrong = ProductChanges(category="nowhere")
    with pytest.raises(Invalid):
        service.change_product(Edition(before.id, 2), wrong, CAUSE, shop.products)


def test_lists_hold_a_status_and_a_category(shop: Shop) -> None:
    """Published products stand in their category, drafts do not; pages follow each other."""
    made = []
    for n in range(3):
        later = replace(CAUSE, occurred_at=f"2026-03-01T12:00:0{n}.000Z")
        drafted = service.draft_product(wanted(f"bowl-{n}", f"B-{n}"), later, shop.products)
        made.append(drafted.product.id)
        if n:
            service.publish_product(drafted.product.id, later, shop.products)
    products = shop.products.products
    drafts = products.listed(ProductStatus.DRAFT, PageRequest(10))
    assert [p.id for p in drafts.items] == made[:1]
    first = products.in_category("tea", PageRequest(1))
    rest = products.in_category("tea", PageRequest(1, first.next))
    assert [p.id for p in (*first.items, *rest.items)] == [made[2], made[1]]
    assert products.covers(first.items) == {}


def test_categories_keep_their_order_and_version(shop: Shop) -> None:
    """Position decides; a change to an old version is refused."""
    lamps = categories.open_category(NewCategory(title="Lamps", position=1), CAUSE, shop.categories)
    assert [one.id for one in shop.categories.categories.in_order()] == ["lamps", "tea"]
    changes = CategoryChanges(hidden=True)
    changed = categories.change_category("lamps", 1, changes, CAUSE, shop.categories)
    assert (changed.hidden, changed.version) == (True, 2)
    with pytest.raises(VersionMismatch):
        shop.categories.categories.change(lamps, changed, ANOTHER)
    with pytest.raises(SlugTaken):
        shop.categories.categories.open(lamps, ANOTHER)
    assert [one.id for one in categories.shown_categories(shop.categories)] == ["tea"]


def test_stock_moves_once_per_key(shop: Shop) -> None:
    """A key's second use and a stale row are refused; the ledger has one line."""
    product = service.draft_product(wanted("bowl", "B-1"), CAUSE, shop.products).product
    variant_id = product.variants[0].id
    before = inventory.read_stock(variant_id, shop.stock)
    less = Adjustment(-3, "damage", None, None)
    after = inventory.adjust_stock(variant_id, less, once("k1"), CAUSE, shop.stock)
    assert inventory.read_stock(variant_id, shop.stock) == after.stock
    with pytest.raises(AlreadyAnswered):
        shop.stock.stockroom.adjust(after.stock, after, once("k1"), CAUSE)
    with pytest.raises(StockMoved):
        shop.stock.stockroom.adjust(before, after, once("k2"), CAUSE)
    much = Adjustment(-6, "damage", None, None)
    with pytest.raises(InsufficientStock):
        inventory.adjust_stock(variant_id, much, once("k3"), CAUSE, shop.stock)
    page = inventory.list_movements(variant_id, PageRequest(1), shop.stock)
    assert page.items == (after.movement,)
