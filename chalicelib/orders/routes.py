"""REST routes of orders (domain rule 4.5): for customers, then for staff."""

from typing import Final

from chalicelib.aws.observability import bind
from chalicelib.aws.rates import RateRule
from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.http import HttpBlueprint
from chalicelib.edge.replies import Reply
from chalicelib.kernel.domain_events import Actor, ActorType
from chalicelib.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from chalicelib.orders import keeping, reading, schemas
from chalicelib.orders.cancelling import cancel_order
from chalicelib.orders.keeping import Decided, RefundAsked, RefundExceedsCaptured, Refunding
from chalicelib.orders.placing import TotalChanged, place_order
from chalicelib.orders.presenting import (
    basket_of,
    order_card,
    order_view,
    refund_view,
    staff_order_view,
    timeline_view,
)
from chalicelib.orders.records import OpenOrder, OrderRecord, Tracking
from chalicelib.orders.service import Asker
from chalicelib.orders.wiring import front_deps, placing_deps
from chalicelib.users.authorizer import CUSTOMER, staff
from chalicelib.wire.models import PageParameters

PLACING: Final = RateRule("orders", 60, 60)

blueprint: Final = HttpBlueprint(__name__)


def _asker(call: Call) -> Asker:
    kind: ActorType = "customer" if call.caller.actor_type == "customer" else "staff"
    return Asker(Actor(kind, call.caller.user_id), call.correlation_id)


@blueprint.route("/orders", methods=["POST"], access=CUSTOMER)
@documented(
    request=schemas.PlaceOrder,
    replies={202: schemas.OrderReply},
    errors=[TotalChanged, Invalid, Unavailable],
    needs_key=True,
    limits=[(PLACING, "user")],
)
def post_order(call: Call) -> Reply:
    """Place an order; it is fulfilled asynchronously."""
    basket = basket_of(call.body(schemas.PlaceOrder))
    placed = place_order(basket, _asker(call), call.once(_accepted), placing_deps())
    bind(order_id=placed.record.order.id)
    return _accepted(placed)


def _accepted(placed: OpenOrder) -> Reply:
    location = f"/orders/{placed.record.order.id}"
    return Reply(202, schemas.OrderReply(order=order_view(placed)), {"Location": location})


@blueprint.route("/orders", methods=["GET"], access=CUSTOMER)
@documented(replies={200: schemas.OrderPage}, query=PageParameters)
def list_orders(call: Call) -> Reply:
    """The caller's orders, newest first."""
    page = reading.orders_of(call.caller.user_id, call.page(), front_deps())
    return Reply(200, schemas.OrderPage(**call.listed(page, order_card)))


@blueprint.route("/orders/{order_id}", methods=["GET"], access=CUSTOMER)
@documented(replies={200: schemas.OrderView}, errors=[NotFound])
def get_order(call: Call, order_id: str) -> Reply:
    """One of the caller's orders."""
    return _order(reading.read_order(order_id, call.caller.user_id, front_deps()))


@blueprint.route("/orders/{order_id}/timeline", methods=["GET"], access=CUSTOMER)
@documented(replies={200: schemas.TimelinePage}, query=PageParameters, errors=[NotFound])
def get_timeline(call: Call, order_id: str) -> Reply:
    """What happened to one of the caller's orders, oldest first."""
    page = reading.timeline_of(order_id, call.page(), front_deps(), call.caller.user_id)
    return Reply(200, schemas.TimelinePage(**call.listed(page, timeline_view)))


@blueprint.route("/orders/{order_id}/cancel", methods=["POST"], access=CUSTOMER)
@documented(replies={202: schemas.OrderReply}, errors=[NotFound, Conflict])
def cancel_own_order(call: Call, order_id: str) -> Reply:
    """Cancel one of the caller's orders, as far as its state allows."""
    deps = front_deps()
    record = cancel_order(order_id, _asker(call), deps, owner=call.caller.user_id)
    return Reply(202, schemas.OrderReply(order=order_view(reading.opened(record, deps))))


def _order(opened: OpenOrder) -> Reply:
    return Reply(200, order_view(opened))


@blueprint.route("/admin/orders", methods=["GET"], access=staff("orders"))
@documented(replies={200: schemas.OrderPage}, query=schemas.OrdersByStatus)
def list_all_orders(call: Call) -> Reply:
    """Orders of a status, newest first; closed ones by month."""
    asked = call.query(schemas.OrdersByStatus)
    page = reading.orders_with_status(asked.status, asked.month, call.page(), front_deps())
    return Reply(200, schemas.OrderPage(**call.listed(page, order_card)))


