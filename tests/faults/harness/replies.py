"""Refusals made up by the harness, in the shape in which the SDK raises or returns them."""

import copy
from collections.abc import Callable
from typing import Any

from tests.faults.harness.calls import Call

Completion = Callable[[dict[str, Any]], dict[str, Any]]
_THROTTLE_CODES = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "sqs": "RequestThrottled",
    "sns": "Throttled",
    "s3": "SlowDown",
}


def modelled(client: Any, operation: str, code: str, **extra: object) -> Exception:
    """The exception class the client would raise for `code`."""
    body = {
        "Error": {"Code": code, "Message": "injected"},
        "ResponseMetadata": {"HTTPStatusCode": 400},
        **extra,
    }
    error: Exception = client.exceptions.from_code(code)(body, operation)
    return error


def throttled(client: Any, call: Call) -> Exception:
    """A throttling error, after the SDK has given up."""
    code = _THROTTLE_CODES.get(call.service, "ThrottlingException")
    return modelled(client, call.operation, code)


def conflicting(client: Any, operation: str, parameters: dict[str, Any]) -> Exception:
    """Another transaction held the item: the whole transaction, or the single write, is refused."""
    if operation != "TransactWriteItems":
        return modelled(client, operation, "TransactionConflictException")
    rest = [{"Code": "None"} for _ in parameters["TransactItems"][1:]]
    first = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
    return modelled(
        client, operation, "TransactionCanceledException", CancellationReasons=[first, *rest]
    )


def refuse_some(
    operation: str, parameters: dict[str, Any]
) -> tuple[dict[str, Any] | None, Completion]:
    """Split a batch: what is sent on, and how its reply is completed with the refused entries."""
    match operation:
        case "PutEvents":
            return _refuse_event(parameters)
        case "SendMessageBatch":
            return _refuse_message(parameters)
        case "BatchWriteItem":
            return _refuse_request(parameters, "UnprocessedItems", {})
        case "BatchGetItem":
            return _refuse_request(parameters, "UnprocessedKeys", {"Responses": {}})
        case _:
            raise ValueError(f"{operation} has no partial reply")


def _refuse_event(parameters: dict[str, Any]) -> tuple[dict[str, Any] | None, Completion]:
    _, *sent = parameters["Entries"]
    refused = {"ErrorCode": "InternalFailure", "ErrorMessage": "injected"}

    def complete(reply: dict[str, Any]) -> dict[str, Any]:
        return {**reply, "FailedEntryCount": 1, "Entries": [refused, *reply.get("Entries", [])]}

    return ({**parameters, "Entries": sent} if sent else None), complete


def _refuse_message(parameters: dict[str, Any]) -> tuple[dict[str, Any] | None, Completion]:
    first, *sent = parameters["Entries"]
    refused = {"Id": first["Id"], "SenderFault": False, "Code": "InternalError"}

    def complete(reply: dict[str, Any]) -> dict[str, Any]:
        return {"Successful": [], **reply, "Failed": [*reply.get("Failed", []), refused]}

    return ({**parameters, "Entries": sent} if sent else None), complete


def _refuse_request(
    parameters: dict[str, Any], unprocessed: str, empty: dict[str, Any]
) -> tuple[dict[str, Any] | None, Completion]:
    wanted = copy.deepcopy(parameters["RequestItems"])
    table = max(wanted)
    left: Any
    if unprocessed == "UnprocessedKeys":
        left = {**wanted[table], "Keys": [wanted[table]["Keys"].pop()]}
        is_empty = not wanted[table]["Keys"]
    else:
        left = [wanted[table].pop()]
        is_empty = not wanted[table]
    if is_empty:
        del wanted[table]

    def complete(reply: dict[str, Any]) -> dict[str, Any]:
        return {**empty, **reply, unprocessed: {table: left}}

    return ({**parameters, "RequestItems": wanted} if wanted else None), complete
