"""Section 10: the demo data, exactly."""

import urllib.request
from typing import Any

import pytest

from local.demo_data import PASSWORD
from local.shop import Shop
from tests.e2e.acceptance.conftest import Core
from tests.e2e.acceptance.shapes import (
    ADDRESS,
    CATEGORY,
    ORDER,
    PREFERENCES,
    PRODUCT,
    PRODUCT_CARD,
    SKU,
    TS,
    USER,
    fits,
    listed,
)

# Slug: price and stock of each variant, as section 10 prints them.
SHELVES: dict[str, tuple[str, dict[str, list[tuple[int, int]]]]] = {
    "ceramics": (
        "CER",
        {
            "tagine-blue": [(3400, 40)],
            "tea-bowl-set": [(2650, 60)],
            "mosaic-plate": [(1800, 80)],
            "glazed-vase": [(4900, 15)],
        },
    ),
    "textiles": (
        "TEX",
        {
            "kilim-runner": [(12900, 5), (18900, 8), (24900, 4)],
            "cotton-throw": [(4500, 30)],
            "silk-scarf": [(3900, 50)] * 3,
            "berber-rug": [(129000, 3)],
        },
    ),
    "lamps": (
        "LAM",
        {
            "brass-lantern": [(5900, 25)],
            "mosaic-lamp": [(7900, 20)],
            "paper-star": [(1200, 100)],
            "desk-oil-lamp": [(2400, 1)],
        },
    ),
    "spices": (
        "SPI",
        {
            "ras-el-hanout": [(650, 200)],
            "saffron-2g": [(1490, 70)],
            "sumac": [(420, 200)],
            "dried-lime": [(390, 0)],
        },
    ),
    "jewellery": (
        "JEW",
        {
            "silver-cuff": [(8800, 12)],
            "amber-pendant": [(6400, 18)],
            "bead-bracelet": [(1600, 90)],
            "filigree-earrings": [(7200, 10)],
        },
    ),
    "tea": (
        "TEA",
        {
            "mint-tea": [(780, 150)],
            "hibiscus": [(560, 150)],
            "tea-pot": [(4200, 35)],
            "tea-glass-set": [(2200, 45)],
        },
    ),
}


def first_stock(merchant: Shop, variant_id: str) -> int:
    """What was there in the beginning, by the oldest movement."""
    path = f"/admin/stock/{variant_id}/movements"
    movements: list[dict[str, Any]] = merchant.get(path, limit=100)["items"]
    if not movements:
        return 0
    oldest = movements[-1]
    return int(oldest["on_hand_delta"]) if oldest["kind"] == "ADJUST" else 0


@pytest.mark.parametrize("category", SHELVES)
def test_shelf(anybody: Shop, merchant: Shop, category: str) -> None:
    """Products, prices, SKUs and first stock of a category."""
    prefix, shelf = SHELVES[category]
    sku_numbers = []
    for slug, variants in shelf.items():
        product = anybody.get(f"/products/by-slug/{slug}")
        fits(product, PRODUCT)
        assert (product["category"], product["status"]) == (category, "ACTIVE")
        assert product["currency"] == "EUR"
        assert product["price_from"] == min(price for price, _ in variants)
        assert [variant["price"] for variant in product["variants"]] == [p for p, _ in variants]
        stocks = [first_stock(merchant, variant["id"]) for variant in product["variants"]]
        assert stocks == [stock for _, stock in variants], slug
        for variant in product["variants"]:
            fits(variant["sku"], SKU)
            assert variant["sku"].startswith(f"{prefix}-")
            sku_numbers.append(int(variant["sku"].removeprefix(f"{prefix}-")))
    assert sku_numbers == list(range(1, len(sku_numbers) + 1))


def test_categories(anybody: Shop) -> None:
    """Six shelves, in order."""
    reply = anybody.get("/categories")
    fits(reply, listed(CATEGORY))
    assert reply["next"] is None
    shown = [category["id"] for category in reply["items"]]
    assert [slug for slug in shown if slug in SHELVES] == list(SHELVES)
    positions = [category["position"] for category in reply["items"]]
    assert positions == sorted(positions)


def test_list_shows_them_all(anybody: Shop) -> None:
    """Twenty-four cards of the contract's fields."""
    slugs = set()
    for category, (_, shelf) in SHELVES.items():
        page = anybody.get("/products", category=category, limit=100)
        fits(page, listed(PRODUCT_CARD))
        mine = {card["slug"] for card in page["items"]}
        assert set(shelf) <= mine
        slugs |= mine & set(shelf)
    assert len(slugs) == 24


def test_pictures(anybody: Shop) -> None:
    """A generated picture, readable without credentials."""
    product = anybody.get("/products/by-slug/tagine-blue")
    assert product["picture"] is not None
    assert len(product["pictures"]) == 1
    for formats in product["picture"]["urls"].values():
        for url in formats.values():
            with urllib.request.urlopen(url) as reply:  # noqa: S310 - the stack's own URL
                assert reply.status == 200


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("admin", "admin"),
        ("merchant", "merchant"),
        ("warehouse", "warehouse"),
        ("support", "support"),
        ("amina", "customer"),
        ("bruno", "customer"),
        ("chen", "customer"),
    ],
)
def test_accounts(anybody: Shop, name: str, role: str) -> None:
    """All with the demo password."""
    user = anybody.sign_in(f"{name}@souk.example", PASSWORD).user
    fits(user, USER)
    assert (user["role"], user["status"], user["mfa_enabled"]) == (role, "ACTIVE", False)
    assert user["email"] == f"{name}@souk.example"


def test_amina(amina: Shop) -> None:
    """One address, two paid orders."""
    addresses = amina.get("/users/me/addresses")
    fits(addresses, listed(ADDRESS))
    assert len(addresses["items"]) == 1
    orders = amina.get("/orders", limit=100)["items"]
    first_two = sorted(orders, key=lambda order: order["placed_at"])[:2]
    for card in first_two:
        order = amina.get(f"/orders/{card['id']}")
        fits(order, ORDER)
        assert order["paid_at"] is not None
        fits(order["paid_at"], TS)
        assert order["payment_status"] in {"CAPTURED", "PARTLY_REFUNDED", "REFUNDED"}


def test_bruno_and_chen(anybody: Shop, core: Core) -> None:
    """Bruno wants text messages; chen has nothing."""
    bruno = anybody.sign_in("bruno@souk.example", PASSWORD)
    wishes = bruno.get("/users/me/preferences")
    fits(wishes, PREFERENCES)
    assert wishes["order_updates"]["sms"] is True
    assert bruno.user["phone"] or bruno.get("/users/me")["phone"]
    chen = anybody.sign_in("chen@souk.example", PASSWORD)
    assert chen.get("/orders")["items"] == []
    assert chen.get("/users/me/addresses")["items"] == []
    assert core.row(f"USER#{chen.user['id']}", "PREFS")
