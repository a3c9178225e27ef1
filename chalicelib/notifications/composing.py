"""Composes messages: who reads an event, with what facts, in which language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib.kernel.domain_events import DomainEvent, UnknownEvent
from chalicelib.notifications import wording
from chalicelib.notifications.rules import (
    LINKED,
    LOCALE_DEFAULT,
    REPORTS_KEY,
    Channel,
    Contact,
    Delivery,
    Notice,
    Reason,
    Subject,
    is_wanted,
)
from chalicelib.notifications.service import Message, Skipped

Facts = Mapping[str, Any]  # Any: templates read values of many shapes


class People(Protocol):
    """The users, as far as they are told things."""

    def contact_of(self, user_id: str) -> Contact | None:
        """How a user is reached; None for nobody."""
        ...

    def devices_of(self, user_id: str) -> tuple[str, ...]:
        """The ids of the devices that take push messages."""
        ...


class Orders(Protocol):
    """The orders, as their mails tell them."""

    def facts_of(self, order_id: str) -> Facts | None:
        """`number`, `currency`, `lines`, `subtotal`, `shipping`, `total` and `tracking`."""
        ...


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """A support ticket as its mails tell it."""

    email: str
    email_key: str
    name: str
    subject: str
    text: str


class Tickets(Protocol):
    """The support tickets."""

    def facts_of(self, ticket_id: str, seq: int) -> TicketFacts | None:
        """The ticket with the text of one of its messages."""
        ...


class Reports(Protocol):
    """The daily reports."""

    def facts_of(self, day: str) -> Facts | None:
        """The fields of a report."""
        ...


class Links(Protocol):
    """Makes the one-time token of an event again."""

    def token(self, kid: str, event_id: str) -> str:
        """The token; KeyError for an unknown key."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the facts come from."""

    people: People
    orders: Orders
    tickets: Tickets
    reports: Reports
    links: Links


@dataclass(frozen=True, slots=True)
class House:
    """What every message says about the shop itself.

    `site` is where its pages stand, `mail_domain` names threads of mails.
    """

    site: str
    mail_domain: str
    report_recipients: tuple[str, ...]


class ShopComposer:
    """Puts an event into words for its reader."""

    def __init__(self, sources: Sources, house: House) -> None:
        self._sources = sources
        self._house = house

    def compose(self, event: DomainEvent, notice: Notice, channel: Channel) -> Message | Skipped:
        """The message, or why there is none."""
        match notice.subject:
            case Subject.TICKET:
                return self._for_requester(event, notice)
            case Subject.REPORT:
                return self._for_management(event, notice)
            case Subject.ACCOUNT | Subject.ORDER:
                return self._for_user(event, notice, channel)

    def _for_user(self, event: DomainEvent, notice: Notice, channel: Channel) -> Message | Skipped:
        user_id = str(event.data["user_id"])
        contact = self._sources.people.contact_of(user_id)
        if contact is None:
            return Skipped(_delivery(event, notice, channel, user_id), Reason.NO_ADDRESS)
        key = contact.email_key if channel is Channel.EMAIL else user_id
        delivery = _delivery(event, notice, channel, key)
        if not is_wanted(notice, channel, contact.wishes):
            return Skipped(delivery, Reason.OPTED_OUT)
        addresses = self._addresses(contact, channel)
        if not addresses:
            return Skipped(delivery, Reason.NO_ADDRESS)
        facts = self.facts(event, notice, contact)
        token = facts.get("token")
        words = _WORDS[channel](notice.template, contact.locale, facts)
        return Message(
            delivery,
            addresses,
            words.subject,
            words.text,
            words.html,
            mailboxes=addresses if channel is not Channel.PUSH else (contact.email,),
            token=token,
        )

    def _addresses(self, contact: Contact, channel: Channel) -> tuple[str, ...]:
        match channel:
            case Channel.EMAIL:
                return (contact.email,)
            case Channel.SMS:
                return (contact.phone,) if contact.phone else ()
            case Channel.PUSH:
                return self._sources.people.devices_of(contact.user_id)

    def facts(self, event: DomainEvent, notice: Notice, contact: Contact) -> dict[str, Any]:
        """What the templates of an account or order message may tell."""
        facts: dict[str, Any] = {"name": contact.name, **event.data}
        page = LINKED.get(notice.template)
        if page is not None:
            token = self._sources.links.token(event.data["kid"], event.event_id)
            # Behind the #: a fragment is sent to no server and stands in no log.
            facts |= {"token": token, "link": f"{self._house.site}/{page}#token={token}"}
        if notice.subject is Subject.ORDER:
            facts |= self._order_facts(event)
        return facts

    def _order_facts(self, event: DomainEvent) -> dict[str, Any]:
        order_id = str(event.data["order_id"])
        order = self._sources.orders.facts_of(order_id)
        if order is None:
            raise UnknownEvent("an event of an order that does not exist")
        data = event.data
        return {
            "order": {**order, "url": f"{self._house.site}/orders/{order_id}"},
            "failure_reason": data.get("reason"),
            "tracking": {
                "carrier": data.get("carrier"),
                "number": data.get("tracking_number"),
            },
        }

    def _for_requester(self, event: DomainEvent, notice: Notice) -> Message | Skipped:
        ticket_id = str(event.data["ticket_id"])
        ticket = self._sources.tickets.facts_of(ticket_id, event.data["seq"])
        if ticket is None:
            raise UnknownEvent("an event of a ticket that does not exist")
        facts = {
            "name": ticket.name,
            "ticket_subject": ticket.subject,
            "text": ticket.text,
            "reference": ticket_id,
        }
        words = wording.mail_words(notice.template, LOCALE_DEFAULT, facts)
        # SES makes its own Message-ID, so all mails of a ticket refer to one that was never
        # sent: mail programs join what has an ancestor in common.
        thread = f"<{ticket_id}@{self._house.mail_domain}>"
        return Message(
            _delivery(event, notice, Channel.EMAIL, ticket.email_key),
            (ticket.email,),
            words.subject,
            words.text,
            words.html,
            headers={"In-Reply-To": thread, "References": thread},
            mailboxes=(ticket.email,),
        )

    def _for_management(self, event: DomainEvent, notice: Notice) -> Message | Skipped:
        delivery = _delivery(event, notice, Channel.EMAIL, REPORTS_KEY)
        if not self._house.report_recipients:
            return Skipped(delivery, Reason.NO_ADDRESS)
        report = self._sources.reports.facts_of(event.data["day"])
        if report is None:
            raise UnknownEvent("an event of a report that does not exist")
        words = wording.mail_words(notice.template, LOCALE_DEFAULT, {"report": report})
        return Message(
            delivery,
            self._house.report_recipients,
            words.subject,
            words.text,
            words.html,
            mailboxes=self._house.report_recipients,
        )


_WORDS = {
    Channel.EMAIL: wording.mail_words,
    Channel.SMS: wording.sms_words,
    Channel.PUSH: wording.notice_words,
}


def _delivery(event: DomainEvent, notice: Notice, channel: Channel, key: str) -> Delivery:
    return Delivery(event.event_id, channel, key, notice.template)
