"""REST routes of conversations (domain rule 4.7): for customers, then for the desk."""

from typing import Final

from chalicelib.aws.rates import RateRule
from chalicelib.chat import reading, schemas, service
from chalicelib.chat.ports import Sender
from chalicelib.chat.presenting import conversation_fields, message_fields
from chalicelib.chat.records import Conversation, Line, Shown, Spoken
from chalicelib.chat.service import ConversationClosed
from chalicelib.chat.wiring import deps
from chalicelib.edge import gateway
from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.http import HttpBlueprint
from chalicelib.edge.replies import Reply
from chalicelib.kernel.errors import Invalid, NotFound, Unavailable
from chalicelib.live import front
from chalicelib.live.service import issue_ticket
from chalicelib.users.authorizer import CUSTOMER, staff
from chalicelib.wire.models import PageParameters

TICKETS: Final = RateRule("chat-tickets", 30, 60)
OPENING: Final = RateRule("conversations", 10, 3_600)

blueprint: Final = HttpBlueprint(__name__)


def _sender(call: Call) -> Sender:
    return Sender(call.caller.user_id, call.caller.scopes)


def _view(shown: Shown) -> schemas.ConversationView:
    return schemas.ConversationView(**conversation_fields(shown))


def _line(line: Line) -> schemas.MessageView:
    return schemas.MessageView(**message_fields(line))


def _changed(conversation: Conversation, call: Call) -> Reply:
    shown = reading.shown_one(conversation, call.caller.user_id, deps())
    return Reply(200, schemas.ConversationReply(conversation=_view(shown)))


@blueprint.route("/chat/tickets", methods=["POST"], access=CUSTOMER)
@documented(replies={201: schemas.TicketView}, errors=[Unavailable], limits=[(TICKETS, "user")])
def post_ticket(call: Call) -> Reply:
    """A single-use pass to open a socket within a minute."""
    caller = call.caller
    url = gateway.socket_base_url()
    ticket = issue_ticket(caller.user_id, caller.session_id, caller.sv, front.deps())
    full = f"{url}?ticket={ticket.token}"
    view = schemas.TicketView(ticket=ticket.token, url=full, expires_at=ticket.expires_at)
    return Reply(201, view)


@blueprint.route("/chat/conversations", methods=["POST"], access=CUSTOMER)
@documented(
    request=schemas.OpenConversation,
    replies={201: schemas.OpenedReply},
    errors=[Invalid],
    limits=[(OPENING, "user")],
)
def post_conversation(call: Call) -> Reply:
    """Ask something; the same client id again answers the conversation it has begun."""
    asked = call.body(schemas.OpenConversation)
    spoken = Spoken(asked.text, asked.client_id)
    begun, first = service.open_conversation(
        asked.subject, spoken, asked.order_id, _sender(call), deps()
    )
    shown = reading.shown_one(begun, call.caller.user_id, deps())
    (line,) = reading.lines([first], deps())
    return Reply(201, schemas.OpenedReply(conversation=_view(shown), message=_line(line)))


@blueprint.route("/chat/conversations", methods=["GET"], access=CUSTOMER)
@documented(replies={200: schemas.ConversationPage}, query=PageParameters)
def list_conversations(call: Call) -> Reply:
    """The caller's conversations, the last change first."""
    page = reading.own_conversations(call.caller.user_id, call.page(), deps())
    return Reply(200, schemas.ConversationPage(**call.listed(page, _view)))


@blueprint.route("/chat/conversations/{conversation_id}", methods=["GET"], access=CUSTOMER)
@documented(replies={200: schemas.ConversationView}, errors=[NotFound])
def get_conversation(call: Call, conversation_id: str) -> Reply:
    """A conversation, for its members and for support."""
    found = service.seen_by(conversation_id, _sender(call), deps())
    return Reply(200, _view(reading.shown_one(found, call.caller.user_id, deps())))


@blueprint.route("/chat/conversations/{conversation_id}/messages", methods=["GET"], access=CUSTOMER)
@documented(replies={200: schemas.MessagePage}, query=schemas.MessagesAfter, errors=[NotFound])
def list_messages(call: Call, conversation_id: str) -> Reply:
    """The messages after a number, oldest first."""
    asked = call.query(schemas.MessagesAfter)
    found, after = reading.history(conversation_id, asked.after, asked.limit, _sender(call), deps())
    following = None if after is None else str(after)
    return Reply(200, schemas.MessagePage(items=[*map(_line, found)], next=following))


@blueprint.route(
    "/chat/conversations/{conversation_id}/messages", methods=["POST"], access=CUSTOMER
)
@documented(
    request=schemas.Say,
    replies={201: schemas.MessageView},
    errors=[NotFound, ConversationClosed, Invalid],
)
def post_message(call: Call, conversation_id: str) -> Reply:
    """Say something as a member; the same client id again answers the first message."""
    asked = call.body(schemas.Say)
    spoken = Spoken(asked.text, asked.client_id, asked.media_id)
    said = service.say(conversation_id, spoken, call.caller.user_id, deps())
    return Reply(201, _line(reading.lines([said], deps())[0]))


@blueprint.route("/chat/conversations/{conversation_id}/close", methods=["POST"], access=CUSTOMER)
@documented(replies={200: schemas.ConversationReply}, errors=[NotFound])
def close_conversation(call: Call, conversation_id: str) -> Reply:
    """End a conversation, as a member or as support; one that is over stays so."""
    return _changed(service.close(conversation_id, _sender(call), deps()), call)


@blueprint.route("/admin/chat/conversations", methods=["GET"], access=staff("support"))
@documented(replies={200: schemas.ConversationPage}, query=schemas.DeskPage)
def list_desk(call: Call) -> Reply:
    """The conversations of a status, the longest wait first; closed ones by month."""
    asked = call.query(schemas.DeskPage)
    agent_id = call.caller.user_id
    page = reading.desk(asked.status, asked.month, agent_id, call.page(), deps())
    return Reply(200, schemas.ConversationPage(**call.listed(page, _view)))


@blueprint.route(
    "/admin/chat/conversations/{conversation_id}/assign",
    methods=["POST"],
    access=staff("support"),
)
@documented(replies={200: schemas.ConversationReply}, errors=[NotFound, ConversationClosed])
def assign_conversation(call: Call, conversation_id: str) -> Reply:
    """Take a conversation over oneself."""
    return _changed(service.assign(conversation_id, call.caller.user_id, deps()), call)
