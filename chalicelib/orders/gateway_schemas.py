"""Wire models of the payment gateway: its webhooks and the sandbox's books."""

from chalicelib.wire.models import View


class WebhookReceived(View):
    """The webhook is on the queue."""

    received: bool = True


class SandboxCharge(View):
    """One charge in the sandbox's books."""

    charge_id: str
    payment_id: str
    amount: int
    currency: str
    status: str
    attempts: int


class SandboxRefund(View):
    """One refund in the sandbox's books."""

    refund_id: str
    payment_id: str
    amount: int
    status: str


class SandboxBooks(View):
    """All that the sandbox knows of an order."""

    charges: list[SandboxCharge]
    refunds: list[SandboxRefund]


class SandboxDecision(View):
    """A charge after the customer, or the operator, acted."""

    charge: SandboxCharge
