"""Products: drafted, changed, published, archived and shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.domain_events import (
    PRODUCT_ARCHIVED,
    PRODUCT_PUBLISHED,
    PRODUCT_UPDATED,
    Cause,
    EventType,
)
from chalicelib.kernel.errors import NotFound, VersionMismatch
from chalicelib.kernel.ids import Ids, body_of
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.products.pictures import Picture
from chalicelib.products.rules import (
    Product,
    ProductStatus,
    Variant,
    archived,
    changed_fields,
    published,
    slug_of,
    with_changed_variant,
    with_variant,
)
from chalicelib.products.sales import Availability
from chalicelib.products.schemas import NewProduct, NewVariant, ProductChanges, VariantChanges

STATE_CHANGE_TRIES = 4


class Edition(NamedTuple):
    """A product at the version that somebody read."""

    product_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Opening:
    """The units with which a new variant begins, and the movement that tells of them."""

    units: int
    movement_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """A product before and after, the event that tells of it, and what new variants begin with."""

    before: Product
    after: Product
    event: EventType
    changed: Sequence[str]
    openings: Mapping[str, Opening]


@dataclass(frozen=True, slots=True)
class Display:
    """A product with what is shown beside it: pictures by media id, shelves by variant id."""

    product: Product
    pictures: Mapping[str, Picture]
    shelves: Mapping[str, Availability]


@dataclass(frozen=True, slots=True)
class Shelved:
    """One page of products, and the pictures on their cards by media id."""

    page: Page[Product]
    pictures: Mapping[str, Picture]


class Products(Protocol):
    """Where products are kept."""

    def product(self, product_id: str) -> Product | None:
        """The product as last written."""
        ...

    def public_product(self, product_id: str) -> Product | None:
        """The product as it was at most 30 s ago."""
        ...

    def product_id_of(self, slug: str) -> str | None:
        """The product that has this slug."""
        ...

    def listed(self, status: ProductStatus, page: PageRequest) -> Page[Product]:
        """The products of a status, newest first."""
        ...

    def in_category(self, category_id: str, page: PageRequest) -> Page[Product]:
        """The public products of a category, newest first."""
        ...

    def display(self, product: Product) -> Display:
        """The product with its pictures and what is left of its variants (one read)."""
        ...

    def covers(self, products: Sequence[Product]) -> Mapping[str, Picture]:
        """The first picture of each product by media id (one read)."""
        ...

    def add(self, product: Product, openings: Mapping[str, Opening], cause: Cause) -> None:
        """Write a new product; SlugTaken, SkuTaken or CategoryUnknown, and then nothing."""
        ...

    def change(self, change: Change, cause: Cause) -> Product:
        """Write a change to the next version; VersionMismatch if another came first."""
        ...

    def forget(self, product_id: str) -> None:
        """Read it afresh next time: somebody else's transaction changed it."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """What the use cases of products need."""

    products: Products
    clock: Clock
    ids: Ids
    currency: str


def draft_product(wanted: NewProduct, cause: Cause, deps: Deps) -> Display:
    """A new product that only staff see, with stock rows for each variant."""
    product_id = deps.ids.new("prd")
    slug = wanted.slug or slug_of(wanted.title) or f"product-{body_of(product_id)[-8:].lower()}"
    variants = [_new_variant(product_id, one, deps) for one in wanted.variants]
    product = Product(
        id=product_id,
        slug=slug,
        title=wanted.title,
        description=wanted.description,
        category=wanted.category,
        status=ProductStatus.DRAFT,
        attributes=wanted.attributes,
        media=(),
        variants=tuple(variants),
        currency=deps.currency,
        created_at=cause.occurred_at,
        updated_at=cause.occurred_at,
        version=1,
    )
    units = {v.id: w.initial_stock for v, w in zip(variants, wanted.variants, strict=True)}
    deps.products.add(product, _openings(units, deps), cause)
    return deps.products.display(product)


def change_product(edition: Edition, wanted: ProductChanges, cause: Cause, deps: Deps) -> Display:
    """The product with the fields given; unchanged if they say nothing new."""
    before = _at(edition, deps)
    return _updated(before, replace(before, **wanted.model_dump(exclude_none=True)), cause, deps)


