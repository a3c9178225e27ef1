"""The queues of the channels: one function each, one message at a time."""

from typing import Any, Final

from chalice.app import SQSEvent

from chalicelib.aws.settings import settings
from chalicelib.edge.blueprints import EventBlueprint
from chalicelib.edge.messages import Consumed, Message, consume
from chalicelib.notifications import wiring
from chalicelib.notifications.service import deliver, take_mail

RECEIVES_MAX: Final = 5
BATCH: Final = 5

blueprint: Final = EventBlueprint(__name__)


@blueprint.on_sqs_message(queue=settings().name("email"), batch_size=BATCH, name="notify_email")
def notify_email(event: SQSEvent) -> dict[str, Any]:
    """Send the mails of a batch of events; the reply lists the messages that failed."""
    return consume(event.to_dict(), _mail, Consumed("email", RECEIVES_MAX))


def _mail(message: Message) -> None:
    take_mail(message.json(), message.event, wiring.email_deps())


@blueprint.on_sqs_message(queue=settings().name("sms"), batch_size=BATCH, name="notify_sms")
def notify_sms(event: SQSEvent) -> dict[str, Any]:
    """Send the text messages of a batch of events."""
    return consume(event.to_dict(), _text, Consumed("sms", RECEIVES_MAX))


def _text(message: Message) -> None:
    deliver(message.event(), wiring.sms_deps())


@blueprint.on_sqs_message(queue=settings().name("push"), batch_size=BATCH, name="notify_push")
def notify_push(event: SQSEvent) -> dict[str, Any]:
    """Send the push messages of a batch of events."""
    return consume(event.to_dict(), _push, Consumed("push", RECEIVES_MAX))


def _push(message: Message) -> None:
    deliver(message.event(), wiring.push_deps())
