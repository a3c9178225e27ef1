"""Text messages and push: from their queues to SNS and the sandbox mailbox."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from chalice.test import Client
from moto.sns.models import sns_backends

from app import app
from chalicelib.aws.tables import core_table
from chalicelib.aws.writes import Put
from chalicelib.notifications.events import notify_push, notify_sms
from tests.cloud import ACCOUNT, REGION, STAGE, bare_client, cloud
from tests.integration.notifications.shop import (
    AT,
    EMAIL,
    PHONE,
    USER,
    a_user,
    an_event,
    an_order,
    delivered,
    delivery,
)

CONTEXT = SimpleNamespace(aws_request_id="r")
ALL = {"email": True, "sms": True, "push": True}
FINE: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture(autouse=True)
def _cloud() -> Iterator[None]:
    with cloud():
        yield


def texts() -> list[tuple[str, str]]:
    """The text messages SNS was asked to send."""
    backend = sns_backends[ACCOUNT][REGION]
    return [(number, text) for number, text, *_ in backend.sms_messages.values()]


def a_device(number: int, platform: str = "android") -> None:
    """Put a device of the user."""
    device = f"dev_{number:026d}"
    item = {"pk": f"USER#{USER}", "sk": f"DEV#{device}", "id": device, "created_at": AT}
    core_table().write(Put({**item, "platform": platform, "token": f"token-of-{number:08d}"}))


def platforms() -> None:
    """The platform applications that an operator makes."""
    for platform in ("APNS", "GCM"):
        bare_client("sns").create_platform_application(
            Name=f"souk-{STAGE}", Platform=platform, Attributes={"PlatformCredential": "x"}
        )


def pushed() -> int:
    """How many push messages reached an endpoint."""
    endpoints = sns_backends[ACCOUNT][REGION].platform_endpoints.values()
    return sum(len(endpoint.messages) for endpoint in endpoints)


def test_a_shipped_order_is_told_by_text_message_once() -> None:
    """In the reader's language, with the tracking; a repeat sends nothing."""
    a_user(order_updates=ALL, phone=PHONE, locale="fr-FR")
    an_order()
    event = an_event("OrderShipped")
    assert notify_sms(delivered(event, event), CONTEXT) == FINE
    assert texts() == [(PHONE, "Souk : votre commande SK-7Q4MZ2KD est en route avec DHL T1.")]
    with Client(app) as client:
        body = client.http.get("/sandbox/mailbox?to=%2B491701234567").json_body
    assert [(entry["channel"], entry["subject"]) for entry in body["items"]] == [("sms", None)]


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ({"order_updates": ALL}, "no_address"),
        ({"phone": PHONE}, "opted_out"),
    ],
)
def test_no_text_without_number_or_wish(user: dict[str, Any], reason: str) -> None:
    """Text messages are off until they are asked for, and need a number."""
    a_user(**user)
    an_order()
    event = an_event("OrderShipped")
    assert notify_sms(delivered(event), CONTEXT) == FINE
    assert texts() == []
    assert delivery(event, "sms")["cause"] == reason


@pytest.mark.covers(13)
def test_texts_beyond_the_daily_cap_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second message of a day with an allowance of one is not sent, and says why."""
    monkeypatch.setenv("SOUK_SMS_DAILY_CAP", "1")
    a_user(order_updates=ALL, phone=PHONE)
    an_order()
    first, second = an_event("OrderShipped"), an_event("PaymentActionRequired", version=2)
    assert notify_sms(delivered(first, second), CONTEXT) == FINE
    assert len(texts()) == 1
    assert (delivery(second, "sms")["status"], delivery(second, "sms")["cause"]) == (
        "SKIPPED",
        "daily_cap",
    )


def test_events_of_other_channels_are_none_of_theirs() -> None:
    """The topic brings every customer event; a confirmed order is no text message."""
    a_user(order_updates=ALL, phone=PHONE)
    an_order()
    event = an_event("OrderPaid")
    assert notify_sms(delivered(event), CONTEXT) == FINE
    assert delivery(event, "sms") == {}


@pytest.mark.covers(14)
def test_every_device_is_pushed_to_once() -> None:
    """Two devices, two endpoints, one delivery; the copy lies in the reader's mailbox."""
    a_user(order_updates=ALL)
    an_order()
    platforms()
    a_device(1)
    a_device(2, "ios")
    event = an_event("OrderPaid")
    assert notify_push(delivered(event, event), CONTEXT) == FINE
    assert pushed() == 2
    with Client(app) as client:
        (entry,) = client.http.get(f"/sandbox/mailbox?to={EMAIL}").json_body["items"]
    assert (entry["channel"], entry["subject"]) == ("push", "Order confirmed")


def test_a_missing_platform_fails_and_spares_the_devices_reached() -> None:
    """Android was reached, iOS was not: when Apple is there, only iOS is pushed to."""
    a_user(order_updates=ALL)
    an_order()
    platforms()
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:app/APNS/souk-{STAGE}"
    bare_client("sns").delete_platform_application(PlatformApplicationArn=arn)
    a_device(1)
    a_device(2, "ios")
    event = an_event("OrderPaid")
    assert notify_push(delivered(event), CONTEXT) != FINE
    assert (pushed(), delivery(event, "push")["status"]) == (1, "FAILED")
    bare_client("sns").create_platform_application(
        Name=f"souk-{STAGE}", Platform="APNS", Attributes={}
    )
    assert notify_push(delivered(event), CONTEXT) == FINE
    assert (pushed(), delivery(event, "push")["status"]) == (2, "SENT")


def test_a_device_that_is_switched_off_does_not_matter() -> None:
    """The endpoint is disabled: the message counts as told."""
    a_user(order_updates=ALL)
    an_order()
    platforms()
    a_device(1)
    sns = bare_client("sns")
    endpoint = sns.create_platform_endpoint(
        PlatformApplicationArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:app/GCM/souk-{STAGE}",
        Token="token-of-00000001",
    )["EndpointArn"]
    sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"Enabled": "false"})
    event = an_event("OrderPaid")
    assert notify_push(delivered(event), CONTEXT) == FINE
    assert (pushed(), delivery(event, "push")["status"]) == (0, "SENT")
