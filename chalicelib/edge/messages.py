"""Queue batches: each message by itself, failures told one by one, poison parked with its cause.

A failed message comes back after 1, 2, 4 … 60 s. On its last receive it is parked in the
queue's own dead-letter queue together with the cause, which the redrive policy alone would
lose; that policy stays as the net below. Consumers are safe to run twice.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.aws.observability import bound
from chalicelib.aws.queues import Queues, queues
from chalicelib.kernel.domain_events import DomainEvent, UnknownEvent

PAUSE_MAX_S: Final = 60
CAUSE_MAX: Final = 300

logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """One received message."""

    id: str
    body: str
    receives: int
    receipt: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; UnknownEvent if it is none."""
        try:
            read = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise UnknownEvent("the body is not JSON") from error
        if not isinstance(read, dict):
            raise UnknownEvent("the body is not a JSON object")
        return read

    def event(self) -> DomainEvent:
        """The domain event that the bus put into the body; UnknownEvent otherwise."""
        read = self.json()
        return DomainEvent.parse(read.get("detail-type"), read.get("detail"))


@dataclass(frozen=True, slots=True)
class Consumed:
    """A queue as its consumer sees it: the short name, and how often a message is received."""

    queue: str
    receives_max: int


def consume(
    records: Mapping[str, Any],
    handle: Callable[[Message], None],
    consumed: Consumed,
    through: Queues | None = None,
) -> dict[str, Any]:
    """Hand each message of an SQS event to `handle`; the reply lists those that failed.

    Any exception of `handle` is a failure of that message alone.
    """
    sender = through or queues()
    failures = [
        {"itemIdentifier": message.id}
        for message in map(_message, records["Records"])
        if not _is_done(message, handle, consumed, sender)
    ]
    return {"batchItemFailures": failures}


def _is_done(
    message: Message, handle: Callable[[Message], None], consumed: Consumed, sender: Queues
) -> bool:
    with bound(message_id=message.id, queue=consumed.queue):
        try:
            handle(message)
        except Exception as error:
            logger.exception("message failed", extra={"receives": message.receives})
            return _is_parked(message, error, consumed, sender)
    return True


def _is_parked(message: Message, error: Exception, consumed: Consumed, sender: Queues) -> bool:
    try:
        if message.receives >= consumed.receives_max:
            _park(message, error, consumed, sender)
            return True
        # A consumer may know when trying again can help, such as when a lease is over.
        told = getattr(error, "again_after_s", 0)
        pause_s = min(told or 2 ** (message.receives - 1), PAUSE_MAX_S)
        sender.hide(consumed.queue, message.receipt, pause_s)
    except Exception:
        # The queue's own visibility time-out and redrive policy take over.
        logger.exception("message neither parked nor delayed")
    return False


def _park(message: Message, error: Exception, consumed: Consumed, sender: Queues) -> None:
    attributes = {
        **message.attributes,
        "cause": cause_of(error),
        "source": consumed.queue,
        "source_message_id": message.id,
        "receives": str(message.receives),
    }
    sender.send(f"{consumed.queue}-dlq", message.body, attributes)
    logger.warning("message parked", extra={"cause": cause_of(error)})


def cause_of(error: BaseException) -> str:
    """A cause fit for a dead letter: our own words, or just the type of a foreign exception."""
    told = str(error) if type(error).__module__.startswith("chalicelib") else ""
    return f"{type(error).__name__}: {told}"[:CAUSE_MAX] if told else type(error).__name__


def _message(record: Mapping[str, Any]) -> Message:
    return Message(
        id=record["messageId"],
        body=record["body"],
        receives=int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)),
        receipt=record["receiptHandle"],
        attributes={
            name: attribute["stringValue"]
            for name, attribute in record.get("messageAttributes", {}).items()
            if attribute.get("stringValue")
        },
    )
