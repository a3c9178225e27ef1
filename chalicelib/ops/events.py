"""Streams and queues of operations."""

from typing import Final

from chalice.app import DynamoDBEvent, DynamoDBRecord

from chalicelib.aws.event_rows import PREFIX
from chalicelib.aws.items import Item, from_item
from chalicelib.aws.settings import core_stream_arn
from chalicelib.edge.blueprints import EventBlueprint
from chalicelib.ops.outbox import relay
from chalicelib.ops.wiring import relay_deps

RELAY_BATCH: Final = 25

blueprint: Final = EventBlueprint(__name__)


@blueprint.on_dynamodb_record(
    stream_arn=core_stream_arn(),
    batch_size=RELAY_BATCH,
    starting_position="TRIM_HORIZON",
    name="outbox_relay",
)
def outbox_relay(event: DynamoDBEvent) -> None:
    """Publish the new event rows of a batch; an exception brings the batch again, in order."""
    relay([_row(record) for record in event if _is_new_event_row(record)], relay_deps())


def _is_new_event_row(record: DynamoDBRecord) -> bool:
    # The relay's own marks come along the stream as well: only rows that still wait are news.
    if record.event_name != "INSERT" or not record.new_image:
        return False
    return record.keys["sk"]["S"].startswith(PREFIX) and "gsi3pk" in record.new_image


def _row(record: DynamoDBRecord) -> Item:
    try:
        return from_item(record.new_image)
    except (TypeError, ValueError):
        # No code of ours writes such a row; as it is, it is parked and does not block the shard.
        return {**from_item(record.keys), "image": record.new_image}
