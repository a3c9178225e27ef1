"""Categories and products: their states, prices and words; pure and total."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from chalicelib.kernel.errors import Conflict

VARIANTS_MAX: Final = 20
PICTURES_MAX: Final = 12
CATEGORIES_MAX: Final = 200
SLUG_MAX: Final = 80

_NOT_IN_SLUGS: Final = re.compile(r"[^a-z0-9]+")


class ProductStatus(StrEnum):
    """Who sees a product: staff, everybody, staff again."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


class NothingToSell(Conflict):
    """A product without an active variant cannot be published."""

    message = "Activate a variant before you publish the product."


class TooMany(Conflict):
    """The product or the shop holds as many as it may."""

    code = "limit_reached"
    message = "The limit is reached."


class SlugTaken(Conflict):
    """Another product or category has this slug."""

    code = "slug_taken"
    message = "This slug is in use."


class SkuTaken(Conflict):
    """Another variant has this SKU."""

    code = "sku_taken"
    message = "This SKU is in use."


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf of the shop, known by its slug."""

    id: str
    title: str
    description: str
    position: int
    hidden: bool
    version: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One thing to buy; `price` in minor units."""

    id: str
    product_id: str
    sku: str
    title: str
    options: Mapping[str, str]
    price: int
    currency: str
    active: bool


@dataclass(frozen=True, slots=True)
class Hanging:
    """A picture that hangs at a product: the lowest position is shown first."""

    media_id: str
    alt: str
    position: int


@dataclass(frozen=True, slots=True)
class Product:
    """What customers look at; its variants are what they buy."""

    id: str
    slug: str
    title: str
    description: str
    category: str
    status: ProductStatus
    attributes: Mapping[str, str]
    media: tuple[Hanging, ...]
    variants: tuple[Variant, ...]
    currency: str
    created_at: str
    updated_at: str
    version: int

    @property
    def price_from(self) -> int:
        """The lowest active price; with no active variant the lowest of all."""
        active = [variant.price for variant in self.variants if variant.active]
        return min(active or [variant.price for variant in self.variants])

    @property
    def is_public(self) -> bool:
        """Whether customers see it."""
        return self.status is ProductStatus.ACTIVE

    def variant(self, variant_id: str) -> Variant | None:
        """Its variant of that id, or None."""
        return next((one for one in self.variants if one.id == variant_id), None)

    def hung(self) -> tuple[Hanging, ...]:
        """Its pictures in the order they are shown."""
        return tuple(sorted(self.media, key=lambda picture: picture.position))


def slug_of(title: str) -> str:
    """A slug from a title: Latin letters and digits joined by hyphens; empty if it has none."""
    plain = unicodedata.normalize("NFKD", title.casefold()).encode("ascii", "ignore").decode()
    return _NOT_IN_SLUGS.sub("-", plain).strip("-")[:SLUG_MAX].strip("-")


def published(product: Product) -> Product:
    """The product in the shop; NothingToSell unless a variant is active."""
    if not any(variant.active for variant in product.variants):
        raise NothingToSell
    return replace(product, status=ProductStatus.ACTIVE)


def archived(product: Product) -> Product:
    """The product out of the shop."""
    return replace(product, status=ProductStatus.ARCHIVED)


def with_variant(product: Product, variant: Variant) -> Product:
    """The product with one variant more; TooMany above twenty."""
    if len(product.variants) >= VARIANTS_MAX:
        raise TooMany(f"A product has at most {VARIANTS_MAX} variants.")
    return replace(product, variants=(*product.variants, variant))


def with_changed_variant(product: Product, changed: Variant) -> Product:
    """The product with `changed` in the place of the variant of its id."""
    return replace(
        product, variants=tuple(changed if v.id == changed.id else v for v in product.variants)
    )


def with_picture(product: Product, picture: Hanging) -> Product:
    """The product with a picture hung, in its old place if it hung before; TooMany above twelve."""
    others = [one for one in product.media if one.media_id != picture.media_id]
    if len(others) >= PICTURES_MAX:
        raise TooMany(f"A product has at most {PICTURES_MAX} pictures.")
    if len(others) == len(product.media):
        return replace(product, media=(*product.media, picture))
    kept = (picture if one.media_id == picture.media_id else one for one in product.media)
    return replace(product, media=tuple(kept))


def without_picture(product: Product, media_id: str) -> Product:
    """The product with that picture taken down."""
    return replace(product, media=tuple(one for one in product.media if one.media_id != media_id))


def changed_fields(before: Category | Product | Variant, after: object) -> list[str]:
    """The names of the fields in which two records differ, versions and times left out."""
    names: Iterable[str] = type(before).__dataclass_fields__
    return sorted(
        name
        for name in names
        if name not in {"version", "updated_at"} and getattr(before, name) != getattr(after, name)
    )
