"""The sandbox gateway on the table: every token, lost replies, repeated keys, its webhooks."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.test import Client

from chalicelib.kernel.clock import SystemClock, epoch_s
from chalicelib.kernel.ids import Ids
from chalicelib.orders import gateway_wiring
from chalicelib.orders.payments import (
    ActionRequired,
    Captured,
    ChargeRequest,
    Declined,
    Expired,
    GatewayUnknown,
    NotFound,
    RefundRequest,
    Rejected,
    Settled,
)
from chalicelib.orders.sandbox_gateway import SandboxGateway
from chalicelib.orders.signatures import signature
from tests.cloud import ACCOUNT, REGION, STAGE, bare_client, cloud

ORDER = Ids().new("ord")
PAYMENT = Ids().new("pay")
INBOX_URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/souk-{STAGE}-payments-inbox"


@pytest.fixture
def gateway() -> Iterator[SandboxGateway]:
    """The sandbox over a fresh AWS."""
    with cloud():
        yield gateway_wiring.sandbox_gateway()


def a_charge(token: str, amount: int = 6800) -> ChargeRequest:
    """A charge of this order's payment."""
    return ChargeRequest(PAYMENT, ORDER, amount, "EUR", token)


def webhooks() -> list[dict[str, Any]]:
    """What the sandbox has put on the inbox."""
    reply = bare_client("sqs").receive_message(QueueUrl=INBOX_URL, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in reply.get("Messages", [])]


def test_approved_charge_is_captured_once(gateway: SandboxGateway) -> None:
    """A repeated key returns the first result, does nothing and sends nothing."""
    first = gateway.charge(a_charge("tok_approve"))
    again = gateway.charge(a_charge("tok_approve", amount=1))
    assert first == again == Captured(f"gch_{PAYMENT[4:]}", 6800, "EUR")
    assert [webhook["type"] for webhook in webhooks()] == ["charge.succeeded"]


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("tok_decline", "card_declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_whatever", "invalid_token"),
    ],
)
def test_declines_carry_their_code(gateway: SandboxGateway, token: str, code: str) -> None:
    """A declined charge stays declined, with the code of its token."""
    assert gateway.charge(a_charge(token)) == Declined(code)
    assert gateway.lookup(ORDER, PAYMENT) == Declined(code)
    assert [webhook["data"]["code"] for webhook in webhooks()] == [code]


def test_lost_reply_after_capture_is_found_by_lookup(gateway: SandboxGateway) -> None:
    """The reply is lost, the money is taken, and the look-up says so."""
    with pytest.raises(GatewayUnknown):
        gateway.charge(a_charge("tok_timeout_then_charged"))
    assert isinstance(gateway.lookup(ORDER, PAYMENT), Captured)


def test_lost_attempt_is_tried_again_under_the_same_key(gateway: SandboxGateway) -> None:
    """The first attempt never took effect; the second captures."""
    with pytest.raises(GatewayUnknown):
        gateway.charge(a_charge("tok_timeout_not_charged"))
    assert gateway.lookup(ORDER, PAYMENT) == NotFound()
    assert isinstance(gateway.charge(a_charge("tok_timeout_not_charged")), Captured)


def test_outage_lasts_until_recovery(gateway: SandboxGateway) -> None:
    """Charge and look-up fail until the outage ends, then the same key captures."""
    for _ in range(2):
        with pytest.raises(GatewayUnknown):
            gateway.charge(a_charge("tok_outage"))
    with pytest.raises(GatewayUnknown):
        gateway.lookup(ORDER, PAYMENT)
    gateway.recover(gateway_wiring.sandbox_ledger().charges(ORDER)[0])
    assert gateway.lookup(ORDER, PAYMENT) == NotFound()
    assert isinstance(gateway.charge(a_charge("tok_outage")), Captured)


def test_withdrawn_charge_can_no_longer_be_approved(gateway: SandboxGateway) -> None:
    """Of withdrawing and approving, one wins; the other finds its answer."""
    waiting = gateway.charge(a_charge("tok_requires_action"))
    assert isinstance(waiting, ActionRequired)
    assert waiting.action_url.endswith(f"/sandbox/gateway/orders/{ORDER}/approve")
    charge = gateway_wiring.sandbox_ledger().charges(ORDER)[0]
    assert gateway.withdraw(ORDER, PAYMENT) == Expired()
    assert gateway.decide(charge, is_approved=True) is None
    assert gateway.charge(a_charge("tok_requires_action")) == Expired()


def test_charge_withdrawn_before_it_came_never_captures(gateway: SandboxGateway) -> None:
    """Withdrawing an unknown key enters it as expired."""
    assert gateway.withdraw(ORDER, PAYMENT) == Expired()
    assert gateway.charge(a_charge("tok_approve")) == Expired()


def test_duplicate_webhook_token_sends_three(gateway: SandboxGateway) -> None:
    """The same webhook twice, and once more under another id."""
    gateway.charge(a_charge("tok_duplicate_webhook"))
    ids = [webhook["id"] for webhook in webhooks()]
    assert len(ids) == 3
    assert len(set(ids)) == 2


def test_refund_settles_once_and_never_beyond_the_charge(gateway: SandboxGateway) -> None:
    """Refunds add up to the charge at most; a repeated key repeats the answer."""
    gateway.charge(a_charge("tok_approve"))
    first = RefundRequest(Ids().new("rfd"), PAYMENT, ORDER, 6000)
    assert gateway.refund(first) == gateway.refund(first) == Settled()
    beyond = RefundRequest(Ids().new("rfd"), PAYMENT, ORDER, 801)
    assert gateway.refund(beyond) == Rejected("amount_exceeds_charge")
    assert gateway.lookup_refund(ORDER, first.refund_id) == Settled()


def test_refund_tokens_reject_or_lose_the_reply(gateway: SandboxGateway) -> None:
    """tok_refund_timeout settles in the books although the reply is lost."""
    gateway.charge(a_charge("tok_refund_timeout"))
    refund = RefundRequest(Ids().new("rfd"), PAYMENT, ORDER, 100)
    with pytest.raises(GatewayUnknown):
        gateway.refund(refund)
    assert gateway.lookup_refund(ORDER, refund.refund_id) == Settled()


def test_webhook_route_takes_only_what_the_gateway_signed() -> None:
    """A valid signature is enqueued once verified; another body under it is refused."""
    from app import app

    with cloud(), Client(app, stage_name=STAGE) as client:
        body = json.dumps({"id": "gwe_1", "type": "charge.succeeded"}).encode()
        ring = json.loads(
            bare_client("secretsmanager").get_secret_value(SecretId=f"souk/{STAGE}/webhook")[
                "SecretString"
            ]
        )
        now = epoch_s(SystemClock().now())
        signed = f"t={now},v1={signature(ring['k1'], now, body)}"
        headers = {"Souk-Signature": signed}
        path = "/payments/webhooks/sandbox"
        assert client.http.post(path, headers=headers, body=body).status_code == 200
        assert client.http.post(path, headers=headers, body=body + b" ").status_code == 400
        old = now - 301
        stale = {"Souk-Signature": f"t={old},v1={signature(ring['k1'], old, body)}"}
        assert client.http.post(path, headers=stale, body=body).status_code == 400
        unknown = client.http.post("/payments/webhooks/stripe", headers=headers, body=body)
        assert unknown.status_code == 404
        assert [webhook["id"] for webhook in webhooks()] == ["gwe_1"]
