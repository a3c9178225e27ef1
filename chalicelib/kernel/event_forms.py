"""What the fields of events may hold: ids, whole numbers, words, lists; by the field's name.

A name means the same in every event. Who publishes and who consumes asks the same page, so that
a message of another form is never acted upon, whoever put it on the bus.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from chalicelib.kernel.clock import moment
from chalicelib.kernel.ids import is_id

TEXT_MAX: Final = 4096
NUMBER_MAX: Final = 10**15
_WORD: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_NUMBER: Final = re.compile(r"SK-[0-9A-HJKMNP-TV-Z]{8}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_LINE: Final = frozenset({"variant_id", "product_id", "quantity"})
_ACTORS: Final = frozenset({"customer", "staff", "system"})
_PRICED: Final = "OrderPlaced"

Form = Callable[[object], bool]


def identifier(prefix: str) -> Form:
    """An id with this prefix."""
    return lambda value: isinstance(value, str) and is_id(value, prefix)


def is_word(value: object) -> bool:
    """A word of ours: a status, a reason, a name of a field."""
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def is_text(value: object) -> bool:
    """Text of others, such as a carrier's number; half a surrogate pair is none."""
    if not isinstance(value, str) or len(value) > TEXT_MAX:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def is_count(value: object) -> bool:
    """A whole number, not below 0."""
    return type(value) is int and 0 <= value <= NUMBER_MAX


def is_instant(value: object) -> bool:
    """An instant that exists, as `clock.instant` writes it."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return False
    try:
        moment(value)
    except ValueError:
        return False
    return True


def _matches(pattern: re.Pattern[str]) -> Form:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _maybe(form: Form) -> Form:
    return lambda value: value is None or form(value)


def _each(form: Form) -> Form:
    return lambda value: isinstance(value, list | tuple) and all(map(form, value))


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_difference(value: object) -> bool:
    return type(value) is int and abs(value) <= NUMBER_MAX


def _is_line(value: object) -> bool:
    """A line of an order; only a placed order tells prices."""
    return (
        isinstance(value, Mapping)
        and set(value) - {"unit_price"} == _LINE
        and all(FORMS[name](value[name]) for name in value)
    )


FORMS: Final[Mapping[str, Form]] = MappingProxyType(
    {
        "amount": is_count,
        "attached_to": _maybe(identifier("prd")),
        "by": identifier("usr"),
        "carrier": is_text,
        "category": is_word,
        "cause": is_text,
        "changed": _each(is_word),
        "charge_id": is_text,
        "code": _maybe(is_text),
        "currency": _matches(_CURRENCY),
        "day": is_word,
        "dead_letter_id": identifier("ded"),
        "decision": is_word,
        "decline_code": _maybe(is_text),
        "delta": _is_difference,
        "enabled": _is_flag,
        "etag": is_text,
        "expires_at": is_instant,
        "from": _maybe(is_word),
        "kid": is_word,
        "kind": is_word,
        "lines": _each(_is_line),
        "matched": is_count,
        "media_id": identifier("med"),
        "method": is_word,
        "movement_id": identifier("mov"),
        "number": _matches(_NUMBER),
        "order_id": identifier("ord"),
        "owner_id": identifier("usr"),
        "payment_id": identifier("pay"),
        "product_id": identifier("prd"),
        "published": is_count,
        "quantity": is_count,
        "reason": is_word,
        "reference": _maybe(is_text),
        "refund_amount": is_count,
        "refund_id": identifier("rfd"),
        "released": _is_flag,
        "renditions": is_count,
        "replay_id": identifier("rpl"),
        "returned": _is_flag,
        "seq": is_count,
        "session_ids": _each(identifier("ses")),
        "source": is_text,
        "ticket_id": identifier("tkt"),
        "to": is_word,
        "total": is_count,
        "tracking_number": is_text,
        "unit_price": is_count,
        "user_id": identifier("usr"),
        "variant_id": identifier("var"),
    }
)


def strange_fields(kind: str, told: Mapping[str, Any]) -> Iterable[str]:
    """The names of the fields of an event's data that do not have their form."""
    strange = [name for name, value in told.items() if not FORMS[name](value)]
    if strange or "lines" not in told:
        return strange
    has_prices = kind == _PRICED
    return [] if all(("unit_price" in line) is has_prices for line in told["lines"]) else ["lines"]


def strange_envelope(detail: Mapping[str, Any]) -> Iterable[str]:
    """The names of the fields around the data that do not have their form."""
    actor = detail["actor"]
    version = detail["aggregate_version"]
    said = {
        "actor": isinstance(actor, Mapping) and actor["type"] in _ACTORS and is_word(actor["id"]),
        "aggregate_id": is_word(detail["aggregate_id"]),
        "aggregate_version": is_count(version) and version > 0,
        "correlation_id": is_word(detail["correlation_id"]),
        "occurred_at": is_instant(detail["occurred_at"]),
        "schema": type(detail["schema"]) is int,
    }
    return [name for name, is_right in said.items() if not is_right]
