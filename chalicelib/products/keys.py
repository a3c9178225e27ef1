"""Where the catalogue's rows stand: every key of the slice, as a function."""

from typing import Final

from chalicelib.kernel.ids import body_of

Key = tuple[str, str]

META: Final = "META"
MOVEMENTS: Final = "MOV#"
ALL_CATEGORIES: Final = "CATS"
_LOCATION: Final = "LOC#"


def product_key(product_id: str) -> Key:
    """The product document."""
    return f"PROD#{product_id}", META


def variant_key(variant_id: str) -> Key:
    """The sellable snapshot of a variant."""
    return f"VAR#{variant_id}", META


def slug_key(slug: str) -> Key:
    """The row that makes a slug unique and leads to its product."""
    return f"SLUG#{slug}", META


def sku_key(sku: str) -> Key:
    """The row that makes a SKU unique and leads to its variant."""
    return f"SKU#{sku}", META


def category_key(category_id: str) -> Key:
    """The category; its partition also lists the category's products in index 1."""
    return f"CAT#{category_id}", META


def stock_key(variant_id: str, location: str = "main") -> Key:
    """What is left of a variant at a location."""
    return f"STOCK#{variant_id}", f"{_LOCATION}{location}"


def movement_key(variant_id: str, ref: str, kind: str) -> Key:
    """One movement of a variant; one per cause and kind, sorted by the time of the cause."""
    return f"STOCK#{variant_id}", f"{MOVEMENTS}{body_of(ref)}#{kind}"


def status_partition(status: str) -> str:
    """Index 2: the products of a status."""
    return f"PROD#{status}"


def category_position(position: int, category_id: str) -> str:
    """Index 1: categories sort by position, then by slug."""
    return f"{position:04d}#{category_id}"
