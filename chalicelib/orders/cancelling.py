"""Cancelling an order, by its customer or by staff: at once, by the workflow, or by a refund."""

from chalicelib.kernel.errors import Conflict
from chalicelib.orders import changes
from chalicelib.orders.changes import Act
from chalicelib.orders.fulfilling import cancel_by_refund
from chalicelib.orders.records import Change, OrderRecord
from chalicelib.orders.rules import OrderStatus
from chalicelib.orders.service import Asker, Deps, advance, asked_for


def cancel_order(
    order_id: str, asker: Asker, deps: Deps, *, owner: str | None = None
) -> OrderRecord:
    """Cancel the order as far as its state allows; asking again changes nothing.

    Nothing may end while the gateway might still take the money: then the cancel is kept and
    the workflow carries it out. Conflict once the parcel is gone or the order closed.
    """
    act = deps.act(asker)
    refund_id = deps.ids.new("rfd")

    def decide(record: OrderRecord) -> Change | OrderRecord:
        return _cancelled(record, refund_id, act)

    return advance(asked_for(order_id, deps, owner), decide, deps)


def _cancelled(record: OrderRecord, refund_id: str, act: Act) -> Change | OrderRecord:
    order = record.order
    match order.status:
        case OrderStatus.PLACED | OrderStatus.RESERVED | OrderStatus.REVIEW:
            return changes.cancel_unpaid(record, act)
        case OrderStatus.PAYING | OrderStatus.PAID if order.cancel_requested:
            return record
        case OrderStatus.PAYING:
            return changes.request_cancel(record, act)
        case OrderStatus.PAID:
            change = cancel_by_refund(record, refund_id, act)
            if change is None:
                raise Conflict("All of the money is on its way back already.")
            return change
        case OrderStatus.CANCELLING | OrderStatus.CANCELLED:
            return record
        case _:
            raise Conflict(f"An order that is {order.status} cannot be cancelled.")
