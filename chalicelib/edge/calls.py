"""One HTTP call as views see it: who, with what, under which ids."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from pydantic import BaseModel

# Callers stand apart, free of pydantic: the authorizer's function makes them too.
from chalicelib.edge.callers import Caller as Caller  # noqa: PLC0414 - read from here by views
from chalicelib.edge.cursors import Cursors
from chalicelib.edge.replies import Reply
from chalicelib.kernel.errors import Malformed, PreconditionRequired
from chalicelib.kernel.idempotency import Once, RecordedReply
from chalicelib.kernel.pagination import Page, PageRequest, Position
from chalicelib.wire.models import PageParameters

_KEY: Final = re.compile(r"[A-Za-z0-9_-]{8,128}")
_VERSION: Final = re.compile(r'"([0-9]{1,9})"')

Model = TypeVar("Model", bound=BaseModel)
Entry = TypeVar("Entry")


class IdempotencyKeyMissing(Malformed):
    """The route wants an Idempotency-Key."""

    code = "idempotency_key_missing"
    message = "Send an Idempotency-Key of 8 to 128 letters, digits, - or _."


@dataclass(slots=True)
class Call:
    """One request, parsed by its contract; made by the edge, read by views."""

    method: str
    route: str
    path: Mapping[str, str]
    headers: Mapping[str, str]
    raw_body: bytes
    client_ip: str
    request_id: str
    correlation_id: str
    claims: Mapping[str, str]
    cursors: Cursors
    caller_: Caller | None = None
    body_: BaseModel | None = None
    query_: BaseModel | None = None
    plain_body: Any = None  # Any: the JSON as parsed, for the fingerprint
    query_text: Mapping[str, str] = field(default_factory=dict)

    @property
    def caller(self) -> Caller:
        """The signed-in caller; only routes that admit one may ask."""
        if self.caller_ is None:
            raise TypeError("a public route has no caller")
        return self.caller_

    @property
    def is_write(self) -> bool:
        """Whether the method changes things, so that rights are read afresh."""
        return self.method not in {"GET", "HEAD", "OPTIONS"}

    @property
    def subject(self) -> str:
        """Whose idempotency keys these are."""
        return self.caller_.user_id if self.caller_ else "anon"

    def body(self, model: type[Model]) -> Model:
        """The parsed body; `model` is the one that the route declares."""
        if not isinstance(self.body_, model):
            raise TypeError(f"the route does not declare {model.__name__}")
        return self.body_

    def query(self, model: type[Model]) -> Model:
        """The parsed query parameters; `model` is the one that the route declares."""
        if not isinstance(self.query_, model):
            raise TypeError(f"the route does not declare {model.__name__}")
        return self.query_

    def once(self, present: Callable[[Any], Reply]) -> Once:
        """The Idempotency-Key of this call, with the reply that its effect will have."""
        key = self.headers.get("idempotency-key")
        if key is None:
            raise IdempotencyKeyMissing
        if not _KEY.fullmatch(key):
            raise Malformed("Idempotency-Key: 8 to 128 letters, digits, - or _.")
        canonical = json.dumps(self.plain_body or {}, sort_keys=True, separators=(",", ":"))
        return Once(
            subject=self.subject,
            operation=f"{self.method} {self._path_with_ids()}",
            key=key,
            fingerprint=hashlib.sha256(canonical.encode()).hexdigest(),
            present=partial(_recorded, present),
        )

    def version(self) -> int:
        """The version in If-Match, which names exactly one."""
        written = self.headers.get("if-match")
        if written is None:
            raise PreconditionRequired
        named = _VERSION.fullmatch(written.strip())
        if named is None:
            raise Malformed('If-Match: one version in quotation marks, such as "3".')
        return int(named[1])

    def page(self) -> PageRequest:
        """The page asked for; Malformed `invalid_cursor` if the cursor is not one of this list."""
        asked = self.query(PageParameters)
        after = self.cursors.read(asked.cursor, self._list_name()) if asked.cursor else None
        return PageRequest(asked.limit, after)

    def listed(self, page: Page[Entry], present: Callable[[Entry], Any]) -> dict[str, Any]:
        """The fields of a list reply: the presented entries and the cursor of the next page."""
        return {"items": [present(entry) for entry in page.items], "next": self.cursor(page.next)}

    def cursor(self, position: Position | None) -> str | None:
        """A signed cursor for this list, None at its end."""
        return self.cursors.write(position, self._list_name()) if position else None

    def _list_name(self) -> str:
        """Route, parameters and caller: what a cursor is bound to."""
        bound = {n: v for n, v in sorted(self.query_text.items()) if n not in {"cursor", "limit"}}
        return json.dumps([self._path_with_ids(), bound, self.subject])

    def _path_with_ids(self) -> str:
        path = self.route
        for name, value in self.path.items():
            path = path.replace(f"{{{name}}}", value)
        return path


def _recorded(present: Callable[[Any], Reply], entity: Any) -> RecordedReply:  # Any: see Once
    reply = present(entity)
    return RecordedReply(reply.status, reply.written(), reply.headers)
