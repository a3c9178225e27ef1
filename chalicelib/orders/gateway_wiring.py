"""The payment gateway of this deployment, built once per process."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from chalicelib.aws.queues import queues
from chalicelib.aws.secrets import KeyRing, secrets
from chalicelib.aws.settings import settings
from chalicelib.aws.tables import core_table
from chalicelib.kernel.clock import Clock, SystemClock
from chalicelib.kernel.errors import Unavailable
from chalicelib.kernel.ids import Ids
from chalicelib.orders.payments import PaymentGateway
from chalicelib.orders.sandbox_gateway import PROVIDER, Inbox, SandboxDeps, SandboxGateway
from chalicelib.orders.sandbox_ledger import DynamoLedger

INBOX: Final = "payments-inbox"


class PaymentsInbox:
    """The queue that webhooks go to, verified ones and the sandbox's own."""

    def deliver(self, webhook: Mapping[str, object]) -> None:
        """Put one webhook on the queue."""
        queues().send(INBOX, webhook)


@lru_cache(maxsize=1)
def sandbox_gateway() -> SandboxGateway:
    """The sandbox with its books in the core table."""
    return SandboxGateway(
        SandboxDeps(
            ledger=sandbox_ledger(),
            inbox=PaymentsInbox(),
            clock=SystemClock(),
            ids=Ids(),
            sleep=time.sleep,
            public_base_url=settings().public_base_url,
        )
    )


@lru_cache(maxsize=1)
def sandbox_ledger() -> DynamoLedger:
    """The sandbox's books."""
    return DynamoLedger(core_table())


def provider() -> str:
    """The name of the provider; Unavailable where no payment can be taken."""
    if not settings().is_sandbox:
        raise Unavailable("No payment provider is configured.")
    return PROVIDER


def payment_gateway() -> PaymentGateway:
    """The gateway that charges; Unavailable where no payment can be taken."""
    provider()
    return sandbox_gateway()


@dataclass(frozen=True, slots=True)
class WebhookDeps:
    """What receiving a webhook needs; `provider` is the only one that may send any."""

    provider: str
    secrets: Callable[[], Sequence[str]]
    fresh_secrets: Callable[[], Sequence[str]]
    inbox: Inbox
    clock: Clock


def webhook_deps() -> WebhookDeps:
    """The provider's signing secrets, two of them while they rotate, and the queue."""
    known = PROVIDER if settings().is_sandbox else ""
    return WebhookDeps(
        known, _signing_secrets, _fresh_signing_secrets, PaymentsInbox(), SystemClock()
    )


def _signing_secrets() -> Sequence[str]:
    return _live(secrets().ring("webhook"))


def _fresh_signing_secrets() -> Sequence[str]:
    return _live(secrets().ring("webhook", is_fresh=True))


def _live(ring: KeyRing) -> Sequence[str]:
    live = (ring.current, ring.previous)
    return [ring.versions[version] for version in live if version]
