"""Deliveries, suppressed addresses and the sandbox mailbox in the core table."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chalicelib.aws.items import Item, Key
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.writes import Put, Update, Write
from chalicelib.kernel.clock import epoch_s, instant, later, moment
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.notifications.rules import KEPT_DAYS, LEASE_S, Channel, Delivery, Status
from chalicelib.notifications.service import Claim, DeliveryHeld, Message, Skipped

DAY_S: Final = 86_400
MAILBOX_DAYS: Final = 7
CAUSE_MAX: Final = 300
_SETTLED: Final = frozenset({Status.SENT, Status.SKIPPED})


def delivery_key(event_id: str, channel: Channel) -> Key:
    """One event told by one channel."""
    return f"NLOG#{event_id}#{channel}", "META"


def suppression_key(recipient_key: str, channel: Channel) -> Key:
    """A recipient who is sent nothing more by a channel."""
    return f"SUPP#{recipient_key}", channel


def mailbox_partition(address: str) -> str:
    """The sandbox mailbox of an address; the address itself stands in no key."""
    return f"MBOX#{hashlib.sha256(address.encode()).hexdigest()}"


class DeliveryLog:
    """What was told to whom, and to whom nothing may be sent."""

    def __init__(
        self,
        table: Table,
        *,
        keeps_copies: bool,
        claimant: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        """`keeps_copies` puts every sent message into the sandbox mailbox.

        `claimant` names an attempt, so that it knows its own claim when the reply was lost.
        """
        self._table = table
        self._keeps_copies = keeps_copies
        self._claimant = claimant

    def claim(self, delivery: Delivery, now: datetime) -> Claim | None:
        """The right to send; None if it is settled, DeliveryHeld if somebody else has it."""
        mine = {
            "status": Status.CLAIMED,
            "lease_until": instant(later(now, LEASE_S)),
            "claimant": self._claimant(),
        }
        item = _fields(delivery, now) | mine | {"attempts": 1}
        try:
            self._table.write(Put(item))
        except ConditionFailed:
            return self._claim_again(delivery, mine, now)
        return Claim(delivery, 1, mine["lease_until"])

    def _claim_again(
        self, delivery: Delivery, mine: Mapping[str, str], now: datetime
    ) -> Claim | None:
        before = self._read(delivery)
        if before["status"] in _SETTLED:
            return None
        if before["claimant"] == mine["claimant"]:
            return Claim(delivery, 1, mine["lease_until"])
        if before["status"] == Status.CLAIMED and before["lease_until"] > instant(now):
            left = moment(before["lease_until"]) - now
            raise DeliveryHeld(int(left.total_seconds()) + 1)
        update = Update(
            delivery_key(delivery.event_id, delivery.channel),
            set={**mine, "attempts": before["attempts"] + 1, "cause": None},
            condition="#attempts = :before AND #status = :status",
            values={"before": before["attempts"], "status": before["status"]},
        )
        try:
            self._table.write(update)
        except ConditionFailed as error:
            if self._read(delivery)["claimant"] != mine["claimant"]:
                raise DeliveryHeld(LEASE_S) from error
        is_in_doubt = before["status"] == Status.CLAIMED
        done = tuple(before.get("done", ()))
        return Claim(delivery, before["attempts"] + 1, mine["lease_until"], is_in_doubt, done)

    def _read(self, delivery: Delivery) -> Item:
        item = self._table.get(delivery_key(delivery.event_id, delivery.channel))
        if item is None:
            # The row's time to live ran out this very moment.
            raise DeliveryHeld(1)
        return item

    def settle(self, claim: Claim, status: Status, cause: str, now: datetime) -> None:
        """Note how an attempt that sent nothing ended."""
        changes = {"status": status, "cause": cause[:CAUSE_MAX], "updated_at": instant(now)}
        self._change(claim, changes)

    def sent(self, claim: Claim, message: Message, now: datetime) -> None:
        """Note that it was sent, with a copy in the sandbox mailbox where there is one."""
        at = instant(now)
        update = _change_of(claim, {"status": Status.SENT, "sent_at": at})
        kept = message.mailboxes if self._keeps_copies else ()
        copies: list[Write] = [_copy(message, mailbox, now) for mailbox in kept]
        try:
            if copies:
                self._table.transact([update, *copies])
            else:
                # One write alone costs half of a transaction of one.
                self._table.write(update)
        except ConditionFailed:
            # The lease was over and somebody else has sent it again, which has been counted.
            return

    def reached(self, claim: Claim, address: str) -> None:
        """Note that one of several addresses was reached."""
        done = [*self._read(claim.delivery).get("done", ()), address]
        self._change(claim, {"done": done})

    def skip(self, skipped: Skipped, now: datetime) -> None:
        """Note that it is not sent."""
        told = {"status": Status.SKIPPED, "attempts": 0, "cause": skipped.reason}
        try:
            self._table.write(Put(_fields(skipped.delivery, now) | told))
        except ConditionFailed:
            # Told, or skipped, before.
            return

    def is_suppressed(self, delivery: Delivery) -> bool:
        """Whether the recipient's address bounced or complained."""
        key = suppression_key(delivery.recipient_key, delivery.channel)
        return self._table.get(key) is not None

    def suppress(self, recipient_key: str, channel: Channel, cause: str, now: datetime) -> None:
        """Send nothing more to this recipient by this channel."""
        pk, sk = suppression_key(recipient_key, channel)
        try:
            self._table.write(Put({"pk": pk, "sk": sk, "cause": cause, "created_at": instant(now)}))
        except ConditionFailed:
            return

    def _change(self, claim: Claim, changes: Mapping[str, object]) -> None:
        try:
            self._table.write(_change_of(claim, changes))
        except ConditionFailed:
            return


