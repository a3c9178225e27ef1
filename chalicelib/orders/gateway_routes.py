"""REST routes of the payment gateway: signed webhooks in, and the sandbox's own pages."""

from typing import Final

from chalicelib.edge.bodies import MalformedJson, parse_json
from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.http import SANDBOX_ONLY, HttpBlueprint
from chalicelib.edge.replies import Reply
from chalicelib.kernel.clock import epoch_s
from chalicelib.kernel.errors import Conflict, NotFound
from chalicelib.orders.gateway_schemas import (
    SandboxBooks,
    SandboxCharge,
    SandboxDecision,
    SandboxRefund,
    WebhookReceived,
)
from chalicelib.orders.gateway_wiring import (
    WebhookDeps,
    sandbox_gateway,
    sandbox_ledger,
    webhook_deps,
)
from chalicelib.orders.sandbox_ledger import Charge
from chalicelib.orders.signatures import SignatureInvalid, verify

SIGNATURE_HEADER: Final = "souk-signature"
_ORDER: Final = "/sandbox/gateway/orders/{order_id}"

blueprint: Final = HttpBlueprint(__name__)


class Signed:
    """The provider calls (mark H): its signature is the proof, checked over the raw body."""

    label = "H"
    authorizer = None

    def admit(self, call: Call) -> None:
        """Everybody is let in; the view checks the signature."""


SIGNED: Final = Signed()


@blueprint.route("/payments/webhooks/{provider}", methods=["POST"], access=SIGNED)
@documented(replies={200: WebhookReceived}, errors=[SignatureInvalid, NotFound], takes_raw=True)
def receive_webhook(call: Call, provider: str) -> Reply:
    """Take a provider's webhook: verified, put on the queue, then acknowledged."""
    deps = webhook_deps()
    if provider != deps.provider:
        raise NotFound
    _require_signature(call, deps)
    webhook = parse_json(call.raw_body)
    if not isinstance(webhook, dict):
        raise MalformedJson("A webhook is a JSON object.")
    deps.inbox.deliver(webhook)
    return Reply(200, WebhookReceived())


def _require_signature(call: Call, deps: WebhookDeps) -> None:
    header, now_s = call.headers.get(SIGNATURE_HEADER), epoch_s(deps.clock.now())
    try:
        verify(header, call.raw_body, deps.secrets(), now_s)
    except SignatureInvalid:
        # The key may be younger than what this process remembers; asked at most every ten seconds.
        verify(header, call.raw_body, deps.fresh_secrets(), now_s)


@blueprint.route(_ORDER, methods=["GET"], access=SANDBOX_ONLY)
@documented(replies={200: SandboxBooks})
def get_sandbox_books(_call: Call, order_id: str) -> Reply:
    """What the sandbox gateway's books say about an order."""
    ledger = sandbox_ledger()
    charges = [_charge_view(charge) for charge in ledger.charges(order_id)]
    refunds = [
        SandboxRefund(
            refund_id=refund.refund_id,
            payment_id=refund.payment_id,
            amount=refund.amount,
            status=refund.status,
        )
        for refund in ledger.refunds(order_id)
    ]
    return Reply(200, SandboxBooks(charges=charges, refunds=refunds))


@blueprint.route(f"{_ORDER}/approve", methods=["POST"], access=SANDBOX_ONLY)
@documented(replies={200: SandboxDecision}, errors=[Conflict])
def approve_charge(_call: Call, order_id: str) -> Reply:
    """Confirm a charge that waits for the customer."""
    return _decided(order_id, is_approved=True)


@blueprint.route(f"{_ORDER}/decline", methods=["POST"], access=SANDBOX_ONLY)
@documented(replies={200: SandboxDecision}, errors=[Conflict])
def decline_charge(_call: Call, order_id: str) -> Reply:
    """Refuse a charge that waits for the customer."""
    return _decided(order_id, is_approved=False)


@blueprint.route(f"{_ORDER}/recover", methods=["POST"], access=SANDBOX_ONLY)
@documented(replies={200: SandboxDecision})
def recover_charge(_call: Call, order_id: str) -> Reply:
    """End the gateway's outage for this order."""
    charge = sandbox_gateway().recover(_latest(order_id))
    return Reply(200, SandboxDecision(charge=_charge_view(charge)))


def _decided(order_id: str, *, is_approved: bool) -> Reply:
    decided = sandbox_gateway().decide(_latest(order_id), is_approved=is_approved)
    if decided is None:
        raise Conflict("The charge does not wait for an action.")
    return Reply(200, SandboxDecision(charge=_charge_view(decided)))


def _latest(order_id: str) -> Charge:
    charges = sandbox_ledger().charges(order_id)
    if not charges:
        raise NotFound
    return charges[-1]


def _charge_view(charge: Charge) -> SandboxCharge:
    return SandboxCharge(
        charge_id=charge.charge_id,
        payment_id=charge.payment_id,
        amount=charge.amount,
        currency=charge.currency,
        status=charge.status,
        attempts=charge.attempts,
    )
