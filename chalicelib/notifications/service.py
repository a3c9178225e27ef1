"""Telling people: one delivery for each event and channel, never twice if that can be known.

The delivery row is claimed under a lease before anything is sent and settled afterwards. If the
provider's answer is lost, the row stays claimed: nobody knows, so nobody sends until the lease
is over, and the second sending is counted. A refusal is known not to have been sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.domain_events import DomainEvent, UnknownEvent
from chalicelib.kernel.errors import Unavailable
from chalicelib.notifications.rules import (
    LEASE_S,
    Channel,
    Delivery,
    Notice,
    Reason,
    Status,
    feedback_keys,
    is_feedback,
    notice_of,
)

SMS_WINDOW_S: Final = 86_400


class DeliveryHeld(Unavailable):
    """Another worker holds the delivery, or died holding it; it may be tried after the lease."""

    def __init__(self, again_after_s: int) -> None:
        super().__init__("the delivery is held by another attempt")
        self.again_after_s = max(1, again_after_s)


class SendingInDoubt(Unavailable):
    """The provider did not answer: it may have sent or not."""

    def __init__(self) -> None:
        super().__init__("the provider did not answer")
        self.again_after_s = LEASE_S


class SendingRefused(Exception):
    """The provider refused the message: it was not sent."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, ready to be sent.

    `addresses` are what the channel sends to; `mailboxes` where the sandbox keeps a copy;
    `token` is the one-time token in its link, if it has one.
    """

    delivery: Delivery
    addresses: tuple[str, ...]
    subject: str
    text: str
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    mailboxes: tuple[str, ...] = ()
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A message that is not sent, and why."""

    delivery: Delivery
    reason: Reason


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one delivery until the lease is over.

    `is_in_doubt`: an earlier attempt may have sent it. `done` names the addresses that earlier
    attempts are known to have reached.
    """

    delivery: Delivery
    attempts: int
    lease_until: str
    is_in_doubt: bool = False
    done: tuple[str, ...] = ()


class Composer(Protocol):
    """Puts an event into words for its reader."""

    def compose(self, event: DomainEvent, notice: Notice, channel: Channel) -> Message | Skipped:
        """The message, or why there is none."""
        ...


class Deliveries(Protocol):
    """The log of deliveries and the suppressed addresses."""

    def claim(self, delivery: Delivery, now: datetime) -> Claim | None:
        """The right to send; None if it is settled, DeliveryHeld if somebody else has it."""
        ...

    def settle(self, claim: Claim, status: Status, cause: str, now: datetime) -> None:
        """Note how an attempt that sent nothing ended."""
        ...

    def sent(self, claim: Claim, message: Message, now: datetime) -> None:
        """Note that it was sent, with a copy in the sandbox mailbox where there is one."""
        ...

    def reached(self, claim: Claim, address: str) -> None:
        """Note that one of several addresses was reached."""
        ...

    def skip(self, skipped: Skipped, now: datetime) -> None:
        """Note that it is not sent."""
        ...

    def is_suppressed(self, delivery: Delivery) -> bool:
        """Whether the recipient's address bounced or complained."""
        ...

    def suppress(self, recipient_key: str, channel: Channel, cause: str, now: datetime) -> None:
        """Send nothing more to this recipient by this channel."""
        ...


class Carrier(Protocol):
    """The provider of one channel."""

    def may_send(self, now: datetime) -> bool:
        """Whether the day's allowance is not used up; counts this message."""
        ...

    def send(self, message: Message, address: str | None) -> None:
        """Send to one address, or to all of them at once; SendingRefused, SendingInDoubt."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """What one channel works with."""

    channel: Channel
    composer: Composer
    deliveries: Deliveries
    carrier: Carrier
    clock: Clock
    count: Callable[[str, str], None]
    """Counts a metric for a template."""
    count_in_doubt: Callable[[], None]
    """Counts a message that goes out although an earlier attempt may have sent it."""
    sends_one_by_one: bool = False


def deliver(event: DomainEvent, deps: Deps) -> Status | None:
    """Tell an event by this channel once; None if this channel does not carry it."""
    notice = notice_of(event)
    if notice is None or deps.channel not in notice.channels:
        return None
    found = deps.composer.compose(event, notice, deps.channel)
    if isinstance(found, Message) and deps.deliveries.is_suppressed(found.delivery):
        found = Skipped(found.delivery, Reason.SUPPRESSED)
    if isinstance(found, Skipped):
        deps.deliveries.skip(found, deps.clock.now())
        deps.count("MessageSkipped", found.delivery.template)
        return Status.SKIPPED
    return _send_once(found, deps)


def _send_once(message: Message, deps: Deps) -> Status:
    claim = deps.deliveries.claim(message.delivery, deps.clock.now())
    if claim is None:
        return Status.SENT
    if claim.is_in_doubt:
        deps.count_in_doubt()
    if not deps.carrier.may_send(deps.clock.now()):
        deps.deliveries.settle(claim, Status.SKIPPED, Reason.DAILY_CAP, deps.clock.now())
        deps.count("MessageSkipped", message.delivery.template)
        return Status.SKIPPED
    try:
        _send(message, claim, deps)
    except SendingRefused as refusal:
        deps.deliveries.settle(claim, Status.FAILED, str(refusal), deps.clock.now())
        deps.count("MessageRefused", message.delivery.template)
        raise
    deps.deliveries.sent(claim, message, deps.clock.now())
    deps.count("MessageSent", message.delivery.template)
    return Status.SENT


def _send(message: Message, claim: Claim, deps: Deps) -> None:
    if not deps.sends_one_by_one:
        deps.carrier.send(message, None)
        return
    for address in message.addresses:
        if address not in claim.done:
            deps.carrier.send(message, address)
            deps.deliveries.reached(claim, address)


def take_mail(body: Mapping[str, Any], read: Callable[[], DomainEvent], deps: Deps) -> None:
    """Carry out one message of the mail queue: an event, or a report of the mail provider."""
    if not is_feedback(body):
        deliver(read(), deps)
        return
    keys = feedback_keys(body)
    kind = str(body.get("eventType") or body.get("notificationType"))
    if not keys and kind == "Complaint":
        raise UnknownEvent("a complaint without recipient_key")
    for key in keys:
        deps.deliveries.suppress(key, Channel.EMAIL, kind, deps.clock.now())
        deps.count("AddressSuppressed", kind)