@dataclass(frozen=True, slots=True)
class MailboxEntry:
    """One copy in the sandbox mailbox."""

    channel: str
    template: str
    subject: str | None
    text: str
    token: str | None
    event_id: str
    at: str


class Mailbox:
    """The sandbox mailbox: what was sent to an address in the last seven days."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def entries(self, address: str, page: PageRequest) -> Page[MailboxEntry]:
        """The copies for one address, newest first."""
        found = self._table.query(
            Query(
                mailbox_partition(address),
                limit=page.limit,
                after=page.after,
                is_descending=True,
                is_consistent=True,
            )
        )
        return Page(tuple(map(_entry, found.items)), found.next)


def _fields(delivery: Delivery, now: datetime) -> Item:
    pk, sk = delivery_key(delivery.event_id, delivery.channel)
    return {
        "pk": pk,
        "sk": sk,
        "event_id": delivery.event_id,
        "channel": delivery.channel,
        "recipient_key": delivery.recipient_key,
        "template": delivery.template,
        "created_at": instant(now),
        "ttl": epoch_s(now) + KEPT_DAYS * DAY_S,
    }


def _change_of(claim: Claim, changes: Mapping[str, object]) -> Update:
    return Update(
        delivery_key(claim.delivery.event_id, claim.delivery.channel),
        set=changes,
        condition="#attempts = :attempts AND #status = :claimed",
        values={"attempts": claim.attempts, "claimed": Status.CLAIMED},
        label="delivery",
    )


def _copy(message: Message, mailbox: str, now: datetime) -> Put:
    delivery, at = message.delivery, instant(now)
    item: Item = {
        "pk": mailbox_partition(mailbox),
        "sk": f"{at}#{delivery.event_id}#{delivery.channel}",
        "channel": delivery.channel,
        "template": delivery.template,
        "subject": message.subject or None,
        "text": message.text,
        "token": message.token,
        "event_id": delivery.event_id,
        "at": at,
        "ttl": epoch_s(now) + MAILBOX_DAYS * DAY_S,
    }
    return Put(item, label="copy")


def _entry(item: Item) -> MailboxEntry:
    return MailboxEntry(
        channel=item["channel"],
        template=item["template"],
        subject=item.get("subject"),
        text=item["text"],
        token=item.get("token"),
        event_id=item["event_id"],
        at=item["at"],
    )
