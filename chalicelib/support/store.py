"""Tickets in the core table."""

from typing import Final

from chalicelib.aws.event_rows import event_put, step
from chalicelib.aws.idempotency import LABEL, IdempotencyRecords
from chalicelib.aws.items import Item, Key
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.writes import Put, Write
from chalicelib.kernel.clock import moment
from chalicelib.kernel.domain_events import DomainEvent
from chalicelib.kernel.idempotency import Once
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.support.keys import MESSAGES, message_key, status_partition, ticket_key
from chalicelib.support.rules import MESSAGES_MAX, Status, Thread, Ticket, TicketMessage, month_of
from chalicelib.support.service import Stale

_PLAIN: Final = (
    *("id", "name", "email", "email_key", "subject"),
    *("last_seq", "created_at", "updated_at", "version"),
)


class TicketRows:
    """Tickets with their messages and events."""

    def __init__(self, table: Table, records: IdempotencyRecords) -> None:
        self._table = table
        self._records = records

    def get(self, ticket_id: str) -> Ticket | None:
        """One ticket."""
        item = self._table.get(ticket_key(ticket_id))
        return _ticket(item) if item else None

    def messages(self, ticket_id: str) -> tuple[TicketMessage, ...]:
        """The messages of a ticket, oldest first."""
        query = Query(
            ticket_key(ticket_id)[0],
            sort="begins_with(#sk, :messages)",
            values={"messages": MESSAGES},
            is_consistent=True,
        )
        rows = self._table.query_all(query, most=MESSAGES_MAX)
        return tuple(
            TicketMessage(row["seq"], row["author"], row["text"], row["at"], row.get("by"))
            for row in rows
        )

    def add(self, thread: Thread, event: DomainEvent, once: Once) -> None:
        """Store a new ticket with its first message, once per key."""
        ticket = thread.ticket
        root = ticket_key(ticket.id)
        writes: list[Write] = [
            self._recorded(once, ticket, event),
            Put(_item(root, ticket), label="ticket"),
            *(_message(ticket.id, message) for message in thread.messages),
            event_put(root[0], event),
        ]
        try:
            self._table.transact(writes)
        except ConditionFailed as failed:
            if LABEL in failed.labels:
                raise self._records.collided(once) from failed
            raise

    def reply(self, after: Ticket, message: TicketMessage, event: DomainEvent, once: Once) -> None:
        """Add a message, once per key; Stale if the ticket has moved."""
        writes: list[Write] = [
            self._recorded(once, after, event),
            *_step(after, event),
            _message(after.id, message),
        ]
        try:
            self._table.transact(writes)
        except ConditionFailed as failed:
            if LABEL in failed.labels:
                raise self._records.collided(once) from failed
            raise Stale from failed

    def change(self, after: Ticket, event: DomainEvent) -> None:
        """One step of a ticket; Stale if it has moved."""
        try:
            self._table.transact(_step(after, event))
        except ConditionFailed as failed:
            raise Stale from failed

    def listed(self, status: Status, month: str, page: PageRequest) -> Page[Ticket]:
        """Those of one status, last changed first."""
        found = self._table.query(
            Query(
                status_partition(status, month),
                index="gsi2",
                limit=page.limit,
                after=page.after,
                is_descending=True,
            )
        )
        return Page(tuple(map(_ticket, found.items)), found.next)

    def _recorded(self, once: Once, after: Ticket, event: DomainEvent) -> Put:
        return self._records.put(once, once.present(after), moment(event.occurred_at))


def _step(after: Ticket, event: DomainEvent) -> list[Write]:
    changes = {"status": after.status, "last_seq": after.last_seq, **_listed(after)}
    return step(ticket_key(after.id), event, changes, "", {})


def _listed(ticket: Ticket) -> Item:
    return {
        "gsi2pk": status_partition(ticket.status, month_of(ticket.created_at)),
        "gsi2sk": f"{ticket.updated_at}#{ticket.id}",
    }


def _item(key: Key, ticket: Ticket) -> Item:
    return {
        "pk": key[0],
        "sk": key[1],
        **{name: getattr(ticket, name) for name in _PLAIN},
        "order_number": ticket.order_number,
        "status": ticket.status,
        **_listed(ticket),
    }


def _message(ticket_id: str, message: TicketMessage) -> Put:
    pk, sk = message_key(ticket_id, message.seq)
    item: Item = {
        "pk": pk,
        "sk": sk,
        "seq": message.seq,
        "author": message.author,
        "by": message.by,
        "text": message.text,
        "at": message.at,
    }
    return Put(item, label="message")


def _ticket(item: Item) -> Ticket:
    return Ticket(
        **{name: item[name] for name in _PLAIN},
        order_number=item.get("order_number"),
        status=Status(item["status"]),
    )
