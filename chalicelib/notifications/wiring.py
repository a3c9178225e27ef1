"""The real adapters of notifications, built once per process."""

from functools import lru_cache
from typing import Final

from chalicelib.aws.clients import client
from chalicelib.aws.links import LinkTokens
from chalicelib.aws.observability import measure
from chalicelib.aws.rates import RateLimiter
from chalicelib.aws.secrets import secrets
from chalicelib.aws.settings import settings
from chalicelib.aws.tables import core_table
from chalicelib.kernel.clock import SystemClock
from chalicelib.notifications import carriers, sources
from chalicelib.notifications.composing import House, ShopComposer, Sources
from chalicelib.notifications.inbox import InboxDeps
from chalicelib.notifications.rules import Channel
from chalicelib.notifications.service import Carrier, Deps
from chalicelib.notifications.store import DeliveryLog, Mailbox
from chalicelib.notifications.store_inbox import InboxRows
from chalicelib.users.people import people

MAIL_DOMAIN_DEFAULT: Final = "souk.example"


@lru_cache(maxsize=1)
def composer() -> ShopComposer:
    """Puts events into words with the facts in the core table."""
    table = core_table()
    chosen = settings()
    site = chosen.allowed_origins[0] if chosen.allowed_origins else chosen.public_base_url
    return ShopComposer(
        Sources(
            people=sources.Users(people()),
            orders=sources.Orders(table),
            tickets=sources.Tickets(table),
            reports=sources.Reports(table),
            links=LinkTokens(
                lambda: secrets().ring("links"), lambda: secrets().ring("links", is_fresh=True)
            ),
        ),
        House(
            site=site,
            mail_domain=chosen.mail_from.partition("@")[2] or MAIL_DOMAIN_DEFAULT,
            report_recipients=chosen.report_recipients,
        ),
    )


def _deps(channel: Channel, carrier: Carrier, *, sends_one_by_one: bool = False) -> Deps:
    return Deps(
        channel=channel,
        composer=composer(),
        deliveries=DeliveryLog(core_table(), keeps_copies=settings().is_sandbox),
        carrier=carrier,
        clock=SystemClock(),
        count=lambda name, template: measure(name, channel=channel.value, template=template),
        # Without the template: an alarm watches it, and alarms cannot sum over dimensions.
        count_in_doubt=lambda: measure("DeliveryInDoubt", channel=channel.value),
        sends_one_by_one=sends_one_by_one,
    )


@lru_cache(maxsize=1)
def email_deps() -> Deps:
    """What the mail consumer works with."""
    sesv2 = client("sesv2", attempts=carriers.ATTEMPTS)
    mail = carriers.SesMail(sesv2, settings().mail_from, f"souk-{settings().stage}")
    return _deps(Channel.EMAIL, mail)


@lru_cache(maxsize=1)
def sms_deps() -> Deps:
    """What the consumer of text messages works with."""
    allowance = carriers.Allowance(RateLimiter(core_table()), settings().sms_daily_cap)
    sns = client("sns", attempts=carriers.ATTEMPTS)
    return _deps(Channel.SMS, carriers.SnsText(sns, allowance))


@lru_cache(maxsize=1)
def push_deps() -> Deps:
    """What the consumer of push messages works with."""
    sns = client("sns", attempts=carriers.ATTEMPTS)
    push = carriers.SnsPush(sns, people(), settings().platform_application_arn)
    return _deps(Channel.PUSH, push, sends_one_by_one=True)


@lru_cache(maxsize=1)
def mailbox() -> Mailbox:
    """The sandbox mailbox."""
    return Mailbox(core_table())


@lru_cache(maxsize=1)
def inbox_deps() -> InboxDeps:
    """What the inboxes of the shop are read with."""
    return InboxDeps(InboxRows(core_table()), SystemClock())
