"""Placing an order: prices are the server's, stock is decided by the workflow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol

from chalicelib.kernel.domain_events import ORDER_PLACED, DomainEvent
from chalicelib.kernel.errors import Conflict, FieldError, Invalid, Unauthenticated, Unavailable
from chalicelib.kernel.idempotency import Once
from chalicelib.kernel.money import AMOUNT_MAX
from chalicelib.orders.changes import Act, lines_told, watch_of
from chalicelib.orders.records import Address, OpenOrder, Order, OrderLine, OrderRecord
from chalicelib.orders.rules import OrderStatus, ReservationStatus, Totals, line_total, totals
from chalicelib.orders.service import Asker, Deps
from chalicelib.products.sales import Sellable

QUANTITY_MAX: Final = 99
NUMBER_TRIES: Final = 5


class TotalChanged(Conflict):
    """The customer saw another total."""

    code = "total_changed"
    message = "The total has changed; look at the order again."


class NumberTaken(Exception):
    """The order number exists already; another one will do."""


class CustomerGone(Unauthenticated):
    """The customer's account was disabled in this moment."""


class Wanted(NamedTuple):
    """So many units of one variant, as asked for."""

    variant_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Basket:
    """What a customer wants, where it goes and how it is paid; amounts in minor units."""

    lines: tuple[Wanted, ...]
    address: Address
    payment_token: str
    expected_total: int | None = None


class Catalogue(Protocol):
    """What is for sale, and at what price."""

    def sellable(self, variant_ids: Sequence[str]) -> Mapping[str, Sellable]:
        """The variants by id; unknown ones are left out."""
        ...


class Placements(Protocol):
    """Where new orders go."""

    def place(self, order: Order, address: Address, event: DomainEvent, once: Once) -> Order:
        """Keep a new order, its number, its event and the reply to its key in one transaction.

        AlreadyAnswered if the key has its effect, NumberTaken, CustomerGone. The order kept,
        with its address sealed.
        """
        ...


@dataclass(frozen=True, slots=True)
class PlacingDeps(Deps):
    """What placing needs besides; `provider` is None where nobody can pay."""

    catalogue: Catalogue
    placements: Placements
    provider: str | None


def place_order(basket: Basket, asker: Asker, once: Once, deps: PlacingDeps) -> OpenOrder:
    """Accept an order for asynchronous fulfilment, once per key (T11).

    Unavailable without a payment provider; Invalid for variants that are not for sale or for
    more than 99 units of one; TotalChanged if the customer expected another total.
    """
    if deps.provider is None:
        raise Unavailable("No payment provider is configured.")
    act = deps.act(asker)
    lines = _priced(_merged(basket.lines), basket.lines, deps)
    sums = totals((line.line_total for line in lines), deps.terms)
    _check_total(sums.total, basket.expected_total)
    for _ in range(NUMBER_TRIES):
        order = _new_order(basket, (lines, sums), act, deps)
        event = _placed_event(order, act)
        try:
            kept = deps.placements.place(order, basket.address, event, once)
        except NumberTaken:
            continue
        return OpenOrder(OrderRecord(kept), basket.address)
    raise Unavailable


def _merged(lines: Sequence[Wanted]) -> list[Wanted]:
    """One line a variant, in the order in which they were first named."""
    quantities: dict[str, int] = {}
    for line in lines:
        quantities[line.variant_id] = quantities.get(line.variant_id, 0) + line.quantity
    return [Wanted(variant_id, quantity) for variant_id, quantity in quantities.items()]


def _priced(
    merged: Sequence[Wanted], asked: Sequence[Wanted], deps: PlacingDeps
) -> tuple[OrderLine, ...]:
    on_sale = deps.catalogue.sellable([line.variant_id for line in merged])
    wrong = {
        line.variant_id: error
        for line in merged
        if (error := _refusal(line, on_sale.get(line.variant_id), deps.terms.currency))
    }
    if wrong:
        raise Invalid(
            [
                FieldError(f"lines.{place}.{error.path}", error.code, error.message)
                for place, line in enumerate(asked)
                if (error := wrong.get(line.variant_id))
            ]
        )
    return tuple(_line(line, on_sale[line.variant_id]) for line in merged)


def _refusal(line: Wanted, variant: Sellable | None, currency: str) -> FieldError | None:
    if variant is None or not variant.is_sellable or variant.currency != currency:
        return FieldError("variant_id", "not_sellable", "This variant is not for sale.")
    if line.quantity > QUANTITY_MAX:
        told = f"At most {QUANTITY_MAX} of one variant in an order."
        return FieldError("quantity", "less_than_equal", told)
    return None


def _line(line: Wanted, variant: Sellable) -> OrderLine:
    return OrderLine(
        variant_id=line.variant_id,
        product_id=variant.product_id,
        sku=variant.sku,
        title=variant.title,
        variant_title=variant.variant_title,
        quantity=line.quantity,
        unit_price=variant.unit_price,
        line_total=line_total(variant.unit_price, line.quantity),
    )


def _check_total(total: int, expected: int | None) -> None:
    if total > AMOUNT_MAX:
        raise Invalid.field("lines", "too_expensive", "The total is larger than we can charge.")
    if expected is not None and expected != total:
        raise TotalChanged


def _new_order(
    basket: Basket, priced: tuple[tuple[OrderLine, ...], Totals], act: Act, deps: PlacingDeps
) -> Order:
    lines, sums = priced
    order = Order(
        id=deps.ids.new("ord"),
        number=deps.ids.order_number(),
        user_id=act.cause.actor.id,
        status=OrderStatus.PLACED,
        reservation=ReservationStatus.NONE,
        currency=deps.terms.currency,
        lines=lines,
        subtotal=sums.subtotal,
        shipping=sums.shipping,
        tax=sums.tax,
        discount=sums.discount,
        total=sums.total,
        sealed_address="",
        payment_token=basket.payment_token,
        correlation_id=act.cause.correlation_id,
        placed_at=act.at,
        updated_at=act.at,
    )
    return replace(order, watch=watch_of(order, act))


def _placed_event(order: Order, act: Act) -> DomainEvent:
    priced = [
        {**told, "unit_price": line.unit_price}
        for told, line in zip(lines_told(order), order.lines, strict=True)
    ]
    data = {
        "order_id": order.id,
        "number": order.number,
        "user_id": order.user_id,
        "from": None,
        "to": order.status.value,
        "currency": order.currency,
        "total": order.total,
        "lines": priced,
    }
    return DomainEvent(ORDER_PLACED, order.id, order.version, act.cause, ORDER_PLACED.data(**data))
