"""The wrong way: charge first, decrement afterwards, two writes where one is needed."""

import uuid
from typing import Any

from tests.faults.selftest.toy.rows import TABLE, card, client, key, read

QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/toy-toy-orders"


def place(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Create the order, then remember the key, then send the message."""
    known = read(f"IDEM#{event['key']}")
    if known:
        return {"status": 202, "body": known["order"]["S"]}
    order_id = uuid.uuid4().hex + event["body"]["card"]
    table = client("dynamodb")
    table.put_item(TableName=TABLE, Item={**key(f"ORDER#{order_id}"), "status": {"S": "NEW"}})
    table.put_item(TableName=TABLE, Item={**key(f"IDEM#{event['key']}"), "order": {"S": order_id}})
    client("sqs").send_message(QueueUrl=QUEUE, MessageBody=order_id)
    return {"status": 202, "body": order_id}


def work(event: dict[str, Any], _context: object) -> None:
    """Look, charge, decrement, mark."""
    for record in event["Records"]:
        order_id = record["body"]
        product = read("PRODUCT")
        if product is None or int(product["stock"]["N"]) < 1:
            _mark(order_id, "REJECTED")
        elif not card.charge(order_id, 100, None):
            _mark(order_id, "CANCELLED")
        else:
            client("dynamodb").update_item(
                TableName=TABLE,
                Key=key("PRODUCT"),
                UpdateExpression="SET stock = stock - :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )
            _mark(order_id, "PAID")


def _mark(order_id: str, status: str) -> None:
    client("dynamodb").update_item(
        TableName=TABLE,
        Key=key(f"ORDER#{order_id}"),
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":s": {"S": status}},
    )
