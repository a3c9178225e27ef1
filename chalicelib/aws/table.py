"""Reads and conditional writes of one table, with AWS errors told apart once for all stores.

A failed condition is a business answer (`ConditionFailed`, naming the writes that failed); a
conflict is tried again with jitter; throttling, time-outs and lost connections are
`Unavailable`. Every transaction leaves a mark in its first put, so that a lost reply, sent
again by the SDK or by a retry, is recognised as our own write and not read as somebody else's.
"""

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from chalicelib.aws.items import Item, Key, from_item, to_attribute, to_key
from chalicelib.aws.writes import ABSENT, Put, Update, Write
from chalicelib.kernel.errors import Unavailable

CONFLICT_TRIES: Final = 5
CONFLICT_PAUSE_S: Final = 0.025
BATCH_READ_MAX: Final = 100
BATCH_READ_TRIES: Final = 5
MARK: Final = "write_mark"

_CONFLICTS: Final = frozenset({"TransactionConflict", "TransactionConflictException"})
_THROTTLES: Final = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionInProgressException",
        "InternalServerError",
        "ServiceUnavailable",
    }
)


class ConditionFailed(Exception):
    """A condition did not hold; `labels` are those of the writes concerned."""

    def __init__(self, labels: Iterable[str]) -> None:
        self.labels = frozenset(labels)
        super().__init__(", ".join(sorted(self.labels)))


class Contended(Unavailable):
    """Other writers kept the items busy through all tries."""


@dataclass(frozen=True, slots=True)
class Query:
    """One page of an index or of a partition.

    `sort` is a condition on the sort key written with `#sk` and the names in `values`.
    """

    partition: str
    sort: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    index: str = ""
    limit: int = 100
    after: Mapping[str, str] | None = None
    is_descending: bool = False
    is_consistent: bool = False

    def request(self, table: str) -> dict[str, Any]:
        """The operation as the service takes it."""
        pk, sk = (f"{self.index}pk", f"{self.index}sk") if self.index else ("pk", "sk")
        names, condition = {"#pk": pk}, "#pk = :pk"
        if self.sort:
            names["#sk"] = sk
            condition = f"{condition} AND {self.sort}"
        request: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {
                f":{name}": to_attribute(value)
                for name, value in {"pk": self.partition, **self.values}.items()
            },
            "Limit": self.limit,
            "ScanIndexForward": not self.is_descending,
        }
        if self.index:
            request["IndexName"] = self.index
        if self.is_consistent:
            request["ConsistentRead"] = True
        if self.after:
            request["ExclusiveStartKey"] = {
                name: to_attribute(value) for name, value in self.after.items()
            }
        return request


@dataclass(frozen=True, slots=True)
class Found:
    """The items of one query page and where the next begins."""

    items: tuple[Item, ...]
    next: Mapping[str, str] | None


