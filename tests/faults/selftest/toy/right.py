"""The right way in its smallest form: reserve, pay, commit; outbox; conditions everywhere."""

import hashlib
import json
from typing import Any

from tests.faults.selftest.toy.rows import TABLE, card, client, key, read, state_of


class Fault(Exception):
    """Somebody else must try again."""


def place(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Create order and idempotency record together; the stream is the outbox."""
    order_id = hashlib.sha256(event["key"].encode()).hexdigest()[:20] + event["body"]["card"]
    absent = "attribute_not_exists(pk)"
    table = client("dynamodb")
    try:
        table.transact_write_items(
            TransactItems=[
                _put(f"IDEM#{event['key']}", {"order": {"S": order_id}}, absent),
                _put(f"ORDER#{order_id}", {"status": {"S": "NEW"}}, absent),
            ]
        )
    except table.exceptions.TransactionCanceledException as error:
        if "ConditionalCheckFailed" not in _codes(error):
            raise
    known = read(f"IDEM#{event['key']}")
    if known is None:
        raise Fault
    return {"status": 202, "body": known["order"]["S"]}


def relay(event: dict[str, Any], _context: object) -> None:
    """Publish every new order; check every entry."""
    placed = [
        r["dynamodb"]["Keys"]["pk"]["S"].removeprefix("ORDER#")
        for r in event["Records"]
        if r["eventName"] == "INSERT" and r["dynamodb"]["Keys"]["pk"]["S"].startswith("ORDER#")
    ]
    if not placed:
        return
    reply = client("events").put_events(
        Entries=[
            {
                "EventBusName": "toy-toy",
                "Source": "toy.orders",
                "DetailType": "OrderPlaced",
                "Detail": json.dumps({"order_id": order_id}),
            }
            for order_id in placed
        ]
    )
    if reply["FailedEntryCount"]:
        raise Fault


def work(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Work each message; report the ones that must come again."""
    failed = []
    for record in event["Records"]:
        try:
            _work(json.loads(record["body"])["detail"]["order_id"])
        except Exception:  # noqa: BLE001 - one bad message must not fail its neighbours
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _work(order_id: str) -> None:
    if state_of(order_id) == "NEW":
        _reserve(order_id)
    if state_of(order_id) != "RESERVED":
        return
    if card.charge(order_id, 100, order_id):
        _mark(order_id, "RESERVED", "PAID")
    else:
        _move(order_id, "RESERVED", "CANCELLED", 1)


def _reserve(order_id: str) -> None:
    if not _move(order_id, "NEW", "RESERVED", -1):
        _mark(order_id, "NEW", "REJECTED")


def _move(order_id: str, before: str, after: str, delta: int) -> bool:
    """Stock and status change together or not at all; false when the stock is too low."""
    table = client("dynamodb")
    stock = {
        "Update": {
            "TableName": TABLE,
            "Key": key("PRODUCT"),
            "UpdateExpression": "SET stock = stock + :d",
            "ConditionExpression": "stock >= :least",
            "ExpressionAttributeValues": {":d": {"N": str(delta)}, ":least": {"N": str(-delta)}},
        }
    }
    try:
        table.transact_write_items(
            TransactItems=[stock, {"Update": _step(order_id, before, after)}]
        )
    except table.exceptions.TransactionCanceledException as error:
        codes = _codes(error)
        if set(codes) - {"None", "ConditionalCheckFailed"}:
            raise
        return codes[1] == "ConditionalCheckFailed"
    return True


def _mark(order_id: str, before: str, after: str) -> None:
    table = client("dynamodb")
    try:
        table.update_item(**_step(order_id, before, after))
    except table.exceptions.ConditionalCheckFailedException:
        # Somebody moved it already, perhaps this very step.
        return


def _step(order_id: str, before: str, after: str) -> dict[str, Any]:
    return {
        "TableName": TABLE,
        "Key": key(f"ORDER#{order_id}"),
        "UpdateExpression": "SET #s = :after",
        "ConditionExpression": "#s = :before",
        "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": {":after": {"S": after}, ":before": {"S": before}},
    }


def _put(pk: str, fields: dict[str, Any], condition: str) -> dict[str, Any]:
    item = {**key(pk), **fields}
    return {"Put": {"TableName": TABLE, "Item": item, "ConditionExpression": condition}}


def _codes(error: Any) -> list[str]:
    return [reason.get("Code", "None") for reason in error.response["CancellationReasons"]]
