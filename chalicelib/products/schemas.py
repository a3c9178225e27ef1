"""Wire models of the catalogue and the stock; a frozen request doubles as the command."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from chalicelib.products.rules import ProductStatus, Variant
from chalicelib.products.sales import Availability
from chalicelib.wire.models import PageParameters, Request, Slug, View, line, text

Title = Annotated[str, line(1, 120)]
ShortTitle = Annotated[str, line(1, 80)]
Attributes = Annotated[
    dict[Annotated[str, line(1, 40)], Annotated[str, line(1, 200)]], Field(max_length=20)
]
Options = Annotated[
    dict[Annotated[str, line(1, 40)], Annotated[str, line(1, 40)]], Field(max_length=5)
]
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{1,39}$")]
Price = Annotated[int, Field(ge=1, le=99_999_999)]
Position = Annotated[int, Field(ge=0, le=9999)]
AdjustReason = Literal["receive", "count", "damage", "return"]


class NewVariant(Request):
    """A variant to sell."""

    sku: Sku
    title: ShortTitle
    options: Options = Field(default_factory=dict)
    price: Price
    active: bool = True
    initial_stock: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class NewProduct(Request):
    """A product to draft, with its variants."""

    title: Title
    slug: Slug | None = None
    description: Annotated[str, text(0, 5000)] = ""
    category: Slug
    attributes: Attributes = Field(default_factory=dict)
    variants: Annotated[list[NewVariant], Field(min_length=1, max_length=20)]

    @field_validator("slug", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        return _refuse_null(value)


class ProductChanges(Request):
    """The fields of a product to change; those absent stay."""

    title: Title | None = None
    description: Annotated[str, text(0, 5000)] | None = None
    category: Slug | None = None
    attributes: Attributes | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        return _refuse_null(value)


class VariantChanges(Request):
    """The fields of a variant to change; those absent stay."""

    title: ShortTitle | None = None
    options: Options | None = None
    price: Price | None = None
    active: bool | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        return _refuse_null(value)


class NewCategory(Request):
    """A category to open."""

    title: ShortTitle
    id: Slug | None = None
    description: Annotated[str, text(0, 500)] = ""
    position: Position = 100

    @field_validator("id", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        return _refuse_null(value)


class CategoryChanges(Request):
    """The fields of a category to change; those absent stay."""

    title: ShortTitle | None = None
    description: Annotated[str, text(0, 500)] | None = None
    position: Position | None = None
    hidden: bool | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        return _refuse_null(value)


class AdjustStock(Request):
    """Units more or fewer, and why."""

    delta: Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
    reason: AdjustReason
    expected_on_hand: Annotated[int, Field(ge=0)] | None = None
    note: Annotated[str, line(0, 200)] | None = None

    @field_validator("delta")
    @classmethod
    def _moves_something(cls, delta: int) -> int:
        if delta == 0:
            raise ValueError("must not be 0")
        return delta

    @field_validator("expected_on_hand", "note", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        return _refuse_null(value)


class ProductParameters(PageParameters):
    """Which products of the shop."""

    category: Slug | None = None


class AdminProductParameters(PageParameters):
    """Which products of the back office."""

    status: ProductStatus = ProductStatus.ACTIVE


class CategoryView(View):
    """A category as everybody sees it."""

    id: str
    title: str
    description: str
    position: int
    hidden: bool
    version: int


class CategoryList(View):
    """All categories that are shown."""

    items: list[CategoryView]
    next: str | None


class RenditionUrls(View):
    """One size in three formats."""

    avif: str
    webp: str
    jpeg: str


class PictureUrls(View):
    """One picture in four sizes."""

    thumb: RenditionUrls
    small: RenditionUrls
    medium: RenditionUrls
    large: RenditionUrls


class PictureView(View):
    """A picture of a product, with a colour to show until it is loaded."""

    media_id: str
    alt: str
    position: int
    placeholder: str
    width: int
    height: int
    urls: PictureUrls


class VariantView(View):
    """A variant with what is told about its stock."""

    id: str
    sku: str
    title: str
    options: dict[str, str]
    price: int
    currency: str
    active: bool
    availability: Availability

    @classmethod
    def of(cls, variant: Variant, availability: Availability) -> "VariantView":
        """The variant as customers see it."""
        return cls(
            id=variant.id,
            sku=variant.sku,
            title=variant.title,
            options=dict(variant.options),
            price=variant.price,
            currency=variant.currency,
            active=variant.active,
            availability=availability,
        )


class ProductCard(View):
    """A product in a list."""

    id: str
    slug: str
    title: str
    category: str
    status: ProductStatus
    price_from: int
    currency: str
    picture: PictureView | None
    created_at: str


class ProductView(ProductCard):
    """A product with everything that is told about it."""

    description: str
    attributes: dict[str, str]
    variants: list[VariantView]
    pictures: list[PictureView]
    updated_at: str
    version: int


class ProductList(View):
    """One page of products."""

    items: list[ProductCard]
    next: str | None


class StockView(View):
    """What is left of a variant."""

    variant_id: str
    product_id: str
    sku: str
    location: str
    available: int
    reserved: int
    on_hand: int
    updated_at: str


class MovementView(View):
    """One line of the stock ledger."""

    ref: str
    kind: Literal["RESERVE", "RELEASE", "COMMIT", "RETURN", "ADJUST"]
    available_delta: int
    reserved_delta: int
    on_hand_delta: int
    reason: str | None
    note: str | None
    actor: str
    at: str


class MovementList(View):
    """One page of movements, newest cause first."""

    items: list[MovementView]
    next: str | None


class AdjustedView(View):
    """The stock after an adjustment, and the movement it left."""

    stock: StockView
    movement: MovementView


def _refuse_null(value: object) -> object:
    # A field that may be absent may still not be null: absent means "as it is".
    if value is None:
        raise ValueError("must not be null")
    return value
