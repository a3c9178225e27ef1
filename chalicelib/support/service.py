"""Contact form and tickets: taken in once, answered by mail, closed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from chalicelib.kernel.clock import Clock, instant
from chalicelib.kernel.domain_events import (
    CONTACT_RECEIVED,
    TICKET_CLOSED,
    TICKET_REPLIED,
    Actor,
    Cause,
    DomainEvent,
    EventType,
)
from chalicelib.kernel.errors import Conflict, NotFound, Unavailable
from chalicelib.kernel.idempotency import Once
from chalicelib.kernel.ids import Ids
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.support.rules import (
    MESSAGES_MAX,
    Inquiry,
    Status,
    Thread,
    Ticket,
    TicketMessage,
)

CHANGE_TRIES: Final = 5
ANYBODY: Final = Actor("customer", "anon")


class TicketFull(Conflict):
    """The ticket holds as many messages as the shop keeps."""

    code = "limit_reached"
    message = "This ticket is full; please open another."


class Stale(Exception):
    """Somebody changed the ticket first."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks, in which chain of calls."""

    actor: Actor
    correlation_id: str


class Tickets(Protocol):
    """The tickets of the shop."""

    def get(self, ticket_id: str) -> Ticket | None:
        """One ticket."""
        ...

    def messages(self, ticket_id: str) -> tuple[TicketMessage, ...]:
        """The messages of a ticket, oldest first."""
        ...

    def add(self, thread: Thread, event: DomainEvent, once: Once) -> None:
        """Store a new ticket with its first message, once per key."""
        ...

    def reply(self, after: Ticket, message: TicketMessage, event: DomainEvent, once: Once) -> None:
        """Add a message, once per key; Stale if the ticket has moved."""
        ...

    def change(self, after: Ticket, event: DomainEvent) -> None:
        """One step of a ticket; Stale if it has moved."""
        ...

    def listed(self, status: Status, month: str, page: PageRequest) -> Page[Ticket]:
        """Those of one status, last changed first."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """What tickets are worked on with."""

    tickets: Tickets
    email_key: Callable[[str], str]
    clock: Clock
    ids: Ids


def receive(inquiry: Inquiry, origin: Origin, once: Once, deps: Deps) -> Ticket:
    """Take in what somebody wrote; the acknowledgement is mailed (T34)."""
    at = instant(deps.clock.now())
    email = inquiry.email.lower()
    ticket = Ticket(
        id=deps.ids.new("tkt"),
        name=inquiry.name,
        email=email,
        email_key=deps.email_key(email),
        subject=inquiry.subject,
        order_number=inquiry.order_number,
        status=Status.OPEN,
        last_seq=1,
        created_at=at,
        updated_at=at,
        version=1,
    )
    first = TicketMessage(1, "requester", inquiry.message, at)
    deps.tickets.add(Thread(ticket, (first,)), _event(CONTACT_RECEIVED, ticket, origin), once)
    return ticket


def pretend_to_receive(deps: Deps) -> str:
    """The reference that a filled honeypot is answered with; nothing is kept."""
    return deps.ids.new("tkt")


def ticket(ticket_id: str, deps: Deps) -> Ticket:
    """One ticket; NotFound otherwise."""
    found = deps.tickets.get(ticket_id)
    if found is None:
        raise NotFound
    return found


def thread(ticket_id: str, deps: Deps) -> Thread:
    """A ticket with its messages; NotFound otherwise."""
    return Thread(ticket(ticket_id, deps), deps.tickets.messages(ticket_id))


def reply(ticket_id: str, text: str, origin: Origin, once: Once, deps: Deps) -> Ticket:
    """Answer a ticket by mail; Conflict once it is closed (T34)."""
    for _ in range(CHANGE_TRIES):
        before = ticket(ticket_id, deps)
        if before.status is Status.CLOSED:
            raise Conflict
        if before.last_seq >= MESSAGES_MAX:
            raise TicketFull
        after = _moved(before, Status.ANSWERED, deps, last_seq=before.last_seq + 1)
        message = TicketMessage(after.last_seq, "staff", text, after.updated_at, origin.actor.id)
        event = _event(TICKET_REPLIED, after, origin)
        try:
            deps.tickets.reply(after, message, event, once)
        except Stale:
            continue
        return after
    raise Unavailable


def close(ticket_id: str, origin: Origin, deps: Deps) -> Ticket:
    """Close a ticket; a closed one stays as it is."""
    for _ in range(CHANGE_TRIES):
        before = ticket(ticket_id, deps)
        if before.status is Status.CLOSED:
            return before
        after = _moved(before, Status.CLOSED, deps, last_seq=before.last_seq)
        try:
            deps.tickets.change(after, _event(TICKET_CLOSED, after, origin))
        except Stale:
            continue
        return after
    raise Unavailable


def _moved(before: Ticket, to: Status, deps: Deps, *, last_seq: int) -> Ticket:
    at = instant(deps.clock.now())
    version = before.version + 1
    return replace(before, status=to, last_seq=last_seq, version=version, updated_at=at)


def _event(event_type: EventType, after: Ticket, origin: Origin) -> DomainEvent:
    told = event_type.data(ticket_id=after.id, seq=after.last_seq)
    cause = Cause(after.updated_at, origin.actor, origin.correlation_id)
    return DomainEvent(event_type, after.id, after.version, cause, told)
