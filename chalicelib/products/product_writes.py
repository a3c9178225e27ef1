"""T8 and T9: what a new and a changed product write, for this slice's store and for hanging."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from chalicelib.aws.event_rows import event_put, step
from chalicelib.aws.writes import Check, Put, Update, Write
from chalicelib.kernel.domain_events import PRODUCT_CREATED, Cause, DomainEvent, EventType
from chalicelib.products.keys import category_key, product_key, variant_key
from chalicelib.products.rows import (
    movement_item,
    product_fields,
    product_item,
    sku_item,
    slug_item,
    snapshot_fields,
    snapshot_item,
    stock_item,
)
from chalicelib.products.rules import Product, Variant
from chalicelib.products.service import Change, Opening
from chalicelib.products.stock import FIRST_REASON, Adjustment, Stock, adjusting

SKU: Final = "sku:"


def additions(product: Product, openings: Mapping[str, Opening], cause: Cause) -> list[Write]:
    """A new product: document, slug, event, and snapshot, SKU and stock of each variant."""
    event = _event(PRODUCT_CREATED, product, (), cause)
    writes: list[Write] = [
        Put(product_item(product), label="root"),
        Put(slug_item(product), label="slug"),
        event_put(product_key(product.id)[0], event),
        _category_check(product.category),
    ]
    for variant in product.variants:
        writes.extend(_variant_puts(product, variant, openings.get(variant.id), cause))
    return writes


def next_edition(change: Change, cause: Cause) -> Product:
    """The product as the change leaves it: one version on."""
    version = change.before.version + 1
    return replace(change.after, version=version, updated_at=cause.occurred_at)


def changes(change: Change, cause: Cause) -> list[Write]:
    """A changed product: its step, and the snapshots of every variant that it concerns."""
    before, after = change.before, next_edition(change, cause)
    event = _event(change.event, after, change.changed, cause)
    writes = step(
        product_key(after.id),
        event,
        product_fields(after),
        "#status = :from",
        {"from": before.status.value},
    )
    if after.category != before.category:
        writes.append(_category_check(after.category))
    known = {variant.id for variant in before.variants}
    for variant in after.variants:
        if variant.id not in known:
            writes.extend(_variant_puts(after, variant, change.openings.get(variant.id), cause))
        elif snapshot_fields(after, variant) != _snapshot_before(before, variant.id):
            fields = snapshot_fields(after, variant)
            writes.append(Update(variant_key(variant.id), set=fields, label="variant"))
    return writes


def _snapshot_before(before: Product, variant_id: str) -> dict[str, object] | None:
    variant = before.variant(variant_id)
    return None if variant is None else snapshot_fields(before, variant)


def _category_check(category_id: str) -> Check:
    return Check(category_key(category_id), label="category")


def _variant_puts(
    product: Product, variant: Variant, opening: Opening | None, cause: Cause
) -> list[Write]:
    units = opening.units if opening else 0
    stock = Stock(
        variant_id=variant.id,
        product_id=product.id,
        sku=variant.sku,
        location="main",
        available=units,
        reserved=0,
        on_hand=units,
        version=0,
        updated_at=cause.occurred_at,
    )
    writes: list[Write] = [
        Put(snapshot_item(product, variant), label="variant"),
        Put(sku_item(variant), label=f"{SKU}{variant.sku}"),
        Put(stock_item(stock), label="stock"),
    ]
    if opening is not None:
        first = Adjustment(units, FIRST_REASON, None, None)
        movement = adjusting(first, opening.movement_id, cause.actor.id, cause.occurred_at)
        writes.append(Put(movement_item(variant.id, movement), label="movement"))
    return writes


def _event(kind: EventType, product: Product, changed: Sequence[str], cause: Cause) -> DomainEvent:
    told = kind.data(product_id=product.id, changed=list(changed))
    return DomainEvent(kind, product.id, product.version, cause, told)
