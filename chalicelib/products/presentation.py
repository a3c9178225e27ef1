"""How the catalogue's records look in replies; media shows products through here too."""

from dataclasses import asdict
from typing import Any

from chalicelib.products.inventory import Adjusted
from chalicelib.products.pictures import Picture
from chalicelib.products.rules import Category, Hanging, Product
from chalicelib.products.schemas import (
    AdjustedView,
    CategoryView,
    MovementView,
    PictureUrls,
    PictureView,
    ProductCard,
    ProductView,
    StockView,
    VariantView,
)
from chalicelib.products.service import Display, Shelved
from chalicelib.products.stock import Movement, Stock

__all__ = ["PictureView", "ProductView", "product_view"]


def product_card(product: Product, shelved: Shelved) -> ProductCard:
    """A product in a list, with its first picture."""
    hung = product.hung()
    picture = shelved.pictures.get(hung[0].media_id) if hung else None
    shown = picture_view(hung[0], picture) if picture else None
    return ProductCard(picture=shown, **_card_fields(product))


def product_view(display: Display, *, is_public: bool) -> ProductView:
    """A product with all that is told about it; customers see its active variants only."""
    product = display.product
    pictures = [
        picture_view(hanging, display.pictures[hanging.media_id])
        for hanging in product.hung()
        if hanging.media_id in display.pictures
    ]
    variants = [
        VariantView.of(variant, display.shelves.get(variant.id, "out"))
        for variant in product.variants
        if variant.active or not is_public
    ]
    return ProductView(
        picture=pictures[0] if pictures else None,
        description=product.description,
        attributes=dict(product.attributes),
        variants=variants,
        pictures=pictures,
        updated_at=product.updated_at,
        version=product.version,
        **_card_fields(product),
    )


def picture_view(hanging: Hanging, picture: Picture) -> PictureView:
    """A picture where it hangs."""
    return PictureView(
        media_id=picture.media_id,
        alt=hanging.alt,
        position=hanging.position,
        placeholder=picture.placeholder,
        width=picture.width,
        height=picture.height,
        urls=PictureUrls.model_validate(picture.urls),
    )


def category_view(category: Category) -> CategoryView:
    """A category."""
    return CategoryView(**asdict(category))


def stock_view(stock: Stock) -> StockView:
    """Stock without its version."""
    fields = asdict(stock)
    del fields["version"]
    return StockView(**fields)


def movement_view(movement: Movement) -> MovementView:
    """One line of the ledger."""
    return MovementView(**asdict(movement))


def adjusted_view(adjusted: Adjusted) -> AdjustedView:
    """The stock after an adjustment, and the movement it left."""
    return AdjustedView(stock=stock_view(adjusted.stock), movement=movement_view(adjusted.movement))


def _card_fields(product: Product) -> dict[str, Any]:  # Any: fields of several types
    return {
        "id": product.id,
        "slug": product.slug,
        "title": product.title,
        "category": product.category,
        "status": product.status,
        "price_from": product.price_from,
        "currency": product.currency,
        "created_at": product.created_at,
    }
