"""The outbox relay as Lambda calls it, with table, bus and queue of an AWS in this process."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.aws.event_rows import event_put
from chalicelib.aws.items import from_item, to_item
from chalicelib.aws.tables import core_table
from chalicelib.kernel.domain_events import EMAIL_VERIFIED, Actor, Cause, DomainEvent
from chalicelib.ops.events import outbox_relay
from tests.cloud import REGION, STAGE, bare_client, cloud

USER = "usr_01J00000000000000000000000"


@pytest.fixture(autouse=True)
def _cloud() -> Iterator[None]:
    with cloud():
        yield


def an_event(version: int = 1) -> DomainEvent:
    """An event of one user."""
    cause = Cause("2026-03-01T12:00:00.000Z", Actor("customer", USER), "corr-0001")
    return DomainEvent(EMAIL_VERIFIED, USER, version, cause, EMAIL_VERIFIED.data(user_id=USER))


def inserted(item: dict[str, Any]) -> dict[str, Any]:
    """A stream record of a new row."""
    image = to_item(item)
    keys = {name: image[name] for name in ("pk", "sk")}
    arn = f"arn:aws:dynamodb:{REGION}:123456789012:table/souk-{STAGE}-core/stream/1"
    return {
        "eventID": "1",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "eventVersion": "1.1",
        "eventSourceARN": arn,
        "dynamodb": {
            "Keys": keys,
            "NewImage": image,
            "SequenceNumber": "1",
            "SizeBytes": 100,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            "ApproximateCreationDateTime": 1,
        },
    }


def bus_queue() -> str:
    """A queue that a rule feeds with everything on the bus."""
    url = str(bare_client("sqs").create_queue(QueueName="everything")["QueueUrl"])
    events = bare_client("events")
    events.put_rule(
        Name="everything",
        EventBusName=f"souk-{STAGE}",
        EventPattern=json.dumps({"source": [{"prefix": "souk."}]}),
    )
    arn = f"arn:aws:sqs:{REGION}:123456789012:everything"
    events.put_targets(
        Rule="everything", EventBusName=f"souk-{STAGE}", Targets=[{"Id": "q", "Arn": arn}]
    )
    return url


def received(url: str) -> list[dict[str, Any]]:
    """The messages of a queue."""
    reply = bare_client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    return list(reply.get("Messages", []))


@pytest.mark.covers(66)
def test_a_new_event_row_reaches_the_bus_and_leaves_the_outbox() -> None:
    """The bus carries the envelope; the row keeps its history and loses its due keys."""
    everything = bus_queue()
    put = event_put(f"USER#{USER}", an_event())
    core_table().write(put)
    outbox_relay({"Records": [inserted(put.item)]}, SimpleNamespace(aws_request_id="r"))
    (message,) = received(everything)
    body = json.loads(message["Body"])
    assert (body["source"], body["detail-type"]) == ("souk.users", "EmailVerified")
    assert body["detail"] == an_event().detail()
    row = core_table().get(put.key)
    assert row is not None
    assert "gsi3pk" not in row
    assert row["relayed_at"].endswith("Z")


def test_changes_and_other_rows_are_no_news() -> None:
    """The relay's own mark, and a row that is no event, publish nothing."""
    everything = bus_queue()
    item = event_put(f"USER#{USER}", an_event()).item
    modified = inserted(item) | {"eventName": "MODIFY"}
    other = inserted({**item, "sk": "PROFILE"})
    outbox_relay({"Records": [modified, other]}, SimpleNamespace(aws_request_id="r"))
    assert received(everything) == []


def test_poison_is_parked_with_body_and_cause() -> None:
    """An event of an unknown schema lies in the dead end, out of the outbox, not relayed."""
    put = event_put(f"USER#{USER}", an_event())
    poison = {**put.item, "schema": 9}
    core_table().write(type(put)(poison))
    outbox_relay({"Records": [inserted(poison)]}, SimpleNamespace(aws_request_id="r"))
    url = bare_client("sqs").get_queue_url(QueueName=f"souk-{STAGE}-streams-dlq")["QueueUrl"]
    (message,) = received(url)
    attributes = {n: v["StringValue"] for n, v in message["MessageAttributes"].items()}
    assert attributes["cause"].startswith("UnknownEvent: EmailVerified of an unknown schema")
    assert attributes["source"] == "core"
    assert json.loads(message["Body"]) == poison
    row = core_table().get(put.key)
    assert row is not None
    assert "gsi3pk" not in row
    assert "relayed_at" not in row


def test_a_row_that_cannot_even_be_read_does_not_block_the_shard() -> None:
    """A row with a number that is none of ours is parked as it is."""
    record = inserted(event_put(f"USER#{USER}", an_event()).item)
    record["dynamodb"]["NewImage"]["schema"] = {"N": "1.5"}
    outbox_relay({"Records": [record]}, SimpleNamespace(aws_request_id="r"))
    url = bare_client("sqs").get_queue_url(QueueName=f"souk-{STAGE}-streams-dlq")["QueueUrl"]
    (message,) = received(url)
    assert json.loads(message["Body"])["image"]["schema"] == {"N": "1.5"}


def test_from_item_is_what_the_tests_read() -> None:
    """The stream image and the stored item are the same values."""
    item = event_put(f"USER#{USER}", an_event()).item
    assert from_item(to_item(item)) == item