class Table:
    """One DynamoDB table, spoken to in plain values."""

    def __init__(
        self, dynamodb: Any, name: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """`dynamodb` is a botocore client (Any: botocore builds classes at run time)."""
        self._dynamodb = dynamodb
        self._sleep = sleep
        self.name = name

    def get(self, key: Key, *, is_consistent: bool = True) -> Item | None:
        """The item at `key`, or None."""
        reply = self._call(
            "get_item", TableName=self.name, Key=to_key(key), ConsistentRead=is_consistent
        )
        return from_item(reply["Item"]) if "Item" in reply else None

    def batch_get(self, keys: Sequence[Key], *, is_consistent: bool = False) -> dict[Key, Item]:
        """The items at up to 100 distinct keys; absent ones are left out."""
        found: dict[Key, Item] = {}
        pending = [to_key(key) for key in dict.fromkeys(keys)]
        if len(pending) > BATCH_READ_MAX:
            raise ValueError(f"at most {BATCH_READ_MAX} keys in one read")
        for attempt in range(BATCH_READ_TRIES):
            if not pending:
                return found
            if attempt:
                self._pause(attempt)
            wanted = {self.name: {"Keys": pending, "ConsistentRead": is_consistent}}
            reply = self._call("batch_get_item", RequestItems=wanted)
            for item in map(from_item, reply["Responses"].get(self.name, ())):
                found[item["pk"], item["sk"]] = item
            pending = reply.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
        if pending:
            raise Contended
        return found

    def query(self, query: Query) -> Found:
        """One page; `next` is None when the partition is exhausted."""
        reply = self._call("query", **query.request(self.name))
        last = reply.get("LastEvaluatedKey")
        return Found(
            tuple(map(from_item, reply["Items"])), from_item(last) if last is not None else None
        )

    def query_all(self, query: Query, *, most: int) -> tuple[Item, ...]:
        """Every item of a partition that is bounded by `most`, page by page."""
        items: list[Item] = []
        while True:
            found = self.query(query)
            items.extend(found.items)
            if found.next is None or len(items) >= most:
                return tuple(items[:most])
            query = replace(query, after=found.next)

    def change(self, update: Update) -> Item:
        """One conditional update; the item as it is afterwards, or ConditionFailed."""
        request = {**update.request(self.name), "ReturnValues": "ALL_NEW"}
        return from_item(self._written("update_item", request, update.label)["Attributes"])

    def write(self, write: Write) -> None:
        """One conditional write; ConditionFailed with its label."""
        operation = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}[
            write.kind
        ]
        self._written(operation, write.request(self.name), write.label)

    def _written(self, operation: str, request: dict[str, Any], label: str) -> dict[str, Any]:
        for attempt in range(CONFLICT_TRIES):
            if attempt:
                self._pause(attempt)
            try:
                return self._call(operation, **request)
            except ClientError as error:
                code = _code(error)
                if code == "ConditionalCheckFailedException":
                    raise ConditionFailed([label]) from error
                if code not in _CONFLICTS:
                    raise
        raise Contended

    def count_up(self, key: Key, *, ttl: int, by: int = 1) -> int:
        """Raise the counter at `key` and tell its new value."""
        update = Update(key, set={"ttl": ttl}, add={"n": by}, condition="")
        request = update.request(self.name)
        del request["ConditionExpression"]
        reply = self._call("update_item", ReturnValues="UPDATED_NEW", **request)
        return int(from_item(reply["Attributes"])["n"])

    def transact(self, writes: Sequence[Write]) -> None:
        """All writes or none.

        ConditionFailed names every write whose condition did not hold, unless the mark in the
        first put shows that this very transaction was applied before and its reply lost.
        """
        token = _token(self.name, writes)
        marked, witness = _mark(writes, token)
        request = [{write.kind: write.request(self.name)} for write in marked]
        for attempt in range(CONFLICT_TRIES):
            if attempt:
                self._pause(attempt)
            try:
                self._call("transact_write_items", TransactItems=request, ClientRequestToken=token)
            except ClientError as error:
                failed = _failed_labels(error, marked)
                if failed is None:
                    continue
                if witness is not None and self._is_ours(witness, token):
                    return
                raise ConditionFailed(failed) from error
            else:
                return
        raise Contended

    def _is_ours(self, witness: Put, token: str) -> bool:
        item = self.get(witness.key)
        return item is not None and item.get(MARK) == token

    def _pause(self, attempt: int) -> None:
        self._sleep(random.uniform(0, CONFLICT_PAUSE_S * 2**attempt))  # noqa: S311 - jitter

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        try:
            reply: dict[str, Any] = getattr(self._dynamodb, operation)(**request)
        except ClientError as error:
            if _code(error) in _THROTTLES:
                raise Unavailable from error
            raise
        except (HTTPClientError, BotoCoreError) as error:
            raise Unavailable from error
        return reply


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _token(table: str, writes: Sequence[Write]) -> str:
    sent = [{write.kind: write.request(table)} for write in writes]
    written = json.dumps(sent, sort_keys=True, default=lambda value: value.hex())
    return hashlib.sha256(written.encode()).hexdigest()[:36]


def _mark(writes: Sequence[Write], token: str) -> tuple[list[Write], Put | None]:
    marked: list[Write] = []
    witness: Put | None = None
    for write in writes:
        if witness is None and isinstance(write, Put) and write.condition == ABSENT:
            witness = replace(write, item={**write.item, MARK: token})
            marked.append(witness)
        else:
            marked.append(write)
    return marked, witness


def _failed_labels(error: ClientError, writes: Sequence[Write]) -> list[str] | None:
    """Labels of the failed conditions; None for a conflict, which is tried again."""
    code = _code(error)
    if code in _CONFLICTS or code == "TransactionInProgressException":
        return None
    if code != "TransactionCanceledException":
        raise error
    reasons = [str(reason.get("Code")) for reason in error.response["CancellationReasons"]]
    # A conflict hides whether the other conditions hold, so it is never a business answer.
    if any(reason in _CONFLICTS for reason in reasons):
        return None
    if any(reason in _THROTTLES or reason == "ThrottlingError" for reason in reasons):
        raise Unavailable from error
    if "ConditionalCheckFailed" not in reasons:
        raise error
    return [
        write.label
        for write, reason in zip(writes, reasons, strict=True)
        if reason == "ConditionalCheckFailed"
    ]
