"""Prices, slugs, states and pictures of products."""

import pytest

from chalicelib.products.rules import (
    Hanging,
    NothingToSell,
    Product,
    ProductStatus,
    TooMany,
    Variant,
    archived,
    changed_fields,
    published,
    slug_of,
    with_changed_variant,
    with_picture,
    with_variant,
    without_picture,
)
from chalicelib.products.sales import availability
from chalicelib.products.stock import (
    Adjustment,
    InsufficientStock,
    Stock,
    StockChanged,
    adjusted,
)


def a_variant(number: int = 1, *, price: int = 100, active: bool = True) -> Variant:
    """A variant."""
    return Variant(f"var_{number}", "prd_1", f"V-{number}", "One", {}, price, "EUR", active)


def a_product(*variants: Variant, media: tuple[Hanging, ...] = ()) -> Product:
    """A draft."""
    return Product(
        id="prd_1",
        slug="bowl",
        title="Bowl",
        description="",
        category="tea",
        status=ProductStatus.DRAFT,
        attributes={},
        media=media,
        variants=variants or (a_variant(),),
        currency="EUR",
        created_at="2026-03-01T12:00:00.000Z",
        updated_at="2026-03-01T12:00:00.000Z",
        version=1,
    )


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Blue tagine", "blue-tagine"),
        ("  Ras el-Hanout: 50 g!  ", "ras-el-hanout-50-g"),
        ("Crème brûlée", "creme-brulee"),
        ("شاي", ""),
        ("x" * 79 + " yy", "x" * 79),
    ],
)
def test_slug_is_made_of_latin_letters_and_digits(title: str, slug: str) -> None:
    """Accents fall off, the rest becomes hyphens, the length is bounded."""
    assert slug_of(title) == slug


def test_price_from_counts_active_variants() -> None:
    """The cheapest active one; without any the cheapest of all."""
    cheap, dear = a_variant(1, price=50, active=False), a_variant(2, price=90)
    assert a_product(cheap, dear).price_from == 90
    assert a_product(cheap).price_from == 50


def test_publishing_needs_something_to_sell() -> None:
    """No active variant, no shop window."""
    with pytest.raises(NothingToSell):
        published(a_product(a_variant(active=False)))
    assert published(a_product()).is_public
    assert not archived(published(a_product())).is_public


def test_limits_of_a_product() -> None:
    """Twenty variants and twelve pictures."""
    with pytest.raises(TooMany):
        with_variant(a_product(*map(a_variant, range(20))), a_variant(21))
    wall = tuple(Hanging(f"med_{n}", "", n) for n in range(12))
    with pytest.raises(TooMany):
        with_picture(a_product(media=wall), Hanging("med_x", "", 0))
    again = with_picture(a_product(media=wall), Hanging("med_3", "new", 3))
    assert again.media[3].alt == "new"


def test_pictures_hang_by_position() -> None:
    """The lowest position comes first, equal ones in the order they were hung."""
    product = a_product()
    for name, position in (("a", 5), ("b", 0), ("c", 5)):
        product = with_picture(product, Hanging(name, "", position))
    assert [picture.media_id for picture in product.hung()] == ["b", "a", "c"]
    assert [p.media_id for p in without_picture(product, "b").hung()] == ["a", "c"]


def test_changed_fields_name_what_differs() -> None:
    """Versions and times do not count."""
    before = a_product()
    after = with_changed_variant(before, a_variant(price=70))
    assert changed_fields(before, after) == ["variants"]
    assert changed_fields(before, before) == []
    assert after.variant("var_1") == a_variant(price=70)
    assert after.variant("var_9") is None


def test_availability_has_three_bands() -> None:
    """0 is out, 1 to 5 low, more in stock."""
    assert [availability(n) for n in (0, 1, 5, 6)] == ["out", "low", "low", "in_stock"]


def test_adjustment_keeps_the_sum() -> None:
    """On hand stays available plus reserved; promises and expectations are kept."""
    stock = Stock("var_1", "prd_1", "V-1", "main", 6, 4, 10, 3, "t0")
    more = adjusted(stock, Adjustment(5, "receive", 10, None), "t1")
    assert (more.available, more.reserved, more.on_hand, more.version) == (11, 4, 15, 4)
    with pytest.raises(InsufficientStock):
        adjusted(stock, Adjustment(-7, "damage", None, None), "t1")
    with pytest.raises(StockChanged):
        adjusted(stock, Adjustment(1, "count", 9, None), "t1")
