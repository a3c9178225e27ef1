"""The queue of pushes: events that sockets are told of, and parts of a fan-out sent later."""

from typing import Any, Final

from chalice.app import SQSEvent

from chalicelib.aws.settings import settings
from chalicelib.edge.blueprints import EventBlueprint
from chalicelib.edge.messages import Consumed, Message, consume
from chalicelib.live import front
from chalicelib.live.fanout import send_part
from chalicelib.notifications.live_wiring import pushing_deps
from chalicelib.notifications.pushing import push

RECEIVES_MAX: Final = 5
BATCH: Final = 10

blueprint: Final = EventBlueprint(__name__)


@blueprint.on_sqs_message(queue=settings().name(front.QUEUE), batch_size=BATCH, name="notify_live")
def notify_live(event: SQSEvent) -> dict[str, Any]:
    """Tell a batch of events to open sockets; the reply lists the messages that failed."""
    return consume(event.to_dict(), _tell, Consumed(front.QUEUE, RECEIVES_MAX))


def _tell(message: Message) -> None:
    part_id = message.json().get(front.PART)
    if part_id is None:
        push(message.event(), pushing_deps())
        return
    part = front.remainder().find(str(part_id))
    if part is not None:
        send_part(part, front.fan_out_deps())
