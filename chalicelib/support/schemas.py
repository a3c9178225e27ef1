"""Wire models of support."""

from typing import Annotated, Literal, Self

from pydantic import Field

from chalicelib.support.rules import Status, Thread, Ticket
from chalicelib.wire.models import Email, Month, PageParameters, Request, View, line, text


class Contact(Request):
    """What somebody writes in the contact form; people leave `website` empty, machines do not."""

    name: Annotated[str, line(1, 100)]
    email: Email
    subject: Annotated[str, line(1, 150)]
    message: Annotated[str, text(1, 5000)]
    order_number: Annotated[str, line(1, 20)] = Field(default_factory=str)
    website: Annotated[str, line(0, 200)] = ""


class Received(View):
    """The message has arrived."""

    status: Literal["received"] = "received"
    reference: str


class TicketParameters(PageParameters):
    """Which tickets; `month` is that of closed ones, the present one by default."""

    status: Status = Status.OPEN
    month: Month | None = None


class TicketView(View):
    """A ticket as staff see it."""

    id: str
    name: str
    email: str
    subject: str
    order_number: str | None
    status: Status
    created_at: str
    updated_at: str
    version: int

    @classmethod
    def of(cls, ticket: Ticket) -> Self:
        """The view of a ticket."""
        return cls(**{name: getattr(ticket, name) for name in TicketView.model_fields})


class MessageView(View):
    """One message of a ticket."""

    seq: int
    author: Literal["requester", "staff"]
    text: str
    at: str


class ThreadView(TicketView):
    """A ticket with its messages, oldest first."""

    messages: list[MessageView]

    @classmethod
    def of_thread(cls, thread: Thread) -> Self:
        """The view of a ticket with its messages."""
        known = {name: getattr(thread.ticket, name) for name in TicketView.model_fields}
        messages = [
            MessageView(seq=one.seq, author=one.author, text=one.text, at=one.at)
            for one in thread.messages
        ]
        return cls(**known, messages=messages)


class TicketPage(View):
    """Tickets of one status, last changed first."""

    items: list[TicketView]
    next: str | None


class ReplyText(Request):
    """What staff answer."""

    text: Annotated[str, text(1, 5000)]


class TicketReply(View):
    """A ticket after a change."""

    ticket: TicketView
