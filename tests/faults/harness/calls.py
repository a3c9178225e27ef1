"""What the harness knows about a call: its name, its resource, and which faults fit it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """The ways in which one call may fail."""

    CONN_ERROR = "conn_error"
    LOST = "lost"
    LOST_ONCE = "lost_once"
    THROTTLE = "throttle"
    CRASH_BEFORE = "crash_before"
    CRASH_AFTER = "crash_after"
    ZOMBIE_BEFORE = "zombie_before"
    ZOMBIE_AFTER = "zombie_after"
    TX_CONFLICT = "tx_conflict"
    STALE = "stale"
    PARTIAL = "partial"


ZOMBIES = frozenset({Kind.ZOMBIE_BEFORE, Kind.ZOMBIE_AFTER})
EVERYWHERE = (
    Kind.CONN_ERROR,
    Kind.LOST,
    Kind.LOST_ONCE,
    Kind.THROTTLE,
    Kind.CRASH_BEFORE,
    Kind.CRASH_AFTER,
    Kind.ZOMBIE_BEFORE,
    Kind.ZOMBIE_AFTER,
)
TABLE_WRITES = frozenset(
    {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}
)
CONFLICTING = TABLE_WRITES - {"BatchWriteItem"}
PARTIAL_REPLIES = frozenset({"PutEvents", "BatchWriteItem", "BatchGetItem", "SendMessageBatch"})
_READ_PREFIXES = ("Get", "Query", "BatchGet", "TransactGet", "Describe", "List", "Head", "lookup")
OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Call:
    """One logical call as the discovery run saw it."""

    index: int
    service: str
    operation: str
    resource: str
    is_stale_possible: bool = False
    function: str = ""
    in_request: bool = False
    trigger: str = ""
    ordinal: int = 0

    @property
    def identity(self) -> tuple[str, str]:
        """What must be the same when a point is replayed."""
        return self.operation, self.resource

    @property
    def place(self) -> tuple[str, str, int, str, str]:
        """Where in the code a call is made; use cases share many places."""
        return self.trigger, self.function, self.ordinal, self.operation, self.resource

    @property
    def is_mutating(self) -> bool:
        """Whether the call may write to AWS or to an outside party."""
        return not self.operation.startswith(_READ_PREFIXES)

    @property
    def is_transactional(self) -> bool:
        """Whether AWS would remember the request token of this call."""
        return self.operation == "TransactWriteItems"

    def kinds(self) -> tuple[Kind, ...]:
        """The faults that can befall this call, in a fixed order."""
        special = []
        if self.service == "dynamodb" and self.operation in CONFLICTING:
            special.append(Kind.TX_CONFLICT)
        if self.is_stale_possible:
            special.append(Kind.STALE)
        if self.operation in PARTIAL_REPLIES:
            special.append(Kind.PARTIAL)
        return (*EVERYWHERE, *special)

    def __str__(self) -> str:
        return f"{self.index:02d} {self.operation} {self.resource}"


def resource_of(service: str, parameters: dict[str, Any]) -> str:
    """The shortest name of what a call touches: a table with its leading key, a queue, a bus."""
    match service:
        case "dynamodb":
            return _table_resource(parameters)
        case "sqs":
            return str(parameters.get("QueueUrl", "")).rsplit("/", 1)[-1]
        case "events":
            entries = parameters.get("Entries") or [{}]
            return str(entries[0].get("EventBusName", "default")).rsplit("/", 1)[-1]
        case "stepfunctions":
            arn = parameters.get("stateMachineArn") or parameters.get("executionArn") or "token"
            return str(arn).split(":stateMachine:")[-1].split(":execution:")[-1].split(":")[0]
        case "secretsmanager":
            return str(parameters.get("SecretId", ""))
        case "sns":
            return str(parameters.get("TopicArn", "")).rsplit(":", 1)[-1]
        case _:
            return str(parameters.get("Bucket", service))


def _table_resource(parameters: dict[str, Any]) -> str:
    if "TransactItems" in parameters:
        first = next(iter(parameters["TransactItems"][0].values()))
        rest = len(parameters["TransactItems"])
        return f"{first['TableName']} x{rest}"
    if "RequestItems" in parameters:
        return "+".join(sorted(parameters["RequestItems"]))
    table = str(parameters.get("TableName", ""))
    key = parameters.get("Key") or parameters.get("Item") or {}
    leading = _text(key.get("pk")).split("#", 1)[0]
    sort = _text(key.get("sk")).split("#", 1)[0]
    index = parameters.get("IndexName", "")
    return " ".join(part for part in (table, index, leading, sort) if part)


def _text(value: object) -> str:
    """Key values come typed from a client and plain from a resource."""
    if isinstance(value, dict):
        return str(next(iter(value.values()), ""))
    return "" if value is None else str(value)


def is_stale_possible(service: str, operation: str, parameters: dict[str, Any]) -> bool:
    """Whether AWS may answer this read from an older image."""
    if service != "dynamodb":
        return False
    if operation == "BatchGetItem":
        return not any(t.get("ConsistentRead") for t in parameters["RequestItems"].values())
    return operation in {"GetItem", "Query"} and not parameters.get("ConsistentRead")
