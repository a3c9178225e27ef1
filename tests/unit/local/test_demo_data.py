"""The demo shop is the one that docs/domain.md, section 10, promises."""

from local.demo_data import AMINAS_ORDERS, CATEGORIES, PEOPLE

PRODUCTS = {product.slug: product for shelf in CATEGORIES for product in shelf.products}


def test_twenty_four_products_on_six_shelves() -> None:
    """Four on each."""
    assert [len(shelf.products) for shelf in CATEGORIES] == [4] * 6
    assert len(PRODUCTS) == 24


def test_prices_and_stock_that_the_journey_relies_on() -> None:
    """Minor units and pieces."""
    told = {
        slug: (PRODUCTS[slug].variants[0].price, PRODUCTS[slug].variants[0].stock)
        for slug in ("tagine-blue", "berber-rug", "desk-oil-lamp", "dried-lime")
    }
    assert told == {
        "tagine-blue": (3400, 40),
        "berber-rug": (129000, 3),
        "desk-oil-lamp": (2400, 1),
        "dried-lime": (390, 0),
    }


def test_seven_people_with_four_roles_of_staff() -> None:
    """Role = name for staff."""
    assert [person.email.split("@")[0] for person in PEOPLE] == [
        "admin", "merchant", "warehouse", "support", "amina", "bruno", "chen",
    ]  # fmt: skip
    assert {person.role for person in PEOPLE} == {
        "admin", "merchant", "warehouse", "support", "customer",
    }  # fmt: skip


def test_amina_orders_twice_what_there_is() -> None:
    """Both orders can be paid, neither needs a review."""
    assert len(AMINAS_ORDERS) == 2
    for lines in AMINAS_ORDERS:
        assert all(PRODUCTS[slug].variants[0].stock >= pieces for slug, pieces in lines)
