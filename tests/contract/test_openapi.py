"""The OpenAPI document: valid, complete, and the one that is kept in docs/."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chalice.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator

from app import app
from tests.cloud import STAGE, cloud
from tools.openapi import TARGET, written

ROOT = Path(__file__).parents[2]
GENERAL = {"400", "401", "403", "404", "413", "415", "422", "429", "500", "503"}


@pytest.fixture
def document() -> Iterator[dict[str, Any]]:
    """The document as the route serves it."""
    with cloud(), Client(app, stage_name=STAGE) as client:
        response = client.http.get("/openapi.json")
        assert response.status_code == 200
        yield json.loads(response.body)


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation by `METHOD path`."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


@pytest.mark.covers(72)
def test_document_is_valid_openapi_31(document: dict[str, Any]) -> None:
    """A validator of the standard finds nothing."""
    assert document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(document).validate()


def test_document_and_app_have_the_same_routes(document: dict[str, Any]) -> None:
    """No route is undocumented and nothing is documented that is not there."""
    live = {f"{method} {path}" for path, methods in app.routes.items() for method in methods}
    assert set(operations(document)) == live


def test_every_route_tells_its_refusals_in_the_one_envelope(document: dict[str, Any]) -> None:
    """The general refusals stand beside the route's own, all with the same schema."""
    reference = {"$ref": "#/components/schemas/ErrorEnvelope"}
    for name, operation in operations(document).items():
        refusals = {s: r for s, r in operation["responses"].items() if int(s) >= 400}
        assert set(refusals) >= GENERAL, name
        assert all(
            refusal["content"]["application/json"]["schema"] == reference
            for refusal in refusals.values()
        ), name


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    """Client generators make one function of each."""
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(names) == len(set(names))


def test_path_parameters_are_those_of_the_path(document: dict[str, Any]) -> None:
    """Each has a pattern, so that malformed ids are seen before a call is made."""
    for name, operation in operations(document).items():
        told = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
        assert "/".join(told) == "/".join(
            part[1:-1] for part in name.split("/") if part.startswith("{")
        )
        assert all("pattern" in p["schema"] for p in operation["parameters"] if p["in"] == "path")


def test_kept_document_is_the_generated_one() -> None:
    """docs/api/openapi.json follows the code; `make openapi` writes it again."""
    with cloud():
        assert (ROOT / TARGET).read_text(encoding="utf-8") == written()
