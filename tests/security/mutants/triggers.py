"""Real events of the triggers that are no bus messages, about things that are there."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.cloud import ACCOUNT, REGION, STAGE
from tests.security.generated.floor import Floor, tables
from tests.security.mutants.kinds import envelope, event_of

Known = Mapping[str, Sequence[str]]
Json = Any
TABLES = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"
ARN = f"arn:aws:states:{REGION}:{ACCOUNT}"


def webhooks(floor: Floor, payment: Json) -> dict[str, Json]:
    """What the gateway tells about a payment that is being made."""
    told = {
        "order_id": floor.known["order_id"][0],
        "payment_id": payment["id"],
        "charge_id": "gch_01J00000000000000000000000",
        "amount": payment["amount"],
        "currency": "EUR",
    }
    failed = told | {"code": "card_declined"}
    return {
        "charge.succeeded": _webhook("charge.succeeded", told),
        "charge.failed": _webhook("charge.failed", failed),
        "refund.succeeded": _webhook("refund.succeeded", told | {"refund_id": "rfd_1"}),
    }


def _webhook(kind: str, told: Json) -> Json:
    return {"id": "gwe_01J00000000000000000000000", "type": kind, "data": told}


def reports_of_mail() -> dict[str, Json]:
    """What the mail provider tells of mails that did not arrive."""
    mail = {"messageId": "1", "tags": {"recipient_key": ["key-of-amina"]}}
    bounce = {"bounceType": "Permanent", "bouncedRecipients": []}
    return {
        "bounce": {"eventType": "Bounce", "bounce": bounce, "mail": mail},
        "complaint": {"notificationType": "Complaint", "complaint": {}, "mail": mail},
    }


def commands(known: Known) -> dict[str, Json]:
    """What staff order."""
    return {
        "replay": envelope(event_of("ReplayRequested", known)),
        "redrive": envelope(event_of("DeadLetterRedriveRequested", known)),
        "slice": {"command": "replay", "replay_id": known["replay_id"][0]},
    }


def dead_messages(known: Known) -> dict[str, Json]:
    """What lies in each kind of dead end."""
    given = {"order_id": known["order_id"][0], "correlation_id": "corr-0001"}
    state = {"error": {"Error": "X", "Cause": '{"errorMessage":"told"}'}, "last": {"reason": "r"}}
    stopped = {
        "name": known["order_id"][0],
        "status": "FAILED",
        "stateMachineArn": f"{ARN}:stateMachine:souk-{STAGE}-order-fulfilment",
        "input": json.dumps(given),
        "error": "Broken",
        "cause": "told",
    }
    context = {
        "requestId": "r-1",
        "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:souk-{STAGE}-media_uploaded",
        "condition": "RetriesExhausted",
    }
    parked = {
        "workflow": "order-fulfilment",
        "execution": known["order_id"][0],
        "input": given,
        "state": state,
    }
    bus = envelope(event_of("OrderPlaced", known))
    batch = {"streamArn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/souk-{STAGE}-core/stream/1"}
    failed = {"requestContext": context, "responsePayload": {"errorType": "X"}}
    return {
        "email-dlq": bus,
        "workflow-dlq": parked,
        "workflow-dlq stopped": {
            "detail-type": "Step Functions Execution Status Change",
            "detail": stopped,
        },
        "streams-dlq": {"DDBStreamBatchInfo": batch, "requestContext": context},
        "async-dlq": failed | {"requestPayload": uploaded(known["media_id"][0])},
        "bus-dlq": bus,
    }


def uploaded(media_id: str) -> Json:
    """What the bucket tells of a new object."""
    return {"Records": [{"eventName": "ObjectCreated:Post", "s3": _object(media_id)}]}


def _object(media_id: str) -> Json:
    return {
        "bucket": {"name": f"souk-{STAGE}-uploads-{ACCOUNT}"},
        "object": {"key": f"raw/{media_id}", "size": 9, "eTag": "0" * 32},
    }


def steps(known: Known) -> dict[str, list[Json]]:
    """What workflows ask of their steps."""
    order_id = known["order_id"][0]
    common = {"execution": order_id, "correlation_id": "corr-0001"}
    waiting = {"task_token": "t" * 20, "entered_at": "2026-03-01T12:00:00.000Z", "retry_count": 0}
    order = common | {"order_id": order_id}
    refund = order | {"refund_id": "rfd_01J00000000000000000000000"}
    media = common | {"media_id": known["media_id"][0]}
    return {
        "order_stock": [
            order | {"step": "confirm"},
            order | {"step": "fail", "reason": "payment_declined"},
            refund | {"step": "finish_refund"},
        ],
        "order_status": [order | {"step": "load"}, order | waiting | {"step": "hold"}],
        "order_payment": [
            order | {"step": "charge"},
            order | waiting | {"step": "await_action"},
            refund | {"step": "refund"},
        ],
        "media_steps": [
            media | {"step": "claim"},
            media | {"step": "reject", "reason": "corrupt"},
            media | {"step": "fail"},
        ],
    }


def records(table: str, wanted: tuple[str, ...]) -> list[Json]:
    """New rows of a table as its stream tells them, one for each wanted beginning of a key."""
    found = {}
    for by_sort in tables()[f"souk-{STAGE}-{table}"].items.values():
        for item in by_sort.values():
            image = json.loads(json.dumps(item.to_json()["Attributes"], default=str))
            place = f"{image['pk']['S'].partition('#')[0]} {image['sk']['S'].partition('#')[0]}"
            if place in wanted:
                found[place] = _record(table, image)
    assert set(found) == set(wanted), found.keys()
    return list(found.values())


def _record(table: str, image: Json) -> Json:
    return {
        "eventID": "1",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "eventSourceARN": f"{TABLES}/souk-{STAGE}-{table}/stream/1",
        "dynamodb": {
            "Keys": {name: image[name] for name in ("pk", "sk")},
            "NewImage": image,
            "SequenceNumber": "1",
            "SizeBytes": 1,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            "ApproximateCreationDateTime": 1,
        },
    }


def socket_event(**more: Json) -> Json:
    """One event of a connection."""
    context = {
        "connectionId": "conn0001=",
        "domainName": "sockets.example",
        "stage": "v1",
        "apiId": "api",
        "requestId": "request-0001",
    }
    return {"requestContext": context, "body": "", "isBase64Encoded": False, **more}


def frame(known: Known, text: str = "Hello") -> Json:
    """A message to a conversation."""
    said = {"conversation_id": known["conversation_id"][0], "text": text}
    return {"v": 1, "id": "frame-0001", "action": "chat.send", "data": said}


def tick() -> Json:
    """A schedule's event."""
    return {
        "version": "0",
        "id": "1",
        "account": ACCOUNT,
        "region": REGION,
        "source": "aws.events",
        "detail-type": "Scheduled Event",
        "detail": {},
        "resources": [],
        "time": "2026-03-02T06:00:00Z",
    }


DEAD_ENDS = (
    "email-dlq",
    "workflow-dlq",
    "workflow-dlq stopped",
    "streams-dlq",
    "async-dlq",
    "bus-dlq",
)
