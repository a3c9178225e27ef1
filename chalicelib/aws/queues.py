"""Queues by their short names: send, send again later, look how full they are."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from chalicelib.aws.clients import client
from chalicelib.aws.faults import unavailable_on_failure
from chalicelib.aws.settings import settings

MESSAGE_BYTES_MAX: Final = 256 * 1024
_COUNTERS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class Queues:
    """The queues of one stage."""

    def __init__(self, sqs: Any, url_of: Callable[[str], str]) -> None:
        """`sqs` is a botocore client (Any: botocore builds classes at run time)."""
        self._sqs = sqs
        self._url_of = url_of

    def send(
        self,
        queue: str,
        body: str | Mapping[str, Any],
        attributes: Mapping[str, str] | None = None,
        delay_s: int = 0,
    ) -> None:
        """Put one message on `queue`; a mapping is sent as JSON. Unavailable if it failed."""
        text = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
        with unavailable_on_failure():
            self._sqs.send_message(
                QueueUrl=self._url_of(queue),
                MessageBody=text,
                DelaySeconds=delay_s,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in (attributes or {}).items()
                    if value
                },
            )

    def hide(self, queue: str, receipt: str, seconds: int) -> None:
        """Let a received message come back after `seconds`."""
        with unavailable_on_failure():
            self._sqs.change_message_visibility(
                QueueUrl=self._url_of(queue), ReceiptHandle=receipt, VisibilityTimeout=seconds
            )

    def depth(self, queue: str) -> tuple[int, int, int]:
        """How many messages of `queue` are visible, in flight and delayed (approximately)."""
        with unavailable_on_failure():
            reply = self._sqs.get_queue_attributes(
                QueueUrl=self._url_of(queue), AttributeNames=list(_COUNTERS)
            )
        visible, in_flight, delayed = (int(reply["Attributes"][name]) for name in _COUNTERS)
        return visible, in_flight, delayed


@lru_cache(maxsize=1)
def queues() -> Queues:
    """The queues of this process' stage."""
    return Queues(client("sqs"), settings().queue_url)
