"""Queues of orders.

`order_signals` starts workflows and wakes waiting ones by events of the bus; `payment_events`
takes the gateway's word.
"""

from typing import Any, Final

from chalice.app import SQSEvent

from chalicelib.aws.observability import bound
from chalicelib.aws.settings import settings
from chalicelib.edge.blueprints import EventBlueprint
from chalicelib.edge.messages import Consumed, Message, consume
from chalicelib.kernel.event_forms import is_word
from chalicelib.orders import receiving, signalling
from chalicelib.orders.wiring_workers import signal_deps, stock_deps

SIGNALS: Final = Consumed("order-signals", receives_max=8)
WEBHOOKS: Final = Consumed("payments-inbox", receives_max=8)
BATCH: Final = 5

blueprint: Final = EventBlueprint(__name__)


@blueprint.on_sqs_message(
    queue=settings().name(SIGNALS.queue), batch_size=BATCH, name="order_signals"
)
def order_signals(event: SQSEvent) -> dict[str, Any]:  # Any: the partial batch response
    """Start and wake order workflows."""
    return consume(event.to_dict(), _signal, SIGNALS)


def _signal(message: Message) -> None:
    event = message.event()
    with bound(
        correlation_id=event.correlation_id,
        event_id=event.event_id,
        event_type=event.type.name,
        order_id=str(event.data.get("order_id", "")),
    ):
        signalling.follow(event, signal_deps())


@blueprint.on_sqs_message(
    queue=settings().name(WEBHOOKS.queue), batch_size=BATCH, name="payment_events"
)
def payment_events(event: SQSEvent) -> dict[str, Any]:  # Any: the partial batch response
    """Let the gateway's webhooks have their effect."""
    return consume(event.to_dict(), _webhook, WEBHOOKS)


def _webhook(message: Message) -> None:
    webhook = message.json()
    # Words of an outside party are logged only if they look like its ids.
    said = {name: str(webhook[name]) for name in ("id", "type") if is_word(webhook.get(name))}
    with bound(event_id=said.get("id"), event_type=said.get("type")):
        receiving.receive(webhook, stock_deps())
