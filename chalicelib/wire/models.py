"""The base of every wire model, and the field types of the contract's notation.

Requests are strict, frozen and closed: no coercion, no unknown field. They are parsed in
JSON mode only; the models of one slice stand in its `schemas`.
"""

import re
from typing import Annotated, ClassVar, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

_CONTROL: Final = r"\x00-\x1f\x7f-\x9f"
_LINE: Final = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"
_LINE_OR_EMPTY: Final = rf"^[^{_CONTROL}]*$"
_TEXT_CONTROL: Final = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
_TEXT: Final = rf"^[^{_TEXT_CONTROL}]*[^\s{_TEXT_CONTROL}][^{_TEXT_CONTROL}]*$"
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_TEXT_OR_EMPTY: Final = rf"^[^{_TEXT_CONTROL}]*$"


class Request(BaseModel):
    """A request body: strict, frozen, no unknown fields.

    A field that may be absent is declared `X | None = None`; null itself is allowed only where
    the class names the field in `NULLABLE` (the contract's ~).
    """

    NULLABLE: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema as the edge enforces it: what may be absent is not null."""
        schema = handler(core_schema)
        fields = handler.resolve_ref_schema(schema).get("properties", {})
        for name, field in fields.items():
            kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
            if name not in cls.NULLABLE and len(kinds) == 1:
                del field["anyOf"]
                field.update(kinds[0])
        return schema

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)


class Parameters(BaseModel):
    """Query parameters: written as text, read leniently, still closed and frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class View(BaseModel):
    """A reply body: every declared field is always present."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Empty(Request):
    """A request without fields: an empty body or {}."""


class ErrorField(View):
    """One field that is not allowed."""

    path: str
    code: str
    message: str


class ErrorBody(View):
    """What went wrong: a stable code, a sentence for people, the fields concerned."""

    code: str
    message: str
    fields: list[ErrorField] | None = None
    request_id: str


class ErrorEnvelope(View):
    """The one shape of every error."""

    error: ErrorBody


def line(least: int, most: int) -> StringConstraints:
    """The notation s<least>..<most>: one line without control characters."""
    pattern = _LINE if least else _LINE_OR_EMPTY
    return StringConstraints(min_length=least, max_length=most, pattern=pattern)


def text(least: int, most: int) -> StringConstraints:
    """The notation t<least>..<most>: as a line, with line feeds and tabs."""
    pattern = _TEXT if least else _TEXT_OR_EMPTY
    return StringConstraints(min_length=least, max_length=most, pattern=pattern)


def _kept_by_lower_case(email: str) -> str:
    """Addresses are kept in lower case, which makes other letters of the Kelvin sign and its like.

    Mail would go to whoever has that other address.
    """
    if any(letter.lower() != letter != letter.lower().upper() for letter in email):
        raise PydanticCustomError("string_pattern_mismatch", "Use ordinary letters")
    return email


Slug = Annotated[
    str, StringConstraints(min_length=1, max_length=80, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
]
Email = Annotated[
    str,
    StringConstraints(
        min_length=3,
        max_length=254,
        pattern=r"^[^\s@\"<>(),:;\x00-\x1f\x7f-\x9f]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$",
    ),
    AfterValidator(_kept_by_lower_case),
]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Amount = Annotated[int, Field(ge=0, le=99_999_999_999)]
Instant = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"
    ),
]
Month = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]


class AddressFields(Request):
    """Where a parcel goes; the record marks three of its fields as null or absent (rule 2.1)."""

    NULLABLE = frozenset({"line2", "region", "phone"})

    name: Annotated[str, line(1, 100)]
    line1: Annotated[str, line(1, 120)]
    line2: Annotated[str, line(1, 120)] | None = None
    city: Annotated[str, line(1, 80)]
    region: Annotated[str, line(1, 80)] | None = None
    postal_code: Annotated[str, line(2, 16)]
    country: Country
    phone: Phone | None = None


def _plain_integer(written: object) -> object:
    if isinstance(written, str) and not _INTEGER.fullmatch(written):
        raise PydanticCustomError("int_parsing", "Write an integer, such as 20.")
    return written


def _plain_boolean(written: object) -> object:
    if isinstance(written, str) and written not in {"true", "false"}:
        raise PydanticCustomError("bool_parsing", "Write true or false.")
    return written


# Pydantic alone would read 1.0, +1, 1_0 and "yes" as well.
PLAIN_INTEGER: Final = BeforeValidator(_plain_integer)
PLAIN_BOOLEAN: Final = BeforeValidator(_plain_boolean)


class PageParameters(Parameters):
    """How much of a list, and from where."""

    limit: Annotated[int, Field(ge=1, le=100), PLAIN_INTEGER] = 20
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=2048)] | None = None
