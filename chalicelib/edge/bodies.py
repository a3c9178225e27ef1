"""Strict parsing, in one place: size, media type, well-formedness, shape, in that order."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from chalicelib.kernel.errors import (
    FieldError,
    Invalid,
    Malformed,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from chalicelib.wire.models import Request

BODY_BYTES_MAX: Final = 64 * 1024
NESTING_MAX: Final = 32
FIELD_ERRORS_MAX: Final = 25
_JSON: Final = re.compile(
    r'\s*application/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?;?\s*', re.IGNORECASE
)


class MalformedJson(Malformed):
    """The body is not well-formed JSON, or nests too deeply."""

    code = "malformed_json"
    message = "The body is not well-formed JSON."


def raw_body(event: Mapping[str, Any]) -> bytes:
    """The body's bytes as they were sent; PayloadTooLarge above 64 KiB."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            raw = base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Malformed from error
    else:
        # Chalice's own test client and local server put bytes here, the gateway text.
        raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    if len(raw) > BODY_BYTES_MAX:
        raise PayloadTooLarge(f"At most {BODY_BYTES_MAX} bytes.")
    return raw


def require_json(media_type: str | None) -> None:
    """UnsupportedMediaType unless the type is JSON in UTF-8; none at all counts as JSON."""
    if media_type is not None and not _JSON.fullmatch(media_type):
        raise UnsupportedMediaType


def parse_json(raw: bytes) -> Any:  # Any: JSON
    """The value in `raw`; MalformedJson for NaN, Infinity, bad UTF-8 or nesting above 32."""
    try:
        value = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedJson from error
    # What opens no more than the limit cannot nest deeper: most bodies need no walk.
    if raw.count(b"{") + raw.count(b"[") > NESTING_MAX and _nesting(value) > NESTING_MAX:
        raise MalformedJson(f"The body nests more than {NESTING_MAX} levels.")
    return value


def _nesting(value: Any) -> int:
    """Levels of lists and objects, found without recursion; stops above the limit."""
    depth, level = 0, [value]
    while level and depth <= NESTING_MAX:
        containers = [element for element in level if isinstance(element, dict | list)]
        depth += bool(containers)
        level = [
            child
            for container in containers
            for child in (container.values() if isinstance(container, dict) else container)
        ]
    return depth


def parse_model(model: type[BaseModel], raw: bytes) -> BaseModel:
    """The request in `raw`; Invalid with one entry for each field that is not allowed."""
    try:
        read = model.model_validate_json(raw)
    except ValidationError as error:
        raise invalid(error) from error
    # A null is written in no other way: most bodies need no walk.
    if b"null" in raw and (nulls := list(_nulls(read, ()))):
        raise Invalid([FieldError(_path(path), "null", "Null is not allowed.") for path in nulls])
    return read


def _nulls(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Where null was sent for a field that may be absent but not null."""
    if isinstance(value, Request):
        for name in value.model_fields_set:
            sent = getattr(value, name)
            if sent is None and name not in value.NULLABLE:
                yield (*path, name)
            yield from _nulls(sent, (*path, name))
    elif isinstance(value, list | tuple):
        for place, entry in enumerate(value):
            yield from _nulls(entry, (*path, place))


def parse_query(model: type[BaseModel], given: Mapping[str, str]) -> BaseModel:
    """The query parameters; Invalid with paths `query.<name>`."""
    try:
        return model.model_validate_strings(dict(given))
    except ValidationError as error:
        raise invalid(error, "query") from error


def invalid(error: ValidationError, *prefix: str) -> Invalid:
    """Pydantic's findings in the contract's words, without the values they quote."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return Invalid(
        [
            FieldError(_path((*prefix, *one["loc"])), _field_code(one["type"]), one["msg"])
            for one in found[:FIELD_ERRORS_MAX]
        ]
    )


def _field_code(pydantic_type: str) -> str:
    return "unknown_field" if pydantic_type == "extra_forbidden" else pydantic_type


def _path(location: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in location)[:200]
