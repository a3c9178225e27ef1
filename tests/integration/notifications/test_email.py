"""Mails of accounts and orders: from the queue to SES and the sandbox mailbox."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from chalice.test import Client
from moto.ses.models import ses_backends

from app import app
from chalicelib.aws.links import LinkTokens
from chalicelib.aws.secrets import secrets
from chalicelib.notifications.events import notify_email
from tests.cloud import ACCOUNT, REGION, STAGE, bare_client, cloud
from tests.integration.notifications.shop import (
    EMAIL,
    a_user,
    an_event,
    an_order,
    delivered,
    delivery,
    messages,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CONTEXT = SimpleNamespace(aws_request_id="r")


@pytest.fixture(autouse=True)
def _cloud() -> Iterator[None]:
    with cloud():
        yield


def sent() -> list[Any]:
    """What SES was asked to send."""
    backend = ses_backends[ACCOUNT][REGION]
    return list(backend.sent_messages)


def mailbox(to: str = EMAIL) -> list[dict[str, Any]]:
    """The sandbox mailbox of an address, over HTTP."""
    with Client(app) as client:
        response = client.http.get(f"/sandbox/mailbox?to={to}")
    assert response.status_code == 200
    return list(json.loads(response.body)["items"])


def test_verification_mail_carries_the_token_of_its_event() -> None:
    """The mailbox shows the rebuilt token; it stands in the link, and in no row but the copy."""
    a_user(locale="de-DE")
    event = an_event("UserRegistered")
    assert notify_email(delivered(event), CONTEXT) == {"batchItemFailures": []}
    token = LinkTokens(lambda: secrets().ring("links")).token("k1", event.event_id)
    (entry,) = mailbox()
    assert entry["template"] == "verify_email"
    assert entry["token"] == token
    assert f"verify-email#token={token}" in entry["text"]
    assert entry["subject"] == "Bitte bestätigen Sie Ihre E-Mail-Adresse"
    row = delivery(event)
    assert (row["status"], row["recipient_key"]) == ("SENT", "email-key-of-amina")
    assert token not in json.dumps(row)


@pytest.mark.covers(12)
def test_the_same_event_twice_is_one_mail() -> None:
    """A repeated delivery is acknowledged and sends nothing."""
    a_user()
    an_order()
    event = an_event("OrderPaid")
    notify_email(delivered(event, event), CONTEXT)
    notify_email(delivered(event), CONTEXT)
    assert len(sent()) == 1
    assert [entry["template"] for entry in mailbox()] == ["order_confirmed"]
    assert mailbox()[0]["token"] is None


def test_order_mails_follow_the_wishes_and_account_mails_do_not() -> None:
    """With e-mail switched off an order mail is skipped; a changed password is still told."""
    a_user(order_updates={"email": False, "sms": False, "push": False})
    an_order()
    notify_email(delivered(an_event("OrderPaid"), an_event("PasswordChanged", version=2)), CONTEXT)
    assert [entry["template"] for entry in mailbox()] == ["password_changed"]
    assert delivery(an_event("OrderPaid"))["cause"] == "opted_out"


def test_a_refund_of_a_cancelled_order_is_not_told_twice() -> None:
    """The cancellation has its own mail."""
    a_user()
    notify_email(delivered(an_event("RefundSettled", kind="cancel")), CONTEXT)
    assert sent() == []


def test_unknown_users_are_skipped() -> None:
    """Nobody to write to is a settled delivery, not a dead letter."""
    event = an_event("PasswordChanged")
    assert notify_email(delivered(event), CONTEXT) == {"batchItemFailures": []}
    assert delivery(event)["cause"] == "no_address"


def test_poison_fails_alone_and_is_parked_with_its_cause() -> None:
    """At its fifth receive a malformed message lies in the dead end; its neighbour was sent."""
    a_user()
    batch = delivered(an_event("PasswordChanged"))
    batch["Records"] += messages("{}", receives=5)["Records"]
    batch["Records"][1]["messageId"] = "poison"
    assert notify_email(batch, CONTEXT) == {"batchItemFailures": []}
    assert len(sent()) == 1
    url = bare_client("sqs").get_queue_url(QueueName=f"souk-{STAGE}-email-dlq")["QueueUrl"]
    (message,) = bare_client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert message["MessageAttributes"]["cause"]["StringValue"].startswith("UnknownEvent")
    assert message["MessageAttributes"]["source_message_id"]["StringValue"] == "poison"


def test_a_refused_mail_is_failed_and_may_be_tried_again() -> None:
    """SES refuses an unverified sender; once it is verified the same message is sent."""
    a_user()
    ses = bare_client("ses")
    ses.delete_identity(Identity="shop@souk.example")
    event = an_event("PasswordChanged")
    assert notify_email(delivered(event), CONTEXT)["batchItemFailures"] != []
    row = delivery(event)
    assert (row["status"], row["cause"]) == (
        "FAILED",
        "refused by the provider: MessageRejected",
    )
    ses.verify_email_identity(EmailAddress="shop@souk.example")
    assert notify_email(delivered(event), CONTEXT) == {"batchItemFailures": []}
    assert delivery(event)["status"] == "SENT"


def in_doubt(printed: str) -> list[dict[str, Any]]:
    """The metric lines that count mails which may have been sent twice."""
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith('{"_aws"')]
    return [line for line in lines if "DeliveryInDoubt" in line]


def test_a_held_delivery_waits_for_the_lease(capsys: pytest.CaptureFixture[str]) -> None:
    """A worker that died after its claim leaves the mail to the one after the lease, counted."""
    a_user()
    event = an_event("PasswordChanged")
    with time_machine.travel(NOW, tick=False):
        notify_email(delivered(event), CONTEXT)
    bare_client("dynamodb").update_item(
        TableName=f"souk-{STAGE}-core",
        Key={"pk": {"S": f"NLOG#{event.event_id}#email"}, "sk": {"S": "META"}},
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": "CLAIMED"}},
    )
    with time_machine.travel(NOW + timedelta(seconds=30), tick=False):
        assert notify_email(delivered(event), CONTEXT)["batchItemFailures"] != []
    assert len(sent()) == 1
    with time_machine.travel(NOW + timedelta(seconds=61), tick=False):
        assert notify_email(delivered(event), CONTEXT) == {"batchItemFailures": []}
    assert len(sent()) == 2
    assert delivery(event)["attempts"] == "2"
    (counted,) = in_doubt(capsys.readouterr().out)
    # Alarms cannot sum over dimensions: what they watch has these two and no other.
    assert counted["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["stage", "channel"]]
    assert counted["channel"] == "email"


@pytest.mark.parametrize("kind", ["eventType", "notificationType"])
def test_a_permanent_bounce_suppresses_the_address(kind: str) -> None:
    """After a bounce nothing more is sent to that recipient, account mails included."""
    a_user()
    bounce = {
        kind: "Bounce",
        "bounce": {"bounceType": "Permanent"},
        "mail": {"tags": {"recipient_key": ["email-key-of-amina"]}},
    }
    notify_email(messages(json.dumps(bounce)), CONTEXT)
    event = an_event("PasswordChanged")
    notify_email(delivered(event), CONTEXT)
    assert sent() == []
    assert delivery(event)["cause"] == "suppressed"


def test_passing_bounces_and_receipts_suppress_nobody() -> None:
    """A full mailbox today is no reason to be silent tomorrow."""
    a_user()
    tags = {"tags": {"recipient_key": ["email-key-of-amina"]}}
    passing = {"eventType": "Bounce", "bounce": {"bounceType": "Transient"}, "mail": tags}
    receipt = {"eventType": "Delivery", "mail": tags}
    notify_email(messages(json.dumps(passing), json.dumps(receipt)), CONTEXT)
    notify_email(delivered(an_event("PasswordChanged")), CONTEXT)
    assert len(sent()) == 1


def test_mailbox_is_not_there_without_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """In production the route answers 404 and no copies are kept."""
    monkeypatch.setenv("SOUK_SANDBOX", "off")
    with Client(app) as client:
        assert client.http.get(f"/sandbox/mailbox?to={EMAIL}").status_code == 404
