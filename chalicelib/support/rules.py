"""Tickets: what they are and how they may change (OPEN → ANSWERED → CLOSED)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

MESSAGES_MAX: Final = 200

Author = Literal["requester", "staff"]


class Status(StrEnum):
    """OPEN → ANSWERED → ANSWERED; OPEN and ANSWERED → CLOSED."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A conversation by mail with somebody who wrote to the shop."""

    id: str
    name: str
    email: str
    email_key: str
    subject: str
    order_number: str | None
    status: Status
    last_seq: int
    created_at: str
    updated_at: str
    version: int


@dataclass(frozen=True, slots=True)
class TicketMessage:
    """One message of a ticket; `by` is the staff member who wrote it."""

    seq: int
    author: Author
    text: str
    at: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What somebody wrote in the contact form."""

    name: str
    email: str
    subject: str
    message: str
    order_number: str | None


@dataclass(frozen=True, slots=True)
class Thread:
    """A ticket with its messages, oldest first."""

    ticket: Ticket
    messages: tuple[TicketMessage, ...]


def month_of(instant: str) -> str:
    """The month of an instant: closed tickets are listed by it."""
    return instant[:7]
