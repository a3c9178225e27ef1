"""REST routes of support."""

from typing import Final, cast

from chalicelib.aws.rates import RateRule
from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.http import PUBLIC, HttpBlueprint
from chalicelib.edge.replies import Reply
from chalicelib.kernel.clock import SystemClock, instant
from chalicelib.kernel.domain_events import Actor, ActorType
from chalicelib.kernel.errors import Conflict
from chalicelib.support import service
from chalicelib.support.rules import Inquiry, Ticket, month_of
from chalicelib.support.schemas import (
    Contact,
    Received,
    ReplyText,
    ThreadView,
    TicketPage,
    TicketParameters,
    TicketReply,
    TicketView,
)
from chalicelib.support.service import ANYBODY, Origin, TicketFull
from chalicelib.support.wiring import deps
from chalicelib.users.authorizer import staff

CONTACTS: Final = RateRule("contact-ip", 5, 3_600)

blueprint: Final = HttpBlueprint(__name__)


@blueprint.route("/contact", methods=["POST"], access=PUBLIC)
@documented(request=Contact, replies={202: Received}, needs_key=True, limits=[(CONTACTS, "ip")])
def post_contact(call: Call) -> Reply:
    """Write to the shop; the answer comes by mail."""
    asked = call.body(Contact)
    if asked.website:
        return Reply(202, Received(reference=service.pretend_to_receive(deps())))
    told = asked.model_dump(exclude={"website"}) | {"order_number": asked.order_number or None}
    origin = Origin(ANYBODY, call.correlation_id)
    return _received(service.receive(Inquiry(**told), origin, call.once(_received), deps()))


def _received(ticket: Ticket) -> Reply:
    return Reply(202, Received(reference=ticket.id))


@blueprint.route("/admin/tickets", methods=["GET"], access=staff("support"))
@documented(replies={200: TicketPage}, query=TicketParameters)
def get_tickets(call: Call) -> Reply:
    """Tickets of one status, last changed first."""
    asked = call.query(TicketParameters)
    month = asked.month or month_of(instant(SystemClock().now()))
    page = deps().tickets.listed(asked.status, month, call.page())
    return Reply(200, TicketPage(**call.listed(page, TicketView.of)))


@blueprint.route("/admin/tickets/{ticket_id}", methods=["GET"], access=staff("support"))
@documented(replies={200: ThreadView})
def get_ticket(_call: Call, ticket_id: str) -> Reply:
    """A ticket with its messages."""
    return Reply(200, ThreadView.of_thread(service.thread(ticket_id, deps())))


@blueprint.route("/admin/tickets/{ticket_id}/reply", methods=["POST"], access=staff("support"))
@documented(
    request=ReplyText, replies={200: TicketReply}, errors=[Conflict, TicketFull], needs_key=True
)
def post_reply(call: Call, ticket_id: str) -> Reply:
    """Answer a ticket by mail."""
    text = call.body(ReplyText).text
    once = call.once(_changed)
    return _changed(service.reply(ticket_id, text, _origin(call), once, deps()))


@blueprint.route("/admin/tickets/{ticket_id}/close", methods=["POST"], access=staff("support"))
@documented(replies={200: TicketReply})
def post_close(call: Call, ticket_id: str) -> Reply:
    """Close a ticket."""
    return _changed(service.close(ticket_id, _origin(call), deps()))


def _origin(call: Call) -> Origin:
    actor_type = cast("ActorType", call.caller.actor_type)
    return Origin(Actor(actor_type, call.caller.user_id), call.correlation_id)


def _changed(ticket: Ticket) -> Reply:
    return Reply(200, TicketReply(ticket=TicketView.of(ticket)))
