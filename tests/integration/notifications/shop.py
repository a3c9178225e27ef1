"""A user, an order and events as other slices write them, for the tests of notifications."""

import json
from typing import Any, Final

from chalicelib.aws.tables import core_table
from chalicelib.aws.writes import Put
from chalicelib.kernel.domain_events import EVENT_TYPES, Actor, Cause, DomainEvent
from tests.cloud import STAGE, bare_client

USER: Final = "usr_01J00000000000000000000000"
ORDER: Final = "ord_01J00000000000000000000000"
PAYMENT: Final = "pay_01J00000000000000000000000"
REFUND: Final = "rfd_01J00000000000000000000000"
EMAIL: Final = "amina@souk.example"
PHONE: Final = "+491701234567"
AT: Final = "2026-03-01T12:00:00.000Z"


def a_user(**changes: Any) -> None:
    """Put a user; `order_updates` sets the wishes."""
    wishes = changes.pop("order_updates", None)
    user = {
        "pk": f"USER#{USER}",
        "sk": "PROFILE",
        "id": USER,
        "email": EMAIL,
        "email_key": "email-key-of-amina",
        "name": "Amina",
        "locale": "en-GB",
        "status": "ACTIVE",
        "role": "customer",
        "password_hash": "none",
        "sv": 1,
        "created_at": AT,
        "updated_at": AT,
        "version": 1,
        **changes,
    }
    core_table().write(Put(user, condition=""))
    if wishes:
        core_table().write(
            Put(
                {
                    "pk": f"USER#{USER}",
                    "sk": "PREFS",
                    "order_updates": wishes,
                    "marketing_email": False,
                },
                condition="",
            )
        )


def an_order() -> None:
    """Put an order of that user."""
    line = {
        "variant_id": "var_1",
        "title": "Tagine blue",
        "variant_title": "M",
        "quantity": 2,
        "line_total": 6800,
    }
    sums = {"subtotal": 6800, "shipping": 0, "total": 6800, "currency": "EUR"}
    keys = {"pk": f"ORDER#{ORDER}", "sk": "META"}
    core_table().write(Put({**keys, "number": "SK-7Q4MZ2KD", "lines": [line], **sums}))


def an_event(name: str, aggregate: str = USER, version: int = 1, **data: Any) -> DomainEvent:
    """An event of the given type; fields that are not given are filled harmlessly."""
    kind = EVENT_TYPES[name]
    known: dict[str, Any] = {
        "user_id": USER,
        "order_id": ORDER,
        "number": "SK-7Q4MZ2KD",
        "currency": "EUR",
    }
    known |= {"total": 6800, "amount": 6800, "kid": "k1", "method": "reset", "enabled": True}
    known |= {"kind": "refund", "refund_amount": 1000, "reason": "out_of_stock"}
    known |= {"payment_id": PAYMENT, "charge_id": "gch_1", "refund_id": REFUND, "lines": []}
    known |= {"from": "PAYING", "to": "PAID", "released": True, "returned": False, "seq": 1}
    known |= {"ticket_id": "tkt_01J00000000000000000000000"}
    known |= {"carrier": "DHL", "tracking_number": "T1", "expires_at": AT, "day": "2026-03-01"}
    filled = {field: data.get(field, known.get(field)) for field in kind.fields}
    cause = Cause(AT, Actor("system", "test"), "corr-0001")
    return DomainEvent(kind, aggregate, version, cause, kind.data(**filled))


def delivered(*events: DomainEvent, receives: int = 1) -> dict[str, Any]:
    """A batch of queue messages as the topic delivers them raw."""
    return messages(
        *(
            json.dumps(
                {
                    "version": "0",
                    "source": event.type.source,
                    "detail-type": event.type.name,
                    "detail": event.detail(),
                }
            )
            for event in events
        ),
        receives=receives,
    )


def messages(*bodies: str, receives: int = 1) -> dict[str, Any]:
    """A batch of queue messages with these bodies."""
    return {
        "Records": [
            {
                "messageId": f"m-{number}",
                "receiptHandle": f"r-{number}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": str(receives)},
                "messageAttributes": {},
            }
            for number, body in enumerate(bodies)
        ]
    }


def delivery(event: DomainEvent, channel: str = "email") -> dict[str, Any]:
    """The raw delivery row of an event."""
    reply = bare_client("dynamodb").get_item(
        TableName=f"souk-{STAGE}-core",
        Key={"pk": {"S": f"NLOG#{event.event_id}#{channel}"}, "sk": {"S": "META"}},
    )
    return {name: next(iter(value.values())) for name, value in reply.get("Item", {}).items()}