@blueprint.route("/admin/orders/{order_id}", methods=["GET"], access=staff("orders"))
@documented(replies={200: schemas.StaffOrderView}, errors=[NotFound])
def get_any_order(_call: Call, order_id: str) -> Reply:
    """Any order, with its customer."""
    return Reply(200, staff_order_view(reading.read_order_for_staff(order_id, front_deps())))


@blueprint.route("/admin/orders/by-number/{number}", methods=["GET"], access=staff("orders"))
@documented(replies={200: schemas.StaffOrderView}, errors=[NotFound])
def get_order_by_number(_call: Call, number: str) -> Reply:
    """The order with the number that a customer names."""
    return Reply(200, staff_order_view(reading.read_order_by_number(number, front_deps())))


@blueprint.route("/admin/orders/{order_id}/timeline", methods=["GET"], access=staff("orders"))
@documented(replies={200: schemas.TimelinePage}, query=PageParameters, errors=[NotFound])
def get_any_timeline(call: Call, order_id: str) -> Reply:
    """What happened to any order, oldest first."""
    page = reading.timeline_of(order_id, call.page(), front_deps())
    return Reply(200, schemas.TimelinePage(**call.listed(page, timeline_view)))


@blueprint.route(
    "/admin/orders/{order_id}/review", methods=["POST"], access=staff("payments", step_up=True)
)
@documented(
    request=schemas.DecideReview,
    replies={202: schemas.StaffOrderReply},
    errors=[NotFound, Conflict],
)
def decide_review(call: Call, order_id: str) -> Reply:
    """Approve or reject an order that waits for a person."""
    asked = call.body(schemas.DecideReview)
    decided = Decided(asked.decision, asked.note)
    record = keeping.decide_review(order_id, decided, _asker(call), front_deps())
    return _staff_reply(202, record)


@blueprint.route("/admin/orders/{order_id}/ship", methods=["POST"], access=staff("fulfil"))
@documented(
    request=schemas.ShipOrder,
    replies={200: schemas.StaffOrderReply},
    errors=[NotFound, Conflict],
)
def ship_order(call: Call, order_id: str) -> Reply:
    """Hand a paid order to the carrier."""
    asked = call.body(schemas.ShipOrder)
    tracking = Tracking(asked.carrier, asked.tracking_number)
    record = keeping.ship_order(order_id, tracking, _asker(call), front_deps())
    return _staff_reply(200, record)


@blueprint.route("/admin/orders/{order_id}/deliver", methods=["POST"], access=staff("fulfil"))
@documented(replies={200: schemas.StaffOrderReply}, errors=[NotFound, Conflict])
def deliver_order(call: Call, order_id: str) -> Reply:
    """Note that the parcel has arrived."""
    return _staff_reply(200, keeping.deliver_order(order_id, _asker(call), front_deps()))


@blueprint.route(
    "/admin/orders/{order_id}/cancel", methods=["POST"], access=staff("payments", step_up=True)
)
@documented(replies={202: schemas.StaffOrderReply}, errors=[NotFound, Conflict])
def cancel_any_order(call: Call, order_id: str) -> Reply:
    """Cancel any order, as far as its state allows."""
    return _staff_reply(202, cancel_order(order_id, _asker(call), front_deps()))


@blueprint.route(
    "/admin/orders/{order_id}/refunds", methods=["POST"], access=staff("payments", step_up=True)
)
@documented(
    request=schemas.RefundOrder,
    replies={202: schemas.RefundReply},
    errors=[NotFound, Conflict, RefundExceedsCaptured],
    needs_key=True,
)
def post_refund(call: Call, order_id: str) -> Reply:
    """Give part or all of the money of an order back."""
    asked = call.body(schemas.RefundOrder)
    wanted = RefundAsked(asked.amount, asked.reason, asked.note)
    refunding = keeping.refund_order(
        order_id, wanted, call.once(_refunding), _asker(call), front_deps()
    )
    return _refunding(refunding)


def _refunding(refunding: Refunding) -> Reply:
    shown = staff_order_view(reading.opened_for_staff(refunding.record, front_deps()))
    return Reply(202, schemas.RefundReply(refund=refund_view(refunding.refund), order=shown))


def _staff_reply(status: int, record: OrderRecord) -> Reply:
    shown = staff_order_view(reading.opened_for_staff(record, front_deps()))
    return Reply(status, schemas.StaffOrderReply(order=shown))