def add_variant(edition: Edition, wanted: NewVariant, cause: Cause, deps: Deps) -> Display:
    """The product with one variant more."""
    before = _at(edition, deps)
    variant = _new_variant(before.id, wanted, deps)
    after = with_variant(before, variant)
    openings = _openings({variant.id: wanted.initial_stock}, deps)
    change = Change(before, after, PRODUCT_UPDATED, ["variants"], openings)
    return deps.products.display(deps.products.change(change, cause))


def change_variant(
    edition: Edition, variant_id: str, wanted: VariantChanges, cause: Cause, deps: Deps
) -> Display:
    """The product with one variant changed; NotFound if it has no such variant."""
    before = _at(edition, deps)
    variant = before.variant(variant_id)
    if variant is None:
        raise NotFound
    changed = replace(variant, **wanted.model_dump(exclude_none=True))
    return _updated(before, with_changed_variant(before, changed), cause, deps)


def publish_product(product_id: str, cause: Cause, deps: Deps) -> Display:
    """The product in the shop, also when it is there; NothingToSell without an active variant."""
    return _moved(product_id, ProductStatus.ACTIVE, cause, deps)


def archive_product(product_id: str, cause: Cause, deps: Deps) -> Display:
    """The product out of the shop, also when it is out."""
    return _moved(product_id, ProductStatus.ARCHIVED, cause, deps)


def show_product(product_id: str, deps: Deps) -> Display:
    """A public product; NotFound for drafts, archived and unknown ones."""
    product = deps.products.public_product(product_id)
    if product is None or not product.is_public:
        raise NotFound
    return deps.products.display(product)


def show_product_by_slug(slug: str, deps: Deps) -> Display:
    """The public product with this slug."""
    product_id = deps.products.product_id_of(slug)
    if product_id is None:
        raise NotFound
    return show_product(product_id, deps)


def inspect_product(product_id: str, deps: Deps) -> Display:
    """Any product as staff see it, as last written."""
    return deps.products.display(_existing(product_id, deps))


def browse_products(category: str | None, page: PageRequest, deps: Deps) -> Shelved:
    """Public products, of one category or of all, newest first."""
    if category is None:
        return list_products(ProductStatus.ACTIVE, page, deps)
    return _with_covers(deps.products.in_category(category, page), deps)


def list_products(status: ProductStatus, page: PageRequest, deps: Deps) -> Shelved:
    """The products of a status, newest first."""
    return _with_covers(deps.products.listed(status, page), deps)


def _with_covers(page: Page[Product], deps: Deps) -> Shelved:
    return Shelved(page, deps.products.covers(page.items))


def _existing(product_id: str, deps: Deps) -> Product:
    product = deps.products.product(product_id)
    if product is None:
        raise NotFound
    return product


def _at(edition: Edition, deps: Deps) -> Product:
    product = _existing(edition.product_id, deps)
    if product.version != edition.version:
        raise VersionMismatch
    return product


def _updated(before: Product, after: Product, cause: Cause, deps: Deps) -> Display:
    changed = changed_fields(before, after)
    if not changed:
        return deps.products.display(before)
    change = Change(before, after, PRODUCT_UPDATED, changed, {})
    return deps.products.display(deps.products.change(change, cause))


def _moved(product_id: str, to: ProductStatus, cause: Cause, deps: Deps) -> Display:
    """Publishing and archiving take no version: a change that came between is read again."""
    for attempt in range(STATE_CHANGE_TRIES):
        before = _existing(product_id, deps)
        if before.status is to:
            break
        is_publishing = to is ProductStatus.ACTIVE
        after = published(before) if is_publishing else archived(before)
        event = PRODUCT_PUBLISHED if is_publishing else PRODUCT_ARCHIVED
        try:
            before = deps.products.change(Change(before, after, event, ["status"], {}), cause)
        except VersionMismatch:
            if attempt + 1 == STATE_CHANGE_TRIES:
                raise
        else:
            break
    return deps.products.display(before)


def _new_variant(product_id: str, wanted: NewVariant, deps: Deps) -> Variant:
    return Variant(
        id=deps.ids.new("var"),
        product_id=product_id,
        sku=wanted.sku,
        title=wanted.title,
        options=wanted.options,
        price=wanted.price,
        currency=deps.currency,
        active=wanted.active,
    )


def _openings(units: Mapping[str, int], deps: Deps) -> dict[str, Opening]:
    return {v: Opening(count, deps.ids.new("mov")) for v, count in units.items() if count}
