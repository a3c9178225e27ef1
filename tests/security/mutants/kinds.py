"""Real events of every kind, about things that are there."""

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.kernel.domain_events import EVENT_TYPES, Actor, Cause, DomainEvent
from tests.events import AT, SAMPLES
from tests.security.mutants.mutations import Mutant

REASONS = {"OrderFailed": "out_of_stock", "StockAdjusted": "receive", "MediaRejected": "corrupt"}


def event_of(name: str, known: Mapping[str, Sequence[str]]) -> DomainEvent:
    """An event of a kind about things that `known` names."""
    kind = EVENT_TYPES[name]
    data = {field: _value(name, field, known) for field in kind.fields}
    aggregate = str(data[kind.fields[0]])
    cause = Cause(AT, Actor("system", "mutants"), "corr-0001")
    return DomainEvent(kind, aggregate, 7, cause, kind.data(**data))


def _value(name: str, field: str, known: Mapping[str, Sequence[str]]) -> Any:
    if field == "lines":
        line = {
            "variant_id": known["variant_id"][0],
            "product_id": known["product_id"][0],
            "quantity": 1,
        }
        return [line | {"unit_price": 3400} if name == "OrderPlaced" else line]
    if field == "reason":
        return REASONS.get(name, "logout")
    if field in {"by", "owner_id"}:
        return known["user_id"][0]
    if field in known and field not in {"from", "to", "category", "number"}:
        return known[field][0]
    return SAMPLES[field]


def envelope(event: DomainEvent) -> dict[str, Any]:
    """The message that the bus makes of an event."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "source": event.type.source,
        "detail-type": event.type.name,
        "detail": event.detail(),
    }


def is_read(path: tuple[Any, ...]) -> bool:
    """Whether consumers read this part of a bus message; the rest is the bus's own."""
    return path[0] in {"detail-type", "detail"}


FOREIGN_WORDS = {
    "carrier", "cause", "charge_id", "code", "decline_code", "etag", "reference", "source",
    "tracking_number",
}  # fmt: skip
OPTIONAL = {"attached_to", "code", "decline_code", "from", "reference"}


def is_harmless(mutant: Mutant) -> bool:
    """Whether a change leaves a message that is still right: text of others, or nothing told."""
    field, value = mutant.path[-1], mutant.event
    if mutant.kind in {"dropped", "renamed", "nested"} or not isinstance(field, str):
        return False
    for key in mutant.path:
        value = value[key]
    is_short_text = isinstance(value, str) and len(value) <= 4096 and value != "\ud800"
    is_text = field in FOREIGN_WORDS and is_short_text
    return is_text or (field in OPTIONAL and (value is None or value == "x"))
