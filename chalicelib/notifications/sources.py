"""Reads the facts that messages tell: rows of users, orders, tickets and reports, never written.

Every function that sends loads this module, so it reads plain rows; the use cases of those
slices would bring their request models into each cold start.
"""

from collections.abc import Mapping
from typing import Any

from chalicelib.aws.items import Item, Key
from chalicelib.aws.table import Query, Table
from chalicelib.notifications.composing import TicketFacts
from chalicelib.notifications.rules import LOCALE_DEFAULT, Contact, Wishes
from chalicelib.users.keys import partition, preferences_key, profile_key

DEVICES_MAX = 10
_ORDER_FACTS = ("number", "currency", "subtotal", "shipping", "total")


class Users:
    """The users, as far as they are told things."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def contact_of(self, user_id: str) -> Contact | None:
        """How a user is reached; None for nobody."""
        profile, preferences = profile_key(user_id), preferences_key(user_id)
        rows = self._table.batch_get([profile, preferences], is_consistent=True)
        user = rows.get(profile)
        if user is None:
            return None
        return Contact(
            user_id=user_id,
            email=user["email"],
            email_key=user["email_key"],
            name=user["name"],
            locale=user.get("locale", LOCALE_DEFAULT),
            phone=user.get("phone"),
            wishes=_wishes(rows.get(preferences)),
        )

    def devices_of(self, user_id: str) -> tuple[str, ...]:
        """The ids of the devices that take push messages."""
        return tuple(device["id"] for device in self._devices(user_id))

    def device(self, user_id: str, device_id: str) -> tuple[str, str] | None:
        """The platform and the token of one device."""
        devices = {device["id"]: device for device in self._devices(user_id)}
        found = devices.get(device_id)
        return (found["platform"], found["token"]) if found else None

    def _devices(self, user_id: str) -> tuple[Item, ...]:
        query = Query(
            partition(user_id),
            sort="begins_with(#sk, :devices)",
            values={"devices": "DEV#"},
            is_consistent=True,
        )
        return self._table.query_all(query, most=DEVICES_MAX)


def _wishes(row: Item | None) -> Wishes:
    updates: Mapping[str, bool] = (row or {}).get("order_updates", {})
    return Wishes(**{name: updates[name] for name in ("email", "sms", "push") if name in updates})


class Orders:
    """The orders, as their mails tell them."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def facts_of(self, order_id: str) -> Mapping[str, Any] | None:
        """Number, lines and sums of an order; nothing of the address, which stays sealed."""
        order = self._table.get(_order_key(order_id))
        if order is None:
            return None
        return {"lines": order["lines"], **{name: order[name] for name in _ORDER_FACTS}}


class Tickets:
    """The support tickets."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def facts_of(self, ticket_id: str, seq: int) -> TicketFacts | None:
        """The ticket with the text of one of its messages."""
        root, message = _ticket_keys(ticket_id, seq)
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


def _order_key(order_id: str) -> Key:
    return f"ORDER#{order_id}", "META"


def _ticket_keys(ticket_id: str, seq: int) -> tuple[Key, Key]:
    partition_key = f"TICKET#{ticket_id}"
    return (partition_key, "META"), (partition_key, f"MSG#{seq:06d}")
