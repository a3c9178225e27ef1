"""Wire models of conversations and tickets (domain rules 4.1 and 4.7)."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from chalicelib.products.presentation import PictureView
from chalicelib.wire.models import (
    PLAIN_INTEGER,
    Month,
    PageParameters,
    Parameters,
    Request,
    View,
    line,
    text,
)

ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


OrderId = Annotated[str, StringConstraints(pattern=r"^ord_[0-9A-HJKMNP-TV-Z]{26}$")] | None
MediaId = Annotated[str, StringConstraints(pattern=r"^med_[0-9A-HJKMNP-TV-Z]{26}$")] | None
Text = Annotated[str, text(1, 2000)]


class OpenConversation(Request):
    """What a customer asks."""

    subject: Annotated[str, line(1, 120)]
    text: Text
    order_id: OrderId = None
    client_id: ClientId


class Say(Request):
    """The next line."""

    text: Text
    media_id: MediaId = None
    client_id: ClientId


class MessagesAfter(Parameters):
    """Which messages: after which number, and how many."""

    after: Annotated[int, Field(ge=0, le=999_999_999_999), PLAIN_INTEGER] = 0
    limit: Annotated[int, Field(ge=1, le=100), PLAIN_INTEGER] = 20


class DeskPage(PageParameters):
    """Which conversations support looks at; the month matters for closed ones only."""

    status: Literal["OPEN", "ASSIGNED", "CLOSED"] = "OPEN"
    month: Month | None = None


class TicketView(View):
    """A single-use pass to a socket."""

    ticket: str
    url: str
    expires_at: str


class MessageView(View):
    """One line of a conversation."""

    conversation_id: str
    seq: int
    sender_id: str
    sender_role: Literal["customer", "agent"]
    text: str
    picture: PictureView | None
    client_id: str
    at: str


class ConversationView(View):
    """One conversation, with how far the caller has read."""

    id: str
    subject: str
    status: Literal["OPEN", "ASSIGNED", "CLOSED"]
    customer_id: str
    customer_name: str
    agent_id: str | None
    order_id: str | None
    last_seq: int
    last_read: int
    created_at: str
    updated_at: str
    version: int


class OpenedReply(View):
    """A new conversation and its first line."""

    conversation: ConversationView
    message: MessageView


class ConversationReply(View):
    """A conversation after a change."""

    conversation: ConversationView


class ConversationPage(View):
    """Conversations."""

    items: list[ConversationView]
    next: str | None


class MessagePage(View):
    """Messages, oldest first; `next` is the value for `after`."""

    items: list[MessageView]
    next: str | None
