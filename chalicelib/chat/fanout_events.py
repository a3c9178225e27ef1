"""The stream of the live table: whatever is new there is told to whoever listens."""

from typing import Final

from chalice.app import DynamoDBEvent, DynamoDBRecord

from chalicelib.aws.items import from_item
from chalicelib.aws.settings import live_stream_arn
from chalicelib.chat.telling import Change, tell
from chalicelib.chat.wiring import telling_deps
from chalicelib.edge.blueprints import EventBlueprint

FAN_OUT_BATCH: Final = 25

blueprint: Final = EventBlueprint(__name__)


@blueprint.on_dynamodb_record(
    stream_arn=live_stream_arn(),
    batch_size=FAN_OUT_BATCH,
    starting_position="TRIM_HORIZON",
    name="chat_fanout",
)
def chat_fanout(event: DynamoDBEvent) -> None:
    """Tell a batch of changes; an exception brings the batch again, and clients drop repeats."""
    tell([_change(record) for record in event if record.new_image], telling_deps())


def _change(record: DynamoDBRecord) -> Change:
    try:
        before = from_item(record.old_image) if record.old_image else None
        return Change(from_item(record.new_image), before)
    except (AttributeError, TypeError, ValueError):
        # No code of ours writes such a row; it is parked as it is and blocks nobody.
        return Change({**from_item(record.keys), "image": record.new_image}, None, is_foreign=True)
