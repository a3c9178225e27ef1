"""Items of the catalogue and back: the one mapping between rows and entities."""

from dataclasses import asdict
from typing import Any

from chalicelib.aws.items import Item
from chalicelib.products.keys import (
    ALL_CATEGORIES,
    category_key,
    category_position,
    movement_key,
    product_key,
    sku_key,
    slug_key,
    status_partition,
    stock_key,
    variant_key,
)
from chalicelib.products.rules import Category, Hanging, Product, ProductStatus, Variant
from chalicelib.products.stock import Movement, Stock


def product_fields(product: Product) -> dict[str, Any]:  # Any: an item
    """All attributes of the document but its keys; None where an index key must go."""
    by_time = f"{product.created_at}#{product.id}"
    return {
        **asdict(product),
        "status": product.status.value,
        "price_from": product.price_from,
        "gsi1pk": category_key(product.category)[0] if product.is_public else None,
        "gsi1sk": by_time if product.is_public else None,
        "gsi2pk": status_partition(product.status.value),
        "gsi2sk": by_time,
    }


def product_item(product: Product) -> Item:
    """The product document."""
    return _at(product_key(product.id), product_fields(product))


def product_of(item: Item) -> Product:
    """The product in its document."""
    return Product(
        id=item["id"],
        slug=item["slug"],
        title=item["title"],
        description=item["description"],
        category=item["category"],
        status=ProductStatus(item["status"]),
        attributes=item["attributes"],
        media=tuple(Hanging(**one) for one in item["media"]),
        variants=tuple(Variant(**one) for one in item["variants"]),
        currency=item["currency"],
        created_at=item["created_at"],
        updated_at=item["updated_at"],
        version=item["version"],
    )


def snapshot_fields(product: Product, variant: Variant) -> dict[str, Any]:  # Any: an item
    """What a sale needs of a variant, in a row of its own."""
    return {
        "variant_id": variant.id,
        "product_id": product.id,
        "sku": variant.sku,
        "title": product.title,
        "variant_title": variant.title,
        "price": variant.price,
        "currency": variant.currency,
        "active": variant.active,
        "product_status": product.status.value,
    }


def snapshot_item(product: Product, variant: Variant) -> Item:
    """The sellable snapshot of a variant."""
    return _at(variant_key(variant.id), snapshot_fields(product, variant))


def slug_item(product: Product) -> Item:
    """Makes the slug unique and leads to the product."""
    return _at(slug_key(product.slug), {"product_id": product.id})


def sku_item(variant: Variant) -> Item:
    """Makes the SKU unique and leads to the variant."""
    return _at(sku_key(variant.sku), {"variant_id": variant.id, "product_id": variant.product_id})


def category_fields(category: Category) -> dict[str, Any]:  # Any: an item
    """All attributes of a category but its keys."""
    return {
        **asdict(category),
        "gsi1pk": ALL_CATEGORIES,
        "gsi1sk": category_position(category.position, category.id),
    }


def category_item(category: Category) -> Item:
    """The category row."""
    return _at(category_key(category.id), category_fields(category))


def category_of(item: Item) -> Category:
    """The category in its row."""
    return Category(
        id=item["id"],
        title=item["title"],
        description=item["description"],
        position=item["position"],
        hidden=item["hidden"],
        version=item["version"],
    )


def stock_item(stock: Stock) -> Item:
    """The stock row."""
    return _at(stock_key(stock.variant_id, stock.location), asdict(stock))


def stock_of(item: Item) -> Stock:
    """The stock in its row."""
    return Stock(
        variant_id=item["variant_id"],
        product_id=item["product_id"],
        sku=item["sku"],
        location=item["location"],
        available=item["available"],
        reserved=item["reserved"],
        on_hand=item["on_hand"],
        version=item["version"],
        updated_at=item["updated_at"],
    )


def movement_item(variant_id: str, movement: Movement) -> Item:
    """One line of the ledger."""
    return _at(movement_key(variant_id, movement.ref, movement.kind), asdict(movement))


def movement_of(item: Item) -> Movement:
    """The movement in its row."""
    return Movement(
        ref=item["ref"],
        kind=item["kind"],
        available_delta=item["available_delta"],
        reserved_delta=item["reserved_delta"],
        on_hand_delta=item["on_hand_delta"],
        reason=item.get("reason"),
        note=item.get("note"),
        actor=item["actor"],
        at=item["at"],
    )


def _at(key: tuple[str, str], fields: dict[str, Any]) -> Item:  # Any: an item
    return {"pk": key[0], "sk": key[1], **fields}
