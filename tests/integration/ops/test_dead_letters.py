"""Dead letters: from the dead-letter queues over the operations desk to the redrive."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.ops.events import ops_worker
from chalicelib.ops.wiring import letter_deps
from tests.cloud import ACCOUNT, REGION, STAGE, bare_client, cloud
from tests.front_door import FrontDoor, member, staff_member

CONTEXT = SimpleNamespace(aws_request_id="r")
POISON = json.dumps({"detail-type": "Invented", "detail": {"correlation_id": "corr-0001"}})
PARKED = {
    "cause": "UnknownEvent: not an event of this system",
    "source": "email",
    "source_message_id": "m-original",
    "receives": "5",
}


@pytest.fixture(autouse=True)
def _cloud() -> Iterator[None]:
    with cloud():
        yield


def in_queue(queue: str, body: str, message_id: str = "m-1", **attributes: str) -> dict[str, Any]:
    """A batch of one message as `queue` delivers it."""
    return {
        "Records": [
            {
                "messageId": message_id,
                "receiptHandle": "r",
                "body": body,
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:souk-{STAGE}-{queue}",
                "attributes": {"ApproximateReceiveCount": "6"},
                "messageAttributes": {
                    name: {"dataType": "String", "stringValue": value}
                    for name, value in attributes.items()
                },
            }
        ]
    }


def worked(batch: dict[str, Any]) -> None:
    """Hand a batch to the worker, which must not fail."""
    assert ops_worker(batch, CONTEXT) == {"batchItemFailures": []}


def admin() -> FrontDoor:
    """A signed-in administrator."""
    return staff_member("admin").door


def the_letter(door: FrontDoor) -> dict[str, Any]:
    """The one open dead letter."""
    reply = door.get("/ops/dead-letters")
    assert reply.status == 200
    (letter,) = reply.body["items"]
    return dict(letter)


def events_of(door: FrontDoor, aggregate_id: str) -> list[str]:
    """The types of events of one aggregate, as the desk lists them."""
    reply = door.get(f"/ops/events?aggregate_id={aggregate_id}")
    assert reply.status == 200, reply.body
    return [event["type"] for event in reply.body["items"]]


def commanded(door: FrontDoor, letter_id: str) -> None:
    """Hand the worker the redrive that the letter's event orders."""
    listed = door.get(f"/ops/events?aggregate_id={letter_id}").body["items"]
    (order,) = [one for one in listed if one["type"] == "DeadLetterRedriveRequested"]
    detail = {name: order[name] for name in order if name not in {"type", "source", "relayed_at"}}
    body = json.dumps({"detail-type": order["type"], "detail": detail})
    worked(in_queue("ops-commands", body, "m-command"))


def messages_in(queue: str) -> list[str]:
    """The bodies in a queue."""
    url = bare_client("sqs").get_queue_url(QueueName=f"souk-{STAGE}-{queue}")["QueueUrl"]
    reply = bare_client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [message["Body"] for message in reply.get("Messages", [])]


def test_a_parked_message_becomes_one_dead_letter_with_its_cause() -> None:
    """The copy our consumer parked and the original the queue moved are the same letter."""
    worked(in_queue("email-dlq", POISON, "m-parked", **PARKED))
    worked(in_queue("email-dlq", POISON, "m-original"))
    door = admin()
    letter = the_letter(door)
    assert letter | {"id": "", "first_seen_at": "", "updated_at": ""} == {
        "id": "",
        "source": "email",
        "kind": "queue",
        "status": "OPEN",
        "cause": "UnknownEvent: not an event of this system",
        "reference": None,
        "receive_count": 5,
        "correlation_id": "corr-0001",
        "first_seen_at": "",
        "updated_at": "",
        "version": 1,
    }
    assert door.get(f"/ops/dead-letters/{letter['id']}").body["body"] == POISON
    assert events_of(door, letter["id"]) == ["DeadLetterStored"]


def test_a_message_nobody_explained_says_so() -> None:
    """What the redrive policy moves has no cause of its own."""
    worked(in_queue("order-signals-dlq", "{}"))
    letter = the_letter(admin())
    assert letter["source"] == "order-signals"
    assert letter["cause"] == "received 6 times without success"


def test_redrive_of_a_queue_message_sends_it_back_once() -> None:
    """OPEN → REDRIVING → REDRIVEN; asking again changes nothing; a second failure is new."""
    worked(in_queue("email-dlq", POISON, "m-parked", **PARKED))
    door = admin()
    letter = the_letter(door)
    path = f"/ops/dead-letters/{letter['id']}"
    assert door.post(f"{path}/redrive").body["dead_letter"]["status"] == "REDRIVING"
    assert door.post(f"{path}/redrive").status == 202
    commanded(door, letter["id"])
    commanded(door, letter["id"])
    assert messages_in("email") == [POISON]
    assert door.get(path).body["status"] == "REDRIVEN"
    assert door.delete(path).status == 409
    assert door.post(f"{path}/redrive").status == 202
    worked(in_queue("email-dlq", POISON, "m-again", **PARKED | {"source_message_id": "m-2"}))
    assert the_letter(door)["id"] != letter["id"]


