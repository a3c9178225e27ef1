"""Webhooks of the gateway: each has its effect once, and one that cannot be true fails.

The gateway repeats its messages, sends them in any order and sometimes under another id. Its
word is taken only where the record can still move; what is so already is left alone, and what
contradicts the record ends among the dead letters for a person to see.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chalicelib.kernel.domain_events import Actor
from chalicelib.kernel.event_forms import is_word
from chalicelib.orders.changes import Act
from chalicelib.orders.fulfilling import paid_with
from chalicelib.orders.paying import answer_change
from chalicelib.orders.payments import Captured, Declined, Rejected, Settled
from chalicelib.orders.records import Change, OrderRecord
from chalicelib.orders.refunding import refund_answer_change, refund_of
from chalicelib.orders.service import Asker, Contradiction, Deps, advance, found

CONSUMER: Final = "payment_events"
KNOWN_TYPES: Final = frozenset(
    {"charge.succeeded", "charge.failed", "refund.succeeded", "refund.failed"}
)


class WebhookMalformed(ValueError):
    """The message does not have the fields of its type."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """What the gateway tells; amounts in minor units."""

    id: str
    type: str
    order_id: str
    payment_id: str
    charge_id: str
    refund_id: str
    amount: int
    currency: str
    code: str


def parse(message: Mapping[str, object]) -> Webhook | None:
    """The webhook in a message; None for a type that is not ours to know."""
    kind = message.get("type")
    if not is_word(kind):
        raise WebhookMalformed("type is no word")
    if kind not in KNOWN_TYPES:
        return None
    told = message.get("data")
    if not isinstance(told, Mapping):
        raise WebhookMalformed("a webhook without data")
    return Webhook(
        id=_word(message, "id"),
        type=_word(message, "type"),
        order_id=_word(told, "order_id"),
        payment_id=_word(told, "payment_id"),
        charge_id=_word(told, "charge_id"),
        refund_id=_word(told, "refund_id", ""),
        amount=_amount(told),
        currency=_word(told, "currency"),
        code=_word(told, "code", "refused"),
    )


def _word(fields: Mapping[str, object], name: str, default: str | None = None) -> str:
    value = fields.get(name, default)
    if value != default and not is_word(value):
        raise WebhookMalformed(f"{name} is no word")
    if not isinstance(value, str):
        raise WebhookMalformed(f"{name} is missing")
    return value


def _amount(fields: Mapping[str, object]) -> int:
    value = fields.get("amount")
    if type(value) is not int:
        raise WebhookMalformed("amount is missing or no whole number")
    return value


def receive(message: Mapping[str, object], deps: Deps) -> None:
    """Let a webhook have its effect, unless it is so already or of a type not ours to know.

    Contradiction, OrderMissing or WebhookMalformed send it to the dead letters.
    """
    webhook = parse(message)
    if webhook is None:
        return
    record = found(webhook.order_id, deps)
    act = deps.act(Asker(Actor("system", CONSUMER), record.order.correlation_id))

    def decide(record: OrderRecord) -> Change | None:
        change = _effect(record, webhook, act)
        return change.joined_by(seen=webhook.id) if change else None

    advance(record, decide, deps)


def _effect(record: OrderRecord, webhook: Webhook, act: Act) -> Change | None:
    payment = paid_with(record)
    if webhook.payment_id != payment.id:
        raise Contradiction(f"{record.order.id}: a webhook for another payment")
    if webhook.type.startswith("refund."):
        return _refund_effect(record, webhook, act)
    if webhook.amount != payment.amount or webhook.currency != payment.currency:
        raise Contradiction(f"{record.order.id}: a webhook with another amount or currency")
    if webhook.type == "charge.failed":
        return answer_change(record, Declined(webhook.code), act)
    said = Captured(webhook.charge_id, webhook.amount, webhook.currency)
    return answer_change(record, said, act)


def _refund_effect(record: OrderRecord, webhook: Webhook, act: Act) -> Change | None:
    asked = refund_of(record, webhook.refund_id)
    if webhook.amount != asked.amount or webhook.currency != record.order.currency:
        raise Contradiction(f"{asked.id}: a webhook with another amount or currency")
    said = Settled() if webhook.type == "refund.succeeded" else Rejected(webhook.code)
    return refund_answer_change(record, asked.id, said, act)
