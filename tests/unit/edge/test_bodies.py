"""Strict parsing: well-formed, then well-shaped; every refusal names its field."""

import json

import pytest

from chalicelib.edge.bodies import BODY_BYTES_MAX, parse_json, parse_model, raw_body, require_json
from chalicelib.kernel.errors import (
    DomainError,
    Invalid,
    Malformed,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from chalicelib.wire.models import AddressFields, Request


class Part(Request):
    """A nested request."""

    count: int | None = None


class Parcel(Request):
    """A request with an optional, a nullable and a nested field."""

    NULLABLE = frozenset({"note"})

    address: AddressFields | None = None
    note: str | None = None
    others: list[AddressFields] | None = None
    parts: list[Part] | None = None


ADDRESS = {
    "name": "Dana",
    "line1": "1 Market Lane",
    "city": "Tangier",
    "postal_code": "90000",
    "country": "MA",
}


def refused(body: object) -> list[str]:
    """The paths that a body is refused for."""
    with pytest.raises(Invalid) as refusal:
        parse_model(Parcel, json.dumps(body).encode())
    return [field.path for field in refusal.value.fields]


def test_null_is_refused_where_a_field_may_only_be_absent() -> None:
    """Absent and null differ: null is a value, and only some fields take it."""
    assert refused({"address": None}) == ["address"]
    assert refused({"others": None}) == ["others"]
    assert refused({"parts": [{"count": 1}, {"count": None}]}) == ["parts.1.count"]


def test_null_is_taken_where_the_contract_says_so() -> None:
    """The contract's ~ is NULLABLE."""
    assert parse_model(Parcel, b'{"note":null}') == Parcel(note=None)
    sent = {"address": {**ADDRESS, "line2": None, "region": None, "phone": None}}
    assert parse_model(Parcel, json.dumps(sent).encode()) == Parcel.model_validate(sent)


def test_the_document_says_the_same_of_null() -> None:
    """Who reads the schema sends what the edge takes."""
    fields = Parcel.model_json_schema()["properties"]
    assert {"type": "null"} in fields["note"]["anyOf"]
    assert "anyOf" not in fields["others"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b'{"a":NaN}', b'{"a":Infinity}', b"\xff", b'"\\ud800"', b"[" * 33 + b"]" * 33],
)
def test_what_is_not_json_is_malformed(raw: bytes) -> None:
    """NaN, bad UTF-8, lone surrogates and deep nesting end before any model sees them."""
    with pytest.raises(Malformed):
        parse_json(raw)


def test_nesting_of_thirty_two_is_read() -> None:
    """The limit itself is allowed."""
    assert parse_json(b"[" * 32 + b"]" * 32)


def test_width_is_not_depth() -> None:
    """Many lists side by side are read, however many there are."""
    assert len(parse_json(b"[" + b",".join([b"[]"] * 100) + b"]")) == 100


@pytest.mark.parametrize(
    ("media_type", "error"),
    [
        ("text/plain", UnsupportedMediaType),
        ("application/json; charset=latin-1", UnsupportedMediaType),
        ("application/jsonp", UnsupportedMediaType),
    ],
)
def test_other_media_types_are_refused(media_type: str, error: type[DomainError]) -> None:
    """Only JSON in UTF-8 is read."""
    with pytest.raises(error):
        require_json(media_type)


@pytest.mark.parametrize(
    "media_type", [None, "application/json", "Application/JSON; charset=UTF-8"]
)
def test_json_in_utf8_is_read(media_type: str | None) -> None:
    """Any spelling of it, and none at all."""
    require_json(media_type)


def test_bodies_above_the_cap_are_too_large() -> None:
    """64 KiB are read, one byte more is not."""
    assert len(raw_body({"body": "x" * BODY_BYTES_MAX})) == BODY_BYTES_MAX
    with pytest.raises(PayloadTooLarge):
        raw_body({"body": "x" * (BODY_BYTES_MAX + 1)})
