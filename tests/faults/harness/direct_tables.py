"""Tables reached without the wire: the emulator's own operations, at a third of the price.

Serialising, signing, routing and parsing a request costs four times what the table does with
it. This way in keeps the answers and the errors of the long one; runs at nightly depth go the
long way, so that the SDK's own retries are the real ones.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from moto.core.exceptions import JsonRESTError, ServiceException
from moto.dynamodb.responses import DynamoHandler

from tests.faults.harness import replies
from tests.faults.harness.substrate import ACCOUNT, REGION

OPERATIONS = frozenset(
    {
        "GetItem",
        "BatchGetItem",
        "Query",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "TransactWriteItems",
    }
)


@lru_cache(maxsize=64)
def _method(operation: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", operation).lower()


def call_table(client: Any, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Perform one operation; raises what the client would raise."""
    handler: Any = DynamoHandler()
    handler.region, handler.current_account = REGION, ACCOUNT
    handler.body = handler.params = parameters
    try:
        answer = getattr(handler, _method(operation))()
    except JsonRESTError as refused:
        raise _error(client, operation, json.loads(refused.description)) from None
    except ServiceException as refused:
        told = {"__type": refused.code, "message": refused.message}
        raise _error(client, operation, told) from None
    result = answer if isinstance(answer, str) else answer.result
    found: dict[str, Any] = json.loads(result) if isinstance(result, str) else dict(result)
    return {**found, "ResponseMetadata": {"HTTPStatusCode": 200}}


def _error(client: Any, operation: str, told: dict[str, Any]) -> Exception:
    code = told["__type"].rsplit("#", 1)[-1]
    extra = {name: told[name] for name in ("CancellationReasons", "Item") if name in told}
    return replies.modelled(client, operation, code, **extra)
