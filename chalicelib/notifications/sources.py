"""Reads the facts that messages tell: rows of users, orders, tickets and reports, never written.

Every function that sends loads this module, so it reads plain rows; the use cases of those
slices would bring their request models into each cold start.
"""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.aws.table import Table
from chalicelib.notifications.composing import TicketFacts
from chalicelib.notifications.rules import Contact, Wishes
from chalicelib.orders.keys import order_key
from chalicelib.support.keys import message_key, ticket_key
from chalicelib.users.people import TablePeople

_ORDER_FACTS: Final = ("number", "currency", "subtotal", "shipping", "total")


class Users:
    """The users, as far as they are told things."""

    def __init__(self, people: TablePeople) -> None:
        self._people = people

    def contact_of(self, user_id: str) -> Contact | None:
        """How a user is reached; None for nobody."""
        user = self._people.contact_of(user_id)
        if user is None:
            return None
        wishes = user.preferences
        return Contact(
            user_id=user.user_id,
            email=user.email,
            email_key=user.email_key,
            name=user.name,
            locale=user.locale,
            phone=user.phone,
            wishes=Wishes(email=wishes.email, sms=wishes.sms, push=wishes.push),
        )

    def devices_of(self, user_id: str) -> tuple[str, ...]:
        """The ids of the devices that take push messages."""
        return tuple(device.id for device in self._people.devices_of(user_id))


class Orders:
    """The orders, as their mails tell them."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def facts_of(self, order_id: str) -> Mapping[str, Any] | None:
        """Number, lines and sums of an order; nothing of the address, which stays sealed."""
        order = self._table.get(order_key(order_id))
        if order is None:
            return None
        return {"lines": order["lines"], **{name: order[name] for name in _ORDER_FACTS}}


class Tickets:
    """The support tickets."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def facts_of(self, ticket_id: str, seq: int) -> TicketFacts | None:
        """The ticket with the text of one of its messages."""
        root, message = ticket_key(ticket_id), message_key(ticket_id, seq)
        rows = self._table.batch_get([root, message], is_consistent=True)
        if root not in rows or message not in rows:
            return None
        ticket = rows[root]
        return TicketFacts(
            email=ticket["email"],
            email_key=ticket["email_key"],
            name=ticket["name"],
            subject=ticket["subject"],
            text=rows[message]["text"],
        )


class Reports:
    """The daily reports."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def facts_of(self, day: str) -> Mapping[str, Any] | None:
        """The fields of a report."""
        return self._table.get((f"REPORT#{day}", "META"))