@pytest.mark.covers(28)
def test_a_workflow_parks_itself_and_is_started_again_under_another_name() -> None:
    """Parking and the status rule tell of one run: one letter; redrive keeps the input."""
    given = {"order_id": "ord_1", "correlation_id": "corr-0001"}
    parked = {
        "workflow": "order-fulfilment",
        "execution": "ord_1",
        "input": given,
        "state": {"last": {"outcome": "exhausted", "reason": "payment unresolved"}},
    }
    status = {
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "detail": {
            "name": "ord_1",
            "status": "FAILED",
            "stateMachineArn": "arn:aws:states:x:1:stateMachine:souk-test-order-fulfilment",
            "input": json.dumps(given),
        },
    }
    worked(in_queue("workflow-dlq", json.dumps(parked)))
    worked(in_queue("workflow-dlq", json.dumps(status), "m-2"))
    door = admin()
    letter = the_letter(door)
    assert (letter["source"], letter["kind"]) == ("order-fulfilment", "workflow")
    assert (letter["cause"], letter["reference"]) == ("payment unresolved", "ord_1")
    started: list[tuple[str, str, object]] = []

    def start(*call: Any) -> bool:
        started.append(call)
        return True

    runs = SimpleNamespace(start=start)
    object.__setattr__(letter_deps().redrive, "workflows", runs)
    door.post(f"/ops/dead-letters/{letter['id']}/redrive")
    commanded(door, letter["id"])
    ((workflow, name, input_),) = started
    assert (workflow, input_) == ("order-fulfilment", given)
    assert name.startswith("ord_1-20")


def test_the_status_rule_alone_is_enough() -> None:
    """A run that was stopped never parks itself; its letter says how it ended."""
    detail = {
        "name": "ord_2",
        "status": "TIMED_OUT",
        "stateMachineArn": "arn:aws:states:x:1:stateMachine:souk-test-order-refund",
        "input": json.dumps({"refund_id": "rfd_1", "correlation_id": "corr-0002"}),
    }
    body = {"detail-type": "Step Functions Execution Status Change", "detail": detail}
    worked(in_queue("workflow-dlq", json.dumps(body)))
    letter = the_letter(admin())
    assert (letter["source"], letter["cause"]) == ("order-refund", "execution timed_out")
    assert letter["correlation_id"] == "corr-0002"


def test_streams_of_live_cannot_be_redriven() -> None:
    """Readers catch up by themselves: 409 not_redrivable, the letter stays open."""
    worked(in_queue("streams-dlq", "{}", source="live", cause="UnknownEvent"))
    door = admin()
    letter = the_letter(door)
    reply = door.post(f"/ops/dead-letters/{letter['id']}/redrive")
    assert (reply.status, reply.code) == (409, "not_redrivable")
    assert door.delete(f"/ops/dead-letters/{letter['id']}").status == 204
    assert door.delete(f"/ops/dead-letters/{letter['id']}").status == 409
    assert door.get("/ops/dead-letters").body["items"] == []
    closed = door.get("/ops/dead-letters?status=DELETED").body["items"]
    assert [one["id"] for one in closed] == [letter["id"]]


@pytest.mark.parametrize(
    ("queue", "body", "attributes", "told"),
    [
        (
            "async-dlq",
            {
                "requestContext": {
                    "requestId": "req-1",
                    "functionArn": "arn:aws:lambda:x:1:function:souk-test-media_uploaded:$LATEST",
                    "condition": "RetriesExhausted",
                },
                "requestPayload": {"Records": []},
                "responsePayload": {"errorType": "Unavailable"},
            },
            {},
            ("media_uploaded", "async", "RetriesExhausted: Unavailable", "req-1"),
        ),
        (
            "bus-dlq",
            {"detail-type": "OrderPaid", "detail": {"event_id": "ord_1#5"}},
            {
                "RULE_ARN": "arn:aws:events:x:1:rule/souk-test/to-live",
                "ERROR_CODE": "NO_PERMISSIONS",
            },
            ("to-live", "bus", "NO_PERMISSIONS", "ord_1#5"),
        ),
        (
            "streams-dlq",
            {
                "requestContext": {"condition": "RetryAttemptsExhausted"},
                "DDBStreamBatchInfo": {
                    "streamArn": "arn:aws:dynamodb:x:1:table/souk-test-core/stream/2026"
                },
            },
            {},
            ("core", "stream", "RetryAttemptsExhausted", None),
        ),
    ],
)
def test_what_aws_services_give_up_on_is_understood(
    queue: str, body: dict[str, Any], attributes: dict[str, str], told: tuple[str | None, ...]
) -> None:
    """Source, kind, cause and reference are read from each service's own form."""
    worked(in_queue(queue, json.dumps(body), **attributes))
    letter = the_letter(admin())
    assert tuple(letter[name] for name in ("source", "kind", "cause", "reference")) == told


def test_lists_can_be_narrowed_to_a_source() -> None:
    """Only letters of that queue are shown."""
    worked(in_queue("email-dlq", "{}", "m-1"))
    worked(in_queue("order-signals-dlq", "{}", "m-2"))
    door = admin()
    listed = door.get("/ops/dead-letters?source=email").body
    assert [one["source"] for one in listed["items"]] == ["email"]
    assert listed["next"] is None


def test_the_desk_is_for_operations_alone() -> None:
    """Strangers are 401, customers and other staff 403."""
    assert FrontDoor().get("/ops/queues").status == 401
    assert member().door.get("/ops/queues").status == 403
    assert staff_member("merchant").door.get("/ops/dead-letters").status == 403


def test_queues_are_listed_with_their_depth() -> None:
    """Work queues and dead ends, each with what waits in it."""
    url = bare_client("sqs").get_queue_url(QueueName=f"souk-{STAGE}-email")["QueueUrl"]
    bare_client("sqs").send_message(QueueUrl=url, MessageBody="x")
    listed = {one["name"]: one for one in admin().get("/ops/queues").body["items"]}
    email = {"kind": "queue", "source": None, "visible": 1, "in_flight": 0, "delayed": 0}
    assert listed["email"] == {"name": "email"} | email
    assert listed["email-dlq"]["source"] == "email"
    assert listed["workflow-dlq"]["kind"] == "dead_letter"
