"""Reading orders: one, lists, the timeline; for their customer and for staff."""

from dataclasses import dataclass
from typing import Protocol

from chalicelib.kernel.errors import NotFound
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.orders.records import (
    Address,
    Customer,
    OpenOrder,
    Order,
    OrderRecord,
    StaffOrder,
    TimelineEntry,
)
from chalicelib.orders.rules import OrderStatus
from chalicelib.orders.service import Deps, asked_for


class OrderLists(Protocol):
    """Orders by customer, status and number, and their events."""

    def of_customer(self, user_id: str, page: PageRequest) -> Page[Order]:
        """A customer's orders, newest first."""
        ...

    def with_status(self, status: OrderStatus, month: str, page: PageRequest) -> Page[Order]:
        """Orders of a status, newest first; closed ones of the month they were placed in."""
        ...

    def id_of(self, number: str) -> str | None:
        """The id of the order with this number."""
        ...

    def timeline(self, order_id: str, page: PageRequest) -> Page[TimelineEntry]:
        """An order's events, oldest first."""
        ...


class AddressOpener(Protocol):
    """Opens sealed addresses."""

    def open(self, order: Order) -> Address:
        """The address of an order."""
        ...


class Customers(Protocol):
    """Who the customers are."""

    def of(self, user_id: str) -> Customer:
        """The customer with this id."""
        ...


@dataclass(frozen=True, slots=True)
class ReadingDeps(Deps):
    """What reading needs besides."""

    lists: OrderLists
    addresses: AddressOpener
    customers: Customers


def opened(record: OrderRecord, deps: ReadingDeps) -> OpenOrder:
    """The order with its address."""
    return OpenOrder(record, deps.addresses.open(record.order))


def opened_for_staff(record: OrderRecord, deps: ReadingDeps) -> StaffOrder:
    """The order with its address and its customer."""
    return StaffOrder(opened(record, deps), deps.customers.of(record.order.user_id))


def read_order(order_id: str, owner: str, deps: ReadingDeps) -> OpenOrder:
    """A customer's own order; NotFound for anybody else's."""
    return opened(asked_for(order_id, deps, owner), deps)


def read_order_for_staff(order_id: str, deps: ReadingDeps) -> StaffOrder:
    """Anybody's order."""
    return opened_for_staff(asked_for(order_id, deps), deps)


def read_order_by_number(number: str, deps: ReadingDeps) -> StaffOrder:
    """The order that a customer names on the telephone."""
    order_id = deps.lists.id_of(number)
    if order_id is None:
        raise NotFound
    return read_order_for_staff(order_id, deps)


def orders_of(user_id: str, page: PageRequest, deps: ReadingDeps) -> Page[Order]:
    """A customer's own orders, newest first."""
    return deps.lists.of_customer(user_id, page)


def orders_with_status(
    status: OrderStatus, month: str | None, page: PageRequest, deps: ReadingDeps
) -> Page[Order]:
    """Orders of a status, newest first; closed ones of one month, by default the present."""
    present = f"{deps.clock.now():%Y-%m}"
    return deps.lists.with_status(status, month or present, page)


def timeline_of(
    order_id: str, page: PageRequest, deps: ReadingDeps, owner: str | None = None
) -> Page[TimelineEntry]:
    """What happened to an order, oldest first; NotFound for somebody else's."""
    asked_for(order_id, deps, owner)
    return deps.lists.timeline(order_id, page)
