"""Who is told what, and what may be left out: the table of domain rule 6.4."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from chalicelib.kernel.domain_events import DomainEvent, UnknownEvent
from chalicelib.kernel.event_forms import is_word

LEASE_S: Final = 60
KEPT_DAYS: Final = 90
LOCALES: Final = ("en-GB", "de-DE", "fr-FR")
LOCALE_DEFAULT: Final = "en-GB"
REPORTS_KEY: Final = "reports"


class Channel(StrEnum):
    """A way to reach a person."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"


class Subject(StrEnum):
    """What a message is about, and so where its words come from."""

    ACCOUNT = "account"
    ORDER = "order"
    TICKET = "ticket"
    REPORT = "report"


class Kind(StrEnum):
    """The two kinds of in-app notifications."""

    ORDER = "order"
    SECURITY = "security"


class Status(StrEnum):
    """Where a delivery stands: CLAIMED, then one of the others."""

    CLAIMED = "CLAIMED"
    SENT = "SENT"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class Reason(StrEnum):
    """Why a delivery was skipped."""

    OPTED_OUT = "opted_out"
    SUPPRESSED = "suppressed"
    NO_ADDRESS = "no_address"
    DAILY_CAP = "daily_cap"
    NO_LONGER_TRUE = "no_longer_true"


@dataclass(frozen=True, slots=True)
class Notice:
    """What an event makes the shop tell: one template, the channels that carry it."""

    template: str
    subject: Subject
    channels: frozenset[Channel] = frozenset({Channel.EMAIL})
    in_app: Kind | None = None

    @property
    def is_optional(self) -> bool:
        """Order messages follow the reader's wishes; all others are always sent."""
        return self.subject is Subject.ORDER


@dataclass(frozen=True, slots=True)
class Wishes:
    """By which channels a user wants order messages."""

    email: bool = True
    sms: bool = False
    push: bool = False

    def allow(self, channel: Channel) -> bool:
        """Whether order messages may take this channel."""
        return bool(getattr(self, channel.value))


@dataclass(frozen=True, slots=True)
class Contact:
    """How a user is reached."""

    user_id: str
    email: str
    email_key: str
    name: str
    locale: str = LOCALE_DEFAULT
    phone: str | None = None
    wishes: Wishes = Wishes()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event told by one channel; the pair is its identity."""

    event_id: str
    channel: Channel
    recipient_key: str
    template: str


def _account(template: str, in_app: Kind | None = None) -> Notice:
    return Notice(template, Subject.ACCOUNT, in_app=in_app)


def _order(template: str, *others: Channel) -> Notice:
    return Notice(template, Subject.ORDER, frozenset({Channel.EMAIL, *others}), Kind.ORDER)


NOTICES: Final[Mapping[str, Notice]] = MappingProxyType(
    {
        "UserRegistered": _account("verify_email"),
        "EmailVerificationRequested": _account("verify_email"),
        "RegistrationRepeated": _account("already_registered"),
        "EmailVerified": _account("welcome"),
        "PasswordResetRequested": _account("reset_password"),
        "PasswordChanged": _account("password_changed", Kind.SECURITY),
        "MfaChanged": _account("mfa_changed", Kind.SECURITY),
        "OrderHeld": _order("order_held"),
        "OrderPaid": _order("order_confirmed", Channel.PUSH),
        "OrderFailed": _order("order_failed"),
        "OrderCancelled": _order("order_cancelled"),
        "RefundSettled": _order("refund_settled"),
        "PaymentActionRequired": _order("action_required", Channel.SMS, Channel.PUSH),
        "OrderShipped": _order("order_shipped", Channel.SMS, Channel.PUSH),
        "OrderDelivered": _order("order_delivered", Channel.PUSH),
        "ContactReceived": Notice("ticket_received", Subject.TICKET),
        "TicketReplied": Notice("ticket_reply", Subject.TICKET),
        "DailyReportReady": Notice("daily_report", Subject.REPORT),
    }
)

LINKED: Final = MappingProxyType(
    {"verify_email": "verify-email", "reset_password": "reset-password"}
)
"""Templates that carry a one-time token, and the page of the shop that takes it."""


def notice_of(event: DomainEvent) -> Notice | None:
    """What is told about an event; None for one that concerns nobody outside.

    The refund of a cancelled order is part of the cancellation, which has its own message.
    """
    if event.type.name == "RefundSettled" and event.data["kind"] != "refund":
        return None
    return NOTICES.get(event.type.name)


def is_wanted(notice: Notice, channel: Channel, wishes: Wishes) -> bool:
    """Whether the reader's wishes allow this message on this channel."""
    return not notice.is_optional or wishes.allow(channel)


def order_id_of(event: DomainEvent) -> str | None:
    """The order an event is about, if it is about one."""
    found: Any = event.data.get("order_id")
    return found if isinstance(found, str) else None


def feedback_keys(message: Mapping[str, Any]) -> tuple[str, ...]:
    """Whose address a report of the mail provider condemns; empty for passing troubles.

    Permanent bounces and complaints condemn; the keys stand in the tags of the mail. The
    report names its kind `eventType` or `notificationType`, by the way it was subscribed to.
    """
    kind = message.get("eventType") or message.get("notificationType")
    bounce, tags = message.get("bounce"), message["mail"].get("tags", {})
    if kind == "Bounce" and not isinstance(bounce, Mapping):
        raise UnknownEvent("a bounce that says nothing of it")
    is_lasting = kind == "Complaint" or (
        kind == "Bounce" and isinstance(bounce, Mapping) and bounce.get("bounceType") == "Permanent"
    )
    if not is_lasting:
        return ()
    keys = tags.get("recipient_key", []) if isinstance(tags, Mapping) else None
    if not isinstance(keys, list) or not all(map(is_word, keys)):
        raise UnknownEvent("a report whose tags are none of ours")
    return tuple(keys)


def is_feedback(message: Mapping[str, Any]) -> bool:
    """Whether a message is a report of the mail provider, of whatever kind."""
    return isinstance(message.get("mail"), Mapping) and (
        "eventType" in message or "notificationType" in message
    )
