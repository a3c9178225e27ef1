"""Streams and queues of operations."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from chalice.app import DynamoDBEvent, DynamoDBRecord, SQSEvent

from chalicelib.aws.event_rows import PREFIX
from chalicelib.aws.items import Item, from_item
from chalicelib.aws.settings import core_stream_arn, settings
from chalicelib.edge.blueprints import EventBlueprint
from chalicelib.edge.messages import Consumed, Message, consume
from chalicelib.kernel.domain_events import UnknownEvent
from chalicelib.ops import wiring
from chalicelib.ops.dead_ends import read
from chalicelib.ops.outbox import relay
from chalicelib.ops.replays import COMMAND, carry_on
from chalicelib.ops.service import redrive, store_dead_letter

RELAY_BATCH: Final = 25
COMMAND_RECEIVES_MAX: Final = 5
# A dead-letter queue has no dead end of its own: its messages are tried until they are stored.
KEPT: Final = 1_000_000

blueprint: Final = EventBlueprint(__name__)


@blueprint.on_dynamodb_record(
    stream_arn=core_stream_arn(),
    batch_size=RELAY_BATCH,
    starting_position="TRIM_HORIZON",
    name="outbox_relay",
)
def outbox_relay(event: DynamoDBEvent) -> None:
    """Publish the new event rows of a batch; an exception brings the batch again, in order."""
    relay([_row(record) for record in event if _is_new_event_row(record)], wiring.relay_deps())


def _is_new_event_row(record: DynamoDBRecord) -> bool:
    # The relay's own marks come along the stream as well: only rows that still wait are news.
    if record.event_name != "INSERT" or not record.new_image:
        return False
    return record.keys["sk"]["S"].startswith(PREFIX) and "gsi3pk" in record.new_image


def _row(record: DynamoDBRecord) -> Item:
    try:
        return from_item(record.new_image)
    except (AttributeError, TypeError, ValueError):
        # No code of ours writes such a row; as it is, it is parked and does not block the shard.
        return {**from_item(record.keys), "image": record.new_image}


@blueprint.on_sqs_message(queue=settings().name("ops-commands"), batch_size=1, name="ops_worker")
def ops_worker(event: SQSEvent) -> dict[str, Any]:
    """Carry out what staff ordered, and store what lies in dead-letter queues.

    The merge template makes every dead-letter queue a source of this function, too.
    """
    failures: list[dict[str, str]] = []
    for queue, records in _by_queue(event.to_dict()["Records"]).items():
        consumed = Consumed(queue, COMMAND_RECEIVES_MAX if queue == "ops-commands" else KEPT)
        carry_out = _command if queue == "ops-commands" else partial(_dead, queue)
        failures += consume({"Records": records}, carry_out, consumed)["batchItemFailures"]
    return {"batchItemFailures": failures}


def _by_queue(records: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    prefix = settings().name("")
    queues: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        name = record["eventSourceARN"].rsplit(":", 1)[-1].removeprefix(prefix)
        queues.setdefault(name, []).append(record)
    return queues


def _dead(queue: str, message: Message) -> None:
    store_dead_letter(read(queue, message), wiring.letter_deps())


def _command(message: Message) -> None:
    told = message.json()
    if told.get("command") == COMMAND:
        carry_on(str(told["replay_id"]), message.id, wiring.replay_deps())
        return
    ordered = message.event()
    match ordered.type.name:
        case "DeadLetterRedriveRequested":
            letter_id = str(ordered.data["dead_letter_id"])
            redrive(letter_id, ordered.correlation_id, wiring.letter_deps())
        case "ReplayRequested":
            replay_id = str(ordered.data["replay_id"])
            carry_on(replay_id, ordered.correlation_id, wiring.replay_deps())
        case other:
            raise UnknownEvent(f"no command: {other}")
