"""The socket gateway in this process: it calls the app's handlers and keeps what they send.

Handlers post over HTTP; here that ends in `SocketGateway`, so that no socket is opened and every
frame, refusal and closed connection can be looked at.
"""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from chalicelib.kernel.domain_events import DomainEvent
from tests.cloud import STAGE, bare_client

DOMAIN = "sockets.example"
GONE, FINE, BROKEN = 410, 200, 500
Frame = dict[str, Any]


@dataclass
class SocketGateway:
    """Open connections, and what was sent to each."""

    open: set[str] = field(default_factory=set)
    received: dict[str, list[Frame]] = field(default_factory=dict)
    posts: list[str] = field(default_factory=list)
    failing: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    _made: int = 0
    _read: dict[str, str] = field(default_factory=dict)
    _frames: int = 0
    _last_batch: list[Any] = field(default_factory=list)

    # --- clients -------------------------------------------------------------------------------
    def connect(self, url: str, origin: str | None = None) -> str:
        """Open a socket by the URL of a ticket; its id, or "" with the status in `refused`."""
        self._made += 1
        connection_id = f"conn{self._made:04d}="
        event = self._event(connection_id)
        event["headers"] = {"Origin": origin} if origin else {}
        query = parse_qs(urlsplit(url).query)
        event["queryStringParameters"] = {name: values[0] for name, values in query.items()} or None
        self.refused = call("websocket_connect", event)["statusCode"]
        if self.refused != FINE:
            return ""
        self.open.add(connection_id)
        self.received[connection_id] = []
        return connection_id

    def disconnect(self, connection_id: str) -> None:
        """Close a socket from the client's side."""
        self.open.discard(connection_id)
        call("websocket_disconnect", self._event(connection_id))

    def send(self, connection_id: str, body: str, *, is_binary: bool = False) -> Frame:
        """Send one frame as it is; the single answer to it."""
        before = len(self.received[connection_id])
        event = {**self._event(connection_id), "body": body, "isBase64Encoded": is_binary}
        reply = call("websocket_message", event)
        assert reply == {"statusCode": 200}
        answers = [one for one in self.received[connection_id][before:] if "re" in one]
        assert len(answers) == 1, answers
        return answers[0]

    def ask(self, connection_id: str, action: str, frame_id: str = "", **data: Any) -> Frame:
        """Send a well-formed frame; its answer."""
        self._frames += 1
        frame_id = frame_id or f"frame-{self._frames:06d}"
        return self.send(
            connection_id, json.dumps({"v": 1, "id": frame_id, "action": action, "data": data})
        )

    def pushes(self, connection_id: str, kind: str = "") -> list[Frame]:
        """What was pushed to a connection, of one type if asked so."""
        told = [one for one in self.received[connection_id] if "re" not in one]
        return [one for one in told if kind in {"", one["type"]}]

    def fan_out(self) -> None:
        """Deliver what is new in the stream of the live table, in one batch a call."""
        for batch in self._batches():
            self._last_batch = batch
            call("chat_fanout", {"Records": batch})

    def fan_out_again(self) -> None:
        """Deliver the last batch once more, as a stream may."""
        call("chat_fanout", {"Records": self._last_batch})

    def work_off_the_queue(self) -> None:
        """Hand the messages of the queue of pushes to its consumer."""
        sqs = bare_client("sqs")
        url = sqs.get_queue_url(QueueName=f"souk-{STAGE}-live")["QueueUrl"]
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        records = [
            {
                "messageId": one["MessageId"],
                "body": one["Body"],
                "receiptHandle": one["ReceiptHandle"],
                "attributes": {"ApproximateReceiveCount": "1"},
            }
            for one in found
        ]
        reply = call("notify_live", {"Records": records})
        assert reply == {"batchItemFailures": []}, reply
        for one in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])

    def tell(self, *events: DomainEvent) -> None:
        """Put events on the queue of pushes as the bus would, and work it off."""
        sqs = bare_client("sqs")
        url = sqs.get_queue_url(QueueName=f"souk-{STAGE}-live")["QueueUrl"]
        for event in events:
            told = {"detail-type": event.type.name, "detail": event.detail()}
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps(told))
        self.work_off_the_queue()

    def _batches(self) -> Iterator[list[Any]]:
        streams = bare_client("dynamodbstreams")
        (stream,) = streams.list_streams(TableName=f"souk-{STAGE}-live")["Streams"]
        arn = stream["StreamArn"]
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            place = {"StreamArn": arn, "ShardId": shard["ShardId"]}
            last = self._read.get(shard["ShardId"])
            if last is None:
                place["ShardIteratorType"] = "TRIM_HORIZON"
            else:
                place |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": last}
            iterator = streams.get_shard_iterator(**place)["ShardIterator"]
            records = streams.get_records(ShardIterator=iterator)["Records"]
            if records:
                self._read[shard["ShardId"]] = records[-1]["dynamodb"]["SequenceNumber"]
                yield [one for one in map(_plain, records) if one["eventName"] != "REMOVE"]

    @staticmethod
    def _event(connection_id: str) -> dict[str, Any]:
        context = {
            "connectionId": connection_id,
            "domainName": DOMAIN,
            "stage": "v1",
            "apiId": "api",
            "requestId": "request-0001",
        }
        return {"requestContext": context, "body": "", "isBase64Encoded": False}

    # --- the management API --------------------------------------------------------------------
    def manage(self, method: str, path: str, body: bytes | None) -> int:
        """Post to a connection or close it; the status."""
        connection_id = unquote(path.rpartition("/")[2])
        self.posts.append(f"{method} {connection_id}")
        if self.failing.get(connection_id, 0) > 0:
            self.failing[connection_id] -= 1
            return BROKEN
        if connection_id not in self.open:
            return GONE
        if method == "DELETE":
            self.open.discard(connection_id)
            return 204
        self.received[connection_id].append(json.loads(body or b"null"))
        return FINE


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    change = {**record["dynamodb"], "ApproximateCreationDateTime": 1}
    arn = f"arn:aws:dynamodb:us-east-1:0:table/souk-{STAGE}-live/stream/1"
    return {**record, "dynamodb": change, "eventSourceARN": arn}


