"""The emulated services, reached directly: made from the template, snapshotted, looked into."""

from __future__ import annotations

import base64
import copy
import json
import secrets as random_secrets
import string
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import boto3
import moto.dynamodb.models as moto_dynamodb
from moto import mock_aws
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import Message as StoredMessage
from moto.sqs.models import sqs_backends

from tests.faults.harness.moto_speed import speed_up
from tests.faults.harness.template import Stack

ACCOUNT = "123456789012"
REGION = "eu-central-1"
Images = dict[str, Any]


class Substrate:
    """moto behind a narrow door; the checkers' bare view of tables and queues."""

    def __init__(self) -> None:
        self._mock = mock_aws()
        self._previous: Images | None = None
        self._saved: dict[str, Any] = {}
        self._restore_speed: Callable[[], None] = lambda: None

    def start(self, stack: Stack) -> None:
        """Switch the emulation on and make what the template declares."""
        self._mock.start()
        self._restore_speed = speed_up()
        self._provision(stack)

    def stop(self) -> None:
        """Switch the emulation off."""
        self._restore_speed()
        self._mock.stop()

    def _provision(self, stack: Stack) -> None:
        tables = boto3.client("dynamodb", region_name=REGION)
        for table in stack.tables.values():
            tables.create_table(**table)
        queues = boto3.client("sqs", region_name=REGION)
        for queue in sorted(stack.queues.values(), key=lambda q: q.dead_letters is not None):
            attributes = {"VisibilityTimeout": str(queue.visibility_s)}
            if queue.dead_letters is not None:
                arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue.dead_letters}"
                policy = {"deadLetterTargetArn": arn, "maxReceiveCount": queue.receives_max}
                attributes["RedrivePolicy"] = json.dumps(policy)
            queues.create_queue(QueueName=queue.name, Attributes=attributes)
        keys = boto3.client("secretsmanager", region_name=REGION)
        for name, (template, key, length) in stack.secrets.items():
            alphabet = string.ascii_letters + string.digits
            drawn = "".join(random_secrets.choice(alphabet) for _ in range(length))
            keys.create_secret(Name=name, SecretString=json.dumps({**template, key: drawn}))
        events = boto3.client("events", region_name=REGION)
        for bus in stack.buses:
            events.create_event_bus(Name=bus)
        topics = boto3.client("sns", region_name=REGION)
        for topic in stack.topics:
            topics.create_topic(Name=topic)

    # --- snapshots -----------------------------------------------------------------------------
    def snapshot(self) -> Images:
        """The present rows and secrets, as a state to start points from."""
        return {
            "tables": self._copy_items(),
            "secrets": copy.deepcopy(secretsmanager_backends[ACCOUNT][REGION].secrets),
        }

    def restore(self, saved: Images) -> None:
        """Back to a snapshot: its rows, no messages, no stream records."""
        self._previous, self._saved = None, saved
        for name, items in saved["tables"].items():
            self._table(name).items = _index(items)
        for table in self._tables().values():
            if table.stream_shard is not None:
                table.stream_shard.items = []
        secretsmanager_backends[ACCOUNT][REGION].secrets = copy.deepcopy(saved["secrets"])
        for queue in self._queues().values():
            queue._messages = []
            queue.pending_messages.clear()
            queue.deleted_messages.clear()

    def before_write(self) -> None:
        """Remember the rows for readers that are one write behind."""
        self._previous = self._copy_items()

    @contextmanager
    def one_write_behind(self) -> Iterator[None]:
        """Let reads see the remembered rows."""
        tables = self._tables()
        present = {name: table.items for name, table in tables.items()}
        for name, items in (self._previous or self._saved["tables"]).items():
            tables[name].items = _index(items)
        try:
            yield
        finally:
            for name, items in present.items():
                tables[name].items = items

    def _copy_items(self) -> Images:
        return {name: _index(table.items) for name, table in self._tables().items()}

    # --- tables and streams --------------------------------------------------------------------
    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every raw row of a table as plain values, in key order."""
        found = []
        for by_sort in self._table(table).items.values():
            for item in by_sort.values():
                attributes = item.to_json()["Attributes"]
                found.append({name: plain(value) for name, value in attributes.items()})
        return sorted(found, key=lambda row: (row["pk"], row.get("sk", "")))

    def deadlines(self) -> frozenset[tuple[str, str, str]]:
        """(due time, partition, sort key) of every row that waits in a deadline list."""
        found = set()
        for table in self._tables().values():
            for by_sort in table.items.values():
                for item in by_sort.values():
                    listed = item.attrs.get("gsi3pk")
                    if listed is not None and listed.value.startswith("DUE#"):
                        due_at = item.attrs["gsi3sk"].value.partition("#")[0]
                        found.add((due_at, item.hash_key.value, item.range_key.value))
        return frozenset(found)

    def stream(self, table: str) -> list[dict[str, Any]]:
        """The change records of a table since the last restore, oldest first."""
        shard = self._table(table).stream_shard
        return [record.record for record in shard.items] if shard is not None else []

    def state(self) -> dict[str, Any]:
        """All rows, to see whether anything has changed."""
        return {name: self.rows(name) for name in self._tables()}

    def _tables(self) -> dict[str, Any]:
        backends: Any = moto_dynamodb.dynamodb_backends
        tables: dict[str, Any] = backends[ACCOUNT][REGION].tables
        return tables

    def _table(self, name: str) -> Any:
        return self._tables()[name]

    # --- queues --------------------------------------------------------------------------------
    def _queues(self) -> dict[str, Any]:
        backends: Any = sqs_backends
        queues: dict[str, Any] = backends[ACCOUNT][REGION].queues
        return queues

    def send(self, queue: str, body: str) -> None:
        """Put a message into a queue, as a service would."""
        sqs_backends[ACCOUNT][REGION].send_message(queue, body)

    def receive(self, queue: str, count: int, visibility_s: int) -> list[StoredMessage]:
        """Receive as the event source mapping does; exhausted messages move to the dead letters."""
        backend = sqs_backends[ACCOUNT][REGION]
        return backend.receive_message(queue, count, 0, visibility_s, ["All"])

    def delete(self, queue: str, receipt: str) -> None:
        """Delete a received message."""
        sqs_backends[ACCOUNT][REGION].delete_message(queue, receipt)

    def drop(self, queue: str) -> None:
        """Lose whatever a queue holds."""
        self._queues()[queue]._messages = []

    def messages(self, queue: str) -> list[StoredMessage]:
        """Everything a queue holds, visible or not."""
        return list(self._queues()[queue]._messages)

    def visible_at(self, queue: str) -> list[float]:
        """When each message of a queue becomes visible, in seconds since the epoch."""
        return [max(m.visible_at, m.delayed_until) / 1000 for m in self._queues()[queue]._messages]


def _index(items: Any) -> Any:
    """A copy of a table's index; rows are shared, since no row is ever changed in place."""
    copied: defaultdict[Any, Any] = defaultdict(dict)
    for partition, by_sort in items.items():
        copied[partition] = dict(by_sort) if isinstance(by_sort, dict) else by_sort
    return copied


def plain(value: dict[str, Any]) -> Any:
    """A typed attribute as a plain value; numbers of this shop are integers."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return int(content) if "." not in content else float(content)
        case "M":
            return {name: plain(inner) for name, inner in content.items()}
        case "L":
            return [plain(inner) for inner in content]
        case "NULL":
            return None
        case _:
            return content


def wire_record(record: dict[str, Any], arn: str) -> dict[str, Any]:
    """A change record as a stream hands it to a function: JSON, binary as base64."""
    body = {**record["dynamodb"]}
    created = body["ApproximateCreationDateTime"]
    body["ApproximateCreationDateTime"] = (
        created.timestamp() if isinstance(created, datetime) else created
    )
    wire = {**record, "dynamodb": body, "eventSourceARN": arn, "awsRegion": REGION}
    text = json.dumps(wire, default=lambda raw: base64.b64encode(bytes(raw)).decode())
    decoded: dict[str, Any] = json.loads(text)
    return decoded
