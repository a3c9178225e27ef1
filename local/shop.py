"""The shop as its customers reach it: a small client of the public API, standard library only."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TIMEOUT_S: Final = 35
POLL_S: Final = 0.25
SERVER_ERROR: Final = 500
T = TypeVar("T")


class Refused(RuntimeError):
    """The shop answered with another status than the caller expected."""

    def __init__(self, answer: Answer, method: str, path: str) -> None:
        self.answer = answer
        error = answer.body.get("error", {}) if isinstance(answer.body, dict) else {}
        told = error.get("code") or answer.text[:200]
        fields = ", ".join(entry["path"] for entry in error.get("fields", []))
        more = f" ({fields})" if fields else ""
        super().__init__(f"{method} {path} answered {answer.status} {told}{more}")

    @property
    def code(self) -> str:
        """The stable code of the error."""
        return str(self.answer.body.get("error", {}).get("code", ""))


class TookTooLong(RuntimeError):
    """Something that should have happened did not within its time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply: status, headers in lower case, and the body as JSON where it is JSON."""

    status: int
    headers: Mapping[str, str]
    text: str
    body: Any = None  # Any: JSON


@dataclass(slots=True)
class Shop:
    """One caller of one running shop; `token` is the bearer token, if signed in."""

    api_url: str
    token: str | None = None
    user: dict[str, Any] = field(default_factory=dict)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and read its reply, whatever the status."""
        url = urlsplit(self.api_url + path)
        connection = http.client.HTTPConnection(url.netloc, timeout=TIMEOUT_S)
        sent = {"Accept": "application/json", **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        target = f"{url.path}?{url.query}" if url.query else url.path
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, target, payload, sent)
            reply = connection.getresponse()
            text = reply.read().decode()
        finally:
            connection.close()
        named = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, named, text, _json(text))

    def ask(self, method: str, path: str, body: object = None, *, expect: int = 200) -> Any:
        """The JSON of a reply with the expected status; Refused otherwise (Any: JSON)."""
        answer = self.call(method, path, body)
        if answer.status != expect:
            raise Refused(answer, method, path)
        return answer.body

    def get(self, path: str, **query: object) -> Any:
        """The JSON of a GET (Any: JSON)."""
        return self.ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def post_once(self, path: str, body: object, *, expect: int, key: str | None = None) -> Any:
        """POST under an Idempotency-Key, a new one unless given (Any: JSON)."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        answer = self.call("POST", path, body, headers)
        if answer.status != expect:
            raise Refused(answer, "POST", path)
        return answer.body

    def sign_in(self, email: str, password: str) -> Shop:
        """A caller signed in to this shop."""
        signed = self.ask("POST", "/users/login", {"email": email, "password": password})
        return Shop(self.api_url, signed["tokens"]["access_token"], signed["user"])

    def mails(self, address: str) -> list[dict[str, Any]]:
        """The sandbox mailbox of an address, newest first."""
        items: list[dict[str, Any]] = self.get("/sandbox/mailbox", to=address, limit=100)["items"]
        return items

    def mail(self, address: str, template: str, *, within_s: float = 10) -> dict[str, Any]:
        """The newest mail of a template, once it is there."""

        def arrived() -> dict[str, Any] | None:
            found = (mail for mail in self.mails(address) if mail["template"] == template)
            return next(found, None)

        return wait_for(arrived, f"mail {template} to {address}", within_s=within_s)

    def order_in(
        self, order_id: str, statuses: set[str], *, within_s: float = 20
    ) -> dict[str, Any]:
        """The order once it is in one of `statuses`."""

        def reached() -> dict[str, Any] | None:
            order: dict[str, Any] = self.get(f"/orders/{order_id}")
            return order if order["status"] in statuses else None

        return wait_for(reached, f"{order_id} in {', '.join(sorted(statuses))}", within_s=within_s)


def _json(text: str) -> Any:  # Any: JSON
    try:
        return json.loads(text)
    except ValueError:
        return None


def wait_for(look: Callable[[], T | None], what: str, *, within_s: float) -> T:
    """What `look` finds, asked again until it finds something; TookTooLong after `within_s`.

    A machine out of breath answers 5xx now and then: that is one more "not yet".
    """
    ends = time.monotonic() + within_s
    while True:
        try:
            found = look()
        except Refused as refused:
            if refused.answer.status < SERVER_ERROR:
                raise
            found = None
        if found is not None:
            return found
        if time.monotonic() > ends:
            raise TookTooLong(f"{what}: not within {within_s:.0f} s")
        time.sleep(POLL_S)
