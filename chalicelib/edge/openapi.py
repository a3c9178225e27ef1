"""The OpenAPI 3.1 document of this app, generated from what its routes declare.

Nothing is written twice: paths, bodies, parameters, refusals and rights come from the contracts
that also parse and guard the calls.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from chalicelib.edge import replies
from chalicelib.edge.contracts import PATH_IDS, ROUTES, Route
from chalicelib.kernel.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    PayloadTooLarge,
    PreconditionRequired,
    RateLimited,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
    VersionMismatch,
)
from chalicelib.kernel.idempotency import IdempotencyInProgress, IdempotencyMismatch
from chalicelib.wire.models import ErrorEnvelope

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
DEFAULT_SERVER: Final = "/v1"
KEY_PATTERN: Final = "^[A-Za-z0-9_-]{8,128}$"
CORRELATION_PATTERN: Final = "^[A-Za-z0-9_-]{8,64}$"
CROCKFORD: Final = "[0-9A-HJKMNP-TV-Z]{26}"
GENERAL_ERRORS: Final[tuple[type[DomainError], ...]] = (
    Malformed,
    Unauthenticated,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
    Invalid,
    RateLimited,
    Unavailable,
)
_PATH_NAME: Final = re.compile(r"\{(\w+)\}")
_SUCCESSES: Final = {
    200: "Done.",
    201: "Created.",
    202: "Accepted; the work goes on.",
    204: "Done; there is nothing to tell.",
}
_MARKS: Final = {
    "P": "Anybody may call.",
    "N": "Anybody may call, where the sandbox is on.",
    "H": "Signed by the payment gateway.",
    "C": "Any signed-in user; only the owner sees an object.",
}

Json = dict[str, Any]  # Any: JSON of many shapes


def document(version: str, server: str = "", routes: Sequence[Route] = ROUTES) -> Json:
    """The whole document; `server` is the URL that paths are appended to."""
    components = _components(routes)
    paths: dict[str, Json] = {}
    for route in sorted(routes, key=lambda one: (one.path, one.method)):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, components)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": "Souk",
            "version": version,
            "summary": "A serverless shop.",
        },
        "servers": [{"url": server or DEFAULT_SERVER}],
        "paths": paths,
        "components": {
            "schemas": components.schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


@dataclass(frozen=True, slots=True)
class _Components:
    """The schemas of all models, and under which name each stands."""

    names: Mapping[tuple[type[BaseModel], JsonSchemaMode], str]
    schemas: Json

    def content(self, model: type[BaseModel], mode: JsonSchemaMode) -> Json:
        reference = f"#/components/schemas/{self.names[model, mode]}"
        return {replies.JSON_TYPE: {"schema": {"$ref": reference}}}

    def schema(self, model: type[BaseModel], mode: JsonSchemaMode) -> Json:
        found: Json = self.schemas[self.names[model, mode]]
        return found


def _components(routes: Sequence[Route]) -> _Components:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {
        (ErrorEnvelope, "serialization"): None
    }
    for route in routes:
        if route.contract.request is not None:
            wanted[route.contract.request, "validation"] = None
        if route.contract.query is not None:
            wanted[route.contract.query, "validation"] = None
        for model in route.contract.replies.values():
            if model is not None:
                wanted[model, "serialization"] = None
    references, definitions = models_json_schema(
        list(wanted), ref_template="#/components/schemas/{model}"
    )
    names = {one: references[one]["$ref"].rsplit("/", 1)[-1] for one in wanted}
    return _Components(names, _without_null_defaults(definitions.get("$defs", {})))


def _without_null_defaults(schema: Any) -> Any:  # Any: JSON of many shapes
    """The schema without `default: null`, by which a model says that a field may be absent."""
    if isinstance(schema, dict):
        kept = {n: v for n, v in schema.items() if not (n == "default" and v is None)}
        return {name: _without_null_defaults(value) for name, value in kept.items()}
    if isinstance(schema, list):
        return [_without_null_defaults(value) for value in schema]
    return schema


def _operation(route: Route, components: _Components) -> Json:
    contract = route.contract
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "description": _rights(route.access.label),
        "tags": [route.module.split(".")[1]],
        "security": [{"bearer": []}] if route.access.authorizer is not None else [],
        "parameters": [*_path_parameters(route), *_headers(route), *_query(route, components)],
        "responses": {**_answers(route, components), **_refusals(route, components)},
    }
    if contract.request is not None:
        operation["requestBody"] = {
            "required": True,
            "content": components.content(contract.request, "validation"),
        }
    elif contract.takes_raw:
        operation["requestBody"] = {"required": True, "content": {replies.JSON_TYPE: {}}}
    return operation


def _rights(label: str) -> str:
    return _MARKS.get(label, f"Rights: {label}.")


def _path_parameters(route: Route) -> Iterable[Json]:
    for name in _PATH_NAME.findall(route.path):
        prefix = PATH_IDS.get(name)
        pattern = f"^{prefix}_{CROCKFORD}$" if prefix else "^[A-Za-z0-9_.-]{1,128}$"
        schema = {"type": "string", "pattern": pattern}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _headers(route: Route) -> Iterable[Json]:
    yield _header("X-Correlation-Id", CORRELATION_PATTERN, is_required=False)
    if route.contract.needs_key:
        yield _header("Idempotency-Key", KEY_PATTERN)
    if route.contract.needs_version:
        yield _header("If-Match", '^"[0-9]{1,9}"$')
    if route.contract.is_public_cache:
        yield {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}


def _header(name: str, pattern: str, *, is_required: bool = True) -> Json:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "required": is_required, "schema": schema}


def _query(route: Route, components: _Components) -> Iterable[Json]:
    if route.contract.query is None:
        return
    schema = components.schema(route.contract.query, "validation")
    required = set(schema.get("required", ()))
    for name, about in schema.get("properties", {}).items():
        yield {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": _without_null(about),
        }


def _without_null(schema: Json) -> Json:
    """A query parameter is there or not; it cannot be null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    if len(kinds) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name not in {"anyOf", "default"}}
    return {**rest, **kinds[0]}


def _answers(route: Route, components: _Components) -> Json:
    answers: Json = {}
    for status, model in route.contract.replies.items():
        answer: Json = {"description": _SUCCESSES.get(status, "Done.")}
        if model is not None:
            answer["content"] = components.content(model, "serialization")
        answers[str(status)] = answer
    if route.contract.is_public_cache:
        answers["304"] = {"description": "Unchanged since the ETag that was sent."}
    return answers


def _refusals(route: Route, components: _Components) -> Json:
    by_status: dict[int, set[str]] = {500: {replies.INTERNAL[0]}}
    for error in _errors(route):
        by_status.setdefault(replies.status_of(error), set()).add(error.code)
    content = components.content(ErrorEnvelope, "serialization")
    return {
        str(status): {"description": ", ".join(sorted(codes)), "content": content}
        for status, codes in sorted(by_status.items())
    }


def _errors(route: Route) -> Iterable[type[DomainError]]:
    yield from GENERAL_ERRORS
    yield from route.contract.errors
    if route.contract.needs_key:
        yield from (IdempotencyMismatch, IdempotencyInProgress, Conflict)
    if route.contract.needs_version:
        yield from (VersionMismatch, PreconditionRequired)
