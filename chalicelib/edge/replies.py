"""Replies: status codes, the one error envelope, and the headers that every reply has."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

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
    TokenExpired,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
    VersionMismatch,
)

STATUSES: Final = MappingProxyType(
    {
        Malformed: 400,
        Unauthenticated: 401,
        Forbidden: 403,
        NotFound: 404,
        Conflict: 409,
        TokenExpired: 410,
        VersionMismatch: 412,
        PayloadTooLarge: 413,
        UnsupportedMediaType: 415,
        Invalid: 422,
        PreconditionRequired: 428,
        RateLimited: 429,
        Unavailable: 503,
    }
)

SECURITY_HEADERS: Final = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "default-src 'none'",
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    }
)
NO_STORE: Final = "no-store"
JSON_TYPE: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a view answers: a status, a body and headers of its own."""

    status: int
    body: BaseModel | Mapping[str, Any] | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def written(self) -> bytes:
        """The body as bytes."""
        match self.body:
            case None:
                return b""
            case bytes():
                return self.body
            case BaseModel():
                return self.body.model_dump_json(by_alias=True).encode()
            case _:
                return json.dumps(self.body, separators=(",", ":"), ensure_ascii=False).encode()


def status_of(error: type[DomainError]) -> int:
    """The status of an error: that of its nearest ancestor with one."""
    return next((STATUSES[kind] for kind in error.__mro__ if kind in STATUSES), 500)


def error_reply(error: DomainError, request_id: str) -> Reply:
    """The envelope of a fact."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if isinstance(error, Invalid) and error.fields:
        body["fields"] = [
            {"path": wrong.path, "code": wrong.code, "message": wrong.message}
            for wrong in error.fields
        ]
    headers = {}
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    return Reply(status_of(type(error)), {"error": {**body, "request_id": request_id}}, headers)


def envelope(status: int, code: str, message: str, request_id: str) -> Reply:
    """An error that no DomainError stands for."""
    error = {"code": code, "message": message, "request_id": request_id}
    return Reply(status, {"error": error})


FRAMEWORK_ERRORS: Final = MappingProxyType(
    {
        400: ("bad_request", "The request is malformed."),
        401: ("unauthenticated", "Please sign in."),
        403: ("forbidden", "You are not allowed to do this."),
        404: ("not_found", "There is no such thing."),
        405: ("method_not_allowed", "This method is not allowed here."),
        413: ("payload_too_large", "The request is too large."),
        415: ("unsupported_media_type", "Send JSON with Content-Type: application/json."),
    }
)
INTERNAL: Final = ("internal", "Something went wrong on our side.")
