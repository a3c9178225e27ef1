"""Requests drawn from the OpenAPI document, allowed ones and broken ones, for every route.

The document is the only source: what it allows may be refused for the state of the shop alone,
what it does not allow is refused by name, and each answer has the form that it promises.
"""

import json
import random
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.security.generated.floor import Asked, Floor, Told, rows, stocked
from tests.security.generated.requests import Drawing
from tests.security.generated.samples import Samples

DOCUMENT = json.loads((Path(__file__).parents[3] / "docs/api/openapi.json").read_text())
ROUTES = sorted(
    (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods
)
DRAWS = {"test": 5, "nightly": 300}
CORRELATION = re.compile(r"[A-Za-z0-9_-]{8,64}")
FIXED_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'",
    "x-request-id": "request-00000001",
}
# What the contract says beside the codes that the document names for a route.
GENERAL = {
    400: {"malformed_json", "bad_request", "idempotency_key_missing", "invalid_cursor"},
    401: {"unauthenticated"},
    403: {"forbidden"},
    404: {"not_found"},
    413: {"payload_too_large"},
    415: {"unsupported_media_type"},
    422: {"validation_failed"},
    429: {"rate_limited"},
}
# Why a value of the right form is refused for what it says; all other words are about forms.
MEANINGS = {
    "exclusive",  # two parameters of which one may be given
    "no_instant",  # the thirtieth of February
    "not_after_from",
    "not_own",
    "not_sellable",
    "not_usable",
    "password_common",
    "span_too_long",
    "too_expensive",
    "too_old",
    "unknown_category",
    "unknown_product",
    "unknown_type",
}
# Sums over several fields, which a schema cannot say.
SUMS = {
    "GET /admin/users": {"value_error"},  # exactly one of two
    "POST /admin/stock/{variant_id}/adjust": {"value_error"},  # not 0
    "POST /orders": {"less_than_equal"},  # lines of one variant are added up
}
REFUSED_SECRETS = {"invalid_credentials", "refresh_invalid"}
INPUTS = [0]
Json = Any


@pytest.fixture(scope="module")
def floor() -> Iterator[Floor]:
    """One shop for all routes; its rows are put back before each draw that may change them."""
    with stocked() as made:
        yield made
    print(f"\ngenerated requests: {INPUTS[0]}")


@pytest.fixture
def count(*, is_nightly: bool) -> int:
    """How many requests of each kind a route gets."""
    return DRAWS["nightly" if is_nightly else "test"]


@pytest.fixture
def drawing(request: pytest.FixtureRequest, floor: Floor, seed: int) -> Drawing:
    """The draws of one route: the same for the same seed, whatever else runs."""
    method, route = request.node.callspec.params["route"]
    draws = random.Random(f"{seed} {method} {route}")
    return Drawing(method, route, DOCUMENT, Samples(DOCUMENT, floor.known, draws))


def checked(told: Told, asked: Asked, drawing: Drawing) -> Told:
    """The answer, if it is one that the document promises for this route."""
    INPUTS[0] += 1
    assert told.status < 500, (told, str(asked))
    answers = drawing.operation["responses"]
    assert str(told.status) in answers, (told, str(asked))
    about = answers[str(told.status)]
    if "content" in about:
        assert told.headers["content-type"] == "application/json"
        schema = about["content"]["application/json"]["schema"]
        assert drawing.samples.allows(schema, told.body), (told, str(asked))
    else:
        assert told.text == "", (told, str(asked))
    assert {name: told.headers.get(name) for name in FIXED_HEADERS} == FIXED_HEADERS, str(asked)
    assert CORRELATION.fullmatch(told.headers["x-correlation-id"]), str(asked)
    if told.status >= 400:
        _check_envelope(told, asked, about["description"].split(", "))
    return told


def _check_envelope(told: Told, asked: Asked, codes: list[str]) -> None:
    error = told.body["error"]
    assert set(told.body) == {"error"}
    has_fields = error["code"] == "validation_failed"
    names = {"code", "message", "request_id"} | ({"fields"} if has_fields else set())
    assert set(error) == names, (told, str(asked))
    assert error["code"] in GENERAL.get(told.status, set()) | set(codes), (told, str(asked))
    for wrong in error.get("fields", ()):
        assert set(wrong) == {"path", "code", "message"}
        assert len(wrong["path"]) <= 200


def name_of(route: tuple[str, str]) -> str:
    """How a failing route is called."""
    return " ".join(route)


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
@pytest.mark.covers(67)
def test_what_the_document_allows(
    route: tuple[str, str], drawing: Drawing, floor: Floor, count: int
) -> None:
    """An allowed request is carried out, or refused for the state of things, never for its form."""
    meanings = MEANINGS | SUMS.get(name_of(route), set())
    for draw in range(count):
        floor.restore()
        asked = drawing.allowed() if draw % 4 else drawing.odd()
        told = checked(floor.send(asked), asked, drawing)
        assert told.status not in {413, 415}, (told, str(asked))
        assert told.status != 401 or told.code in REFUSED_SECRETS, (told, str(asked))
        if told.code == "validation_failed":
            wrong = {field["code"] for field in told.body["error"]["fields"]}
            assert wrong <= meanings, (wrong, str(asked))


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
@pytest.mark.covers(67)
def test_what_the_document_does_not_allow(
    route: tuple[str, str], drawing: Drawing, floor: Floor, count: int
) -> None:
    """A request that breaks the document in one place is refused by name and changes no row."""
    del route
    floor.restore()
    before = rows()
    kinds = (
        drawing.broken_bodies(),
        drawing.broken_queries(),
        drawing.broken_paths(),
        drawing.broken_headers(),
    )
    shares = (count, max(2, count // 4), max(2, count // 4), max(2, count // 4))
    for kind, share in zip(kinds, shares, strict=True):
        for asked, status, code in islice(kind, share):
            told = checked(floor.send(asked), asked, drawing)
            if told.status == 429:
                floor.restore()
                continue
            assert (told.status, told.code) == (status, code), (told, str(asked))
    assert rows() == before
