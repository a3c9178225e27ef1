"""Frames that clients send: read strictly, without a library that every cold start would pay for.

What cannot be read is `malformed_json`, what may not be said `validation_failed`; a refusal
carries the frame's id wherever one could be read.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.kernel.errors import DomainError, FieldError, Invalid, Malformed, PayloadTooLarge
from chalicelib.kernel.ids import is_id
from chalicelib.live.records import PROTOCOL

FRAME_BYTES_MAX: Final = 8 * 1024
NESTING_MAX: Final = 32
SEQ_MAX: Final = 999_999_999_999
FRAME_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_FIELDS: Final = ("v", "id", "action", "data")

Check = Callable[[Any], tuple[str, str] | None]  # Any: JSON of whatever kind a client sends


class MalformedFrame(Malformed):
    """The frame is not JSON, not text, or nests too deeply."""

    code = "malformed_json"
    message = "The frame is not well-formed JSON."


class UnknownAction(DomainError):
    """No such action."""

    code = "unknown_action"
    message = "There is no such action."


class FrameRefused(Exception):
    """A frame that is not carried out; `re` is its id if that could be read."""

    def __init__(self, error: DomainError, re: str | None = None) -> None:
        super().__init__(error.code)
        self.error = error
        self.re = re


@dataclass(frozen=True, slots=True)
class Frame:
    """One well-formed wish of a client."""

    id: str
    action: str
    data: Mapping[str, Any]  # Any: the checked fields of the action


@dataclass(frozen=True, slots=True)
class Field:
    """What one field of an action's data may hold."""

    check: Check
    is_optional: bool = False


def text(most: int) -> Check:
    """The notation t1..<most>."""

    def check(value: Any) -> tuple[str, str] | None:
        if not isinstance(value, str):
            return "string_type", "Send text."
        if len(value) > most:
            return "string_too_long", f"At most {most} characters."
        if not value.strip() or _CONTROL.search(value):
            return "string_pattern_mismatch", "Send some text without control characters."
        return None

    return check


def identifier(prefix: str) -> Check:
    """An id with this prefix, as far as its form goes; what is not there is found out later."""

    def check(value: Any) -> tuple[str, str] | None:
        if not isinstance(value, str):
            return "string_type", "Send text."
        if not is_id(value, prefix):
            return "string_pattern_mismatch", f"Send an id such as {prefix}_01J…"
        return None

    return check


def whole(value: Any) -> tuple[str, str] | None:
    """The notation i0.."""
    if type(value) is not int:
        return "int_type", "Send a whole number."
    if value < 0:
        return "greater_than_equal", "Not below 0."
    return ("less_than_equal", "Too large.") if value > SEQ_MAX else None


CONVERSATION: Final = Field(identifier("cnv"))
ACTIONS: Final[Mapping[str, Mapping[str, Field]]] = {
    "ping": {},
    "sub.add": {"topic": Field(text(64)), "since": Field(whole, is_optional=True)},
    "sub.remove": {"topic": Field(text(64))},
    "chat.send": {
        "conversation_id": CONVERSATION,
        "text": Field(text(2000)),
        "media_id": Field(identifier("med"), is_optional=True),
    },
    "chat.read": {"conversation_id": CONVERSATION, "seq": Field(whole)},
    "chat.typing": {"conversation_id": CONVERSATION},
}


def read_frame(body: str | None) -> Frame:
    """The frame in a message; FrameRefused for anything else (None stands for binary)."""
    read = _json(body)
    if not isinstance(read, dict):
        raise FrameRefused(Invalid.field("", "model_type", "Send a JSON object."))
    given = read.get("id")
    frame_id = given if isinstance(given, str) and FRAME_ID.fullmatch(given) else None
    wrong = _envelope(read)
    if wrong:
        raise FrameRefused(Invalid(wrong), frame_id)
    fields = ACTIONS.get(read["action"])
    if fields is None:
        raise FrameRefused(UnknownAction(), frame_id)
    wrong = _checked(read["data"], fields)
    if wrong:
        raise FrameRefused(Invalid(wrong), frame_id)
    return Frame(read["id"], read["action"], read["data"])


def _json(body: str | None) -> Any:
    if body is None:
        raise FrameRefused(MalformedFrame("Send text frames."))
    try:
        if len(body.encode()) > FRAME_BYTES_MAX:
            raise FrameRefused(PayloadTooLarge(f"At most {FRAME_BYTES_MAX} bytes."))
        read = json.loads(body, parse_constant=_refuse_constant)
        # Half a surrogate pair is no text; written as \ud800 it gets past the parser.
        json.dumps(read, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise FrameRefused(MalformedFrame()) from error
    if _nests_too_deeply(read):
        raise FrameRefused(MalformedFrame(f"The frame nests more than {NESTING_MAX} levels."))
    return read


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _nests_too_deeply(value: Any) -> bool:
    level = [value]
    for _ in range(NESTING_MAX):
        level = [
            child
            for container in level
            if isinstance(container, dict | list)
            for child in (container.values() if isinstance(container, dict) else container)
        ]
    return any(isinstance(one, dict | list) for one in level)


def _envelope(read: Mapping[str, Any]) -> list[FieldError]:
    wrong = [_missing(name) for name in _FIELDS if name not in read]
    wrong += [_unknown(name) for name in read if name not in _FIELDS]
    if "v" in read and (type(read["v"]) is not int or read["v"] != PROTOCOL):
        wrong.append(FieldError("v", "literal_error", f"This is protocol {PROTOCOL}."))
    if "id" in read and not (isinstance(read["id"], str) and FRAME_ID.fullmatch(read["id"])):
        wrong.append(FieldError("id", "string_pattern_mismatch", "8 to 64 of A-Z a-z 0-9 _ -"))
    if "action" in read and not isinstance(read["action"], str):
        wrong.append(FieldError("action", "string_type", "Send text."))
    if "data" in read and not isinstance(read["data"], dict):
        wrong.append(FieldError("data", "dict_type", "Send a JSON object."))
    return wrong


def _checked(data: Mapping[str, Any], fields: Mapping[str, Field]) -> list[FieldError]:
    wrong = [_unknown(f"data.{name}") for name in data if name not in fields]
    for name, allowed in fields.items():
        path = f"data.{name}"
        if name not in data:
            wrong += [] if allowed.is_optional else [_missing(path)]
        elif found := allowed.check(data[name]):
            wrong.append(FieldError(path, *found))
    return wrong


def _missing(path: str) -> FieldError:
    return FieldError(path, "missing", "This field is required.")


def _unknown(path: str) -> FieldError:
    return FieldError(path[:200], "unknown_field", "There is no such field.")
