"""Use cases of products over the fake shop."""

from dataclasses import replace

import pytest

from chalicelib.kernel.domain_events import Actor, Cause
from chalicelib.kernel.errors import NotFound, VersionMismatch
from chalicelib.kernel.pagination import PageRequest
from chalicelib.products import categories, service
from chalicelib.products.pictures import picture_of
from chalicelib.products.rules import CATEGORIES_MAX, Product, ProductStatus, TooMany
from chalicelib.products.schemas import NewCategory, NewProduct, NewVariant
from chalicelib.products.service import Change, Deps
from tests.fakes.products import FakeProducts, FakeShop, category_deps, product_deps

CAUSE = Cause("2026-03-01T12:00:00.000Z", Actor("staff", "usr_1"), "correlation-1")


class Interrupted(FakeProducts):
    """Somebody else changes the product before the first `losses` writes arrive."""

    def __init__(self, shop: FakeShop, losses: int) -> None:
        super().__init__(shop)
        self._shop = shop
        self._losses = losses

    def change(self, change: Change, cause: Cause) -> Product:
        """Lose the race first."""
        if self._losses:
            self._losses -= 1
            rival = replace(change.before, title="Theirs")
            super().change(Change(change.before, rival, change.event, ["title"], {}), cause)
        return super().change(change, cause)


@pytest.fixture
def shop() -> FakeShop:
    """A shop with one category and one draft."""
    shop = FakeShop()
    categories.open_category(NewCategory(title="Tea"), CAUSE, category_deps(shop))
    variant = NewVariant(sku="B-1", title="One", price=100)
    wanted = NewProduct(title="Bowl", category="tea", variants=[variant])
    service.draft_product(wanted, CAUSE, product_deps(shop))
    return shop


def the_id(shop: FakeShop) -> str:
    """The id of the only product."""
    return next(iter(shop.products))


def interrupted(shop: FakeShop, losses: int) -> Deps:
    """Deps in which a rival wins `losses` times."""
    return replace(product_deps(shop), products=Interrupted(shop, losses))


def test_publishing_reads_again_after_a_rival(shop: FakeShop) -> None:
    """A change that came between is kept, and the product is published."""
    display = service.publish_product(the_id(shop), CAUSE, interrupted(shop, 2))
    assert (display.product.title, display.product.status) == ("Theirs", ProductStatus.ACTIVE)
    assert display.product.version == 4


def test_publishing_gives_up_after_four_rivals(shop: FakeShop) -> None:
    """The caller is told that the product keeps changing."""
    with pytest.raises(VersionMismatch):
        service.publish_product(the_id(shop), CAUSE, interrupted(shop, 4))


def test_unknown_things_are_not_found(shop: FakeShop) -> None:
    """Unknown products, slugs and drafts look the same to customers."""
    deps = product_deps(shop)
    with pytest.raises(NotFound):
        service.show_product("prd_x", deps)
    with pytest.raises(NotFound):
        service.show_product(the_id(shop), deps)
    with pytest.raises(NotFound):
        service.show_product_by_slug("cup", deps)
    with pytest.raises(NotFound):
        service.inspect_product("prd_x", deps)


def test_browsing_shows_public_products(shop: FakeShop) -> None:
    """All of them, or those of a category."""
    deps = product_deps(shop)
    assert service.browse_products(None, PageRequest(), deps).page.items == ()
    service.publish_product(the_id(shop), CAUSE, deps)
    assert len(service.browse_products(None, PageRequest(), deps).page.items) == 1
    assert len(service.browse_products("tea", PageRequest(), deps).page.items) == 1


def test_two_hundred_categories_are_the_limit(shop: FakeShop) -> None:
    """The next one is refused."""
    deps = category_deps(shop)
    for number in range(CATEGORIES_MAX - 1):
        categories.open_category(NewCategory(title=f"C {number}"), CAUSE, deps)
    with pytest.raises(TooMany):
        categories.open_category(NewCategory(title="One more"), CAUSE, deps)


def test_picture_needs_every_rendition() -> None:
    """Twelve renditions make a picture; eleven, or a deleted row, make none."""
    renditions = [
        {"name": name, "format": kind, "key": f"media/med_1/{name}-1.{kind}"}
        for name in ("thumb", "small", "medium", "large")
        for kind in ("avif", "webp", "jpeg")
    ]
    row = {"id": "med_1", "status": "READY", "placeholder": "#a0b1c2", "width": 3, "height": 2}
    picture = picture_of({**row, "renditions": renditions}, "https://cdn.example")
    assert picture is not None
    assert picture.urls["small"]["webp"] == "https://cdn.example/media/med_1/small-1.webp"
    assert picture_of({**row, "renditions": renditions[1:]}, "") is None
    assert picture_of({**row, "status": "DELETED", "renditions": renditions}, "") is None
    assert picture_of(row, "") is None
