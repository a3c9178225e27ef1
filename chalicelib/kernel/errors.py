"""Facts that end a request, as exceptions.

DomainError
├── Malformed             the request cannot be read          (400)
├── Unauthenticated       nobody we know                      (401)
├── Forbidden             known, but not allowed              (403)
├── NotFound              absent, foreign or hidden           (404)
├── Conflict              the record is not in that state     (409)
├── TokenExpired          a one-time token is spent           (410)
├── VersionMismatch       somebody changed it first           (412)
├── PayloadTooLarge                                           (413)
├── UnsupportedMediaType                                      (415)
├── Invalid               readable, but not allowed           (422)
├── PreconditionRequired  the route wants If-Match            (428)
├── RateLimited           too many tries                      (429)
└── Unavailable           a dependency is slow or missing     (503)

The status codes stand in `chalicelib.edge.replies` alone. `code` is the stable word of the
contract; `message` is for people.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that is not allowed: its dotted path, a stable code and a sentence."""

    path: str
    code: str
    message: str


class DomainError(Exception):
    """A fact that ends a request; subclasses or the caller set `code`."""

    code = "internal"
    message = "The request could not be carried out."

    def __init__(self, message: str | None = None, *, code: str | None = None) -> None:
        self.code = code or type(self).code
        self.message = message or type(self).message
        super().__init__(self.message)


class Malformed(DomainError):
    """The request cannot be read."""

    code = "bad_request"
    message = "The request is malformed."


class Unauthenticated(DomainError):
    """The caller is nobody we know."""

    code = "unauthenticated"
    message = "Please sign in."


class Forbidden(DomainError):
    """The caller is known and not allowed."""

    code = "forbidden"
    message = "You are not allowed to do this."


class NotFound(DomainError):
    """The object is absent, foreign or hidden; the three look the same."""

    code = "not_found"
    message = "There is no such thing."


class Conflict(DomainError):
    """The record is in a state that does not allow this."""

    code = "invalid_state"
    message = "The current state does not allow this."


class TokenExpired(DomainError):
    """A one-time token is unknown, used or expired."""

    code = "token_expired"
    message = "This token is unknown, used or expired."


class VersionMismatch(DomainError):
    """Somebody changed the record first."""

    code = "version_mismatch"
    message = "The record has changed; read it again."


class PayloadTooLarge(DomainError):
    """The request is larger than the shop accepts."""

    code = "payload_too_large"
    message = "The request is too large."


class UnsupportedMediaType(DomainError):
    """The body is not of a type that the route reads."""

    code = "unsupported_media_type"
    message = "Send JSON with Content-Type: application/json."


class Invalid(DomainError):
    """The request is well-formed, but a type, value or field is not allowed."""

    code = "validation_failed"
    message = "Some fields are not allowed."

    def __init__(
        self,
        fields: Sequence[FieldError] = (),
        message: str | None = None,
        *,
        code: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.fields = tuple(fields)

    @classmethod
    def field(cls, path: str, code: str, message: str) -> "Invalid":
        """The refusal of one field."""
        return cls([FieldError(path, code, message)])


class PreconditionRequired(DomainError):
    """The route changes a versioned record and wants If-Match."""

    code = "precondition_required"
    message = "Send If-Match with the version you read."


class RateLimited(DomainError):
    """Too many tries within the window."""

    code = "rate_limited"
    message = "Too many requests; try again later."

    def __init__(self, retry_after_s: int, message: str | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(DomainError):
    """A dependency is slow, contended or not configured; trying again may help."""

    code = "unavailable"
    message = "The service is busy; try again in a moment."
    retry_after_s = 1
