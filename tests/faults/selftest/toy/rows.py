"""The rows of the toy shop: one product, orders, idempotency records."""

import os
from typing import Any

import boto3
from botocore.config import Config

TABLE = "toy-toy-core"
_CLIENTS: dict[str, Any] = {}


class Card:
    """The toy's card processor, outside AWS; replaced by the test's own."""

    def charge(self, order_id: str, amount: int, key: str | None) -> bool:
        """Take the money; whether it was granted."""
        raise NotImplementedError


card = Card()


def client(service: str) -> Any:
    """One client a process and service."""
    if service not in _CLIENTS:
        config = Config(retries={"mode": "standard", "total_max_attempts": 2})
        region = os.environ["AWS_REGION"]
        _CLIENTS[service] = boto3.client(service, region_name=region, config=config)
    return _CLIENTS[service]


def key(pk: str) -> dict[str, Any]:
    """The key of a row."""
    return {"pk": {"S": pk}, "sk": {"S": "META"}}


def read(pk: str) -> dict[str, Any] | None:
    """One row, read consistently."""
    found = client("dynamodb").get_item(TableName=TABLE, Key=key(pk), ConsistentRead=True)
    item: dict[str, Any] | None = found.get("Item")
    return item


def state_of(order_id: str) -> str:
    """The status of an order."""
    row = read(f"ORDER#{order_id}")
    return str(row["status"]["S"]) if row else "NONE"