def call(function: str, event: dict[str, Any]) -> Any:
    """Call one of the app's handlers as Lambda would."""
    import app  # noqa: F401 - every handler is registered then
    from chalicelib.chat import events, fanout_events
    from chalicelib.live import events as live_events
    from chalicelib.notifications import live_events as notification_live_events

    modules = (events, fanout_events, live_events, notification_live_events)
    handler: Callable[..., Any] = next(
        getattr(module, function) for module in modules if hasattr(module, function)
    )
    return handler(event, SimpleNamespace(aws_request_id="request-0001"))


class _Connection:
    """An HTTP connection that ends at the gateway of the test; it is its own socket and file."""

    gateway: SocketGateway

    def __init__(self, host: str, **_options: object) -> None:
        self.host = host
        self.sock = self
        self._reply: list[bytes] = []

    def connect(self) -> None:
        """Nothing to connect."""

    def makefile(self, _mode: str) -> "_Connection":
        """What is read from."""
        return self

    def sendall(self, sent: bytes) -> None:
        """Take the request; an unsigned one is a bug."""
        head, _, body = sent.partition(b"\r\n\r\n")
        first, *headers = head.decode().split("\r\n")
        method, path, _ = first.split(" ")
        named = dict(line.split(": ", 1) for line in headers)
        assert named["authorization"].startswith("AWS4-HMAC-SHA256 Credential=")
        assert int(named["content-length"]) == len(body)
        status = self.gateway.manage(method, path, body)
        self._reply = [f"HTTP/1.1 {status} Said\r\n".encode(), b"Content-Length: 0\r\n", b"\r\n"]

    def readline(self, _most: int) -> bytes:
        """The next line of the reply."""
        return self._reply.pop(0) if self._reply else b""

    def read(self, _length: int) -> bytes:
        """The body of the reply."""
        return b""

    def close(self) -> None:
        """Nothing to close."""


@contextmanager
def socket_gateway() -> Iterator[SocketGateway]:
    """Let HTTPS connections of this process end at a gateway that keeps what is sent."""
    gateway = SocketGateway()
    before = http.client.HTTPSConnection
    kind = type("GatewayConnection", (_Connection,), {"gateway": gateway})
    http.client.HTTPSConnection = kind  # type: ignore[misc, assignment]
    try:
        yield gateway
    finally:
        http.client.HTTPSConnection = before  # type: ignore[misc]
