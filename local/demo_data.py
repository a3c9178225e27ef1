"""The demo shop: who is there, what is for sale (docs/domain.md, section 10)."""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Person:
    """An account; staff have a role other than customer."""

    email: str
    name: str
    role: str = "customer"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to buy a product: price in minor units, pieces in stock."""

    price: int
    stock: int
    title: str = "Standard"
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Product:
    """One product and its variants."""

    slug: str
    description: str
    variants: tuple[Variant, ...]

    @property
    def title(self) -> str:
        """The slug as a person would write it."""
        return self.slug.replace("-", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf; its products are numbered through with the SKU prefix."""

    slug: str
    sku_prefix: str
    description: str
    products: tuple[Product, ...]


def _one(slug: str, price: int, stock: int, description: str) -> Product:
    return Product(slug, description, (Variant(price, stock),))


def _sized(*sizes: tuple[str, int, int]) -> tuple[Variant, ...]:
    return tuple(Variant(price, stock, f"Size {it}", {"size": it}) for it, price, stock in sizes)


def _coloured(price: int, stock: int, *colours: str) -> tuple[Variant, ...]:
    return tuple(Variant(price, stock, it.capitalize(), {"colour": it}) for it in colours)


PASSWORD: Final = "demo-Souk-2026-pass"

ADMIN: Final = Person("admin@souk.example", "Aicha Admin", "admin")
MERCHANT: Final = Person("merchant@souk.example", "Mehdi Merchant", "merchant")
STAFF: Final = (
    ADMIN,
    MERCHANT,
    Person("warehouse@souk.example", "Wassim Warehouse", "warehouse"),
    Person("support@souk.example", "Salma Support", "support"),
)
AMINA: Final = Person("amina@souk.example", "Amina Haddad")
BRUNO: Final = Person("bruno@souk.example", "Bruno Keller")
CHEN: Final = Person("chen@souk.example", "Chen Li")
PEOPLE: Final = (*STAFF, AMINA, BRUNO, CHEN)

BRUNOS_PHONE: Final = "+4915112345678"
AMINAS_ADDRESS: Final = {
    "name": "Amina Haddad",
    "line1": "12 Rue des Potiers",
    "city": "Lyon",
    "postal_code": "69001",
    "country": "FR",
}
# Two paid orders of amina: (product, pieces).
AMINAS_ORDERS: Final = ((("tea-bowl-set", 1),), (("mint-tea", 2), ("tea-glass-set", 1)))

CATEGORIES: Final = (
    Category(
        "ceramics",
        "CER",
        "Thrown, glazed and fired by hand.",
        (
            _one("tagine-blue", 3400, 40, "A glazed tagine for four, safe in the oven."),
            _one("tea-bowl-set", 2650, 60, "Six small bowls, no two alike."),
            _one("mosaic-plate", 1800, 80, "A serving plate of cut tiles."),
            _one("glazed-vase", 4900, 15, "A tall vase in green glaze."),
        ),
    ),
    Category(
        "textiles",
        "TEX",
        "Woven wool, cotton and silk.",
        (
            Product(
                "kilim-runner",
                "A flat-woven runner, wool on cotton.",
                _sized(("S", 12900, 5), ("M", 18900, 8), ("L", 24900, 4)),
            ),
            _one("cotton-throw", 4500, 30, "A light throw with knotted fringes."),
            Product(
                "silk-scarf",
                "A square of dyed silk.",
                _coloured(3900, 50, "red", "green", "blue"),
            ),
            _one("berber-rug", 129000, 3, "A deep-pile rug, two metres by three."),
        ),
    ),
    Category(
        "lamps",
        "LAM",
        "Light for the table and the courtyard.",
        (
            _one("brass-lantern", 5900, 25, "Pierced brass that throws a pattern on the wall."),
            _one("mosaic-lamp", 7900, 20, "A lamp of coloured glass."),
            _one("paper-star", 1200, 100, "A folding star for one bulb."),
            _one("desk-oil-lamp", 2400, 1, "A small oil lamp; the last piece."),
        ),
    ),
    Category(
        "spices",
        "SPI",
        "Ground to order, in tins.",
        (
            _one("ras-el-hanout", 650, 200, "Twenty-four spices in one tin."),
            _one("saffron-2g", 1490, 70, "Two grams of threads."),
            _one("sumac", 420, 200, "Sour and red, for salads."),
            _one("dried-lime", 390, 0, "Whole dried limes for stews."),
        ),
    ),
    Category(
        "jewellery",
        "JEW",
        "Silver, amber and beads.",
        (
            _one("silver-cuff", 8800, 12, "A hammered cuff of sterling silver."),
            _one("amber-pendant", 6400, 18, "A polished drop of amber."),
            _one("bead-bracelet", 1600, 90, "Glass beads on an elastic thread."),
            _one("filigree-earrings", 7200, 10, "Fine wire, soldered by hand."),
        ),
    ),
    Category(
        "tea",
        "TEA",
        "Leaves, and what one needs to drink them.",
        (
            _one("mint-tea", 780, 150, "Green tea with spearmint."),
            _one("hibiscus", 560, 150, "Dried flowers for a red infusion."),
            _one("tea-pot", 4200, 35, "A steel pot with a long spout."),
            _one("tea-glass-set", 2200, 45, "Six decorated glasses."),
        ),
    ),
)
