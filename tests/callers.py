"""Callers of the test client: signed in by the rows that users writes and the shop's own tokens."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chalice.test import Client, HTTPResponse

from app import app
from chalicelib.aws.items import to_item
from chalicelib.aws.secrets import secrets
from chalicelib.edge.tokens import Subject, TokenIssuer
from chalicelib.kernel.clock import instant
from chalicelib.kernel.ids import Ids
from chalicelib.users.keys import profile_key, session_key
from tests.cloud import STAGE, bare_client


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply: status, headers in lower case, and the body as JSON."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        """The code of the error."""
        return str(self.body["error"]["code"])


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody at the front door; without a token an anonymous one."""

    user_id: str = ""
    token: str = ""

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send one request; header names are written with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        payload = b""
        if body is not None:
            sent["Content-Type"] = "application/json"
            payload = json.dumps(body).encode()
        with Client(app) as client:
            return _answer(client.http.request(method, path, headers=sent, body=payload))

    def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return self.call("GET", path, None, **headers)

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        """POST."""
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: object, version: int) -> Answer:
        """PATCH under If-Match."""
        return self.call("PATCH", path, body, If_Match=f'"{version}"')


ANYBODY = Caller()


def signed_in(role: str = "customer") -> Caller:
    """A new user of that role with a live session."""
    ids, now = Ids(), datetime.now(UTC)
    user_id, session_id = ids.new("usr"), ids.new("ses")
    profile = {"id": user_id, "role": role, "status": "ACTIVE", "sv": 1, "mfa_enabled": False}
    session = {"id": session_id, "sv": 1, "expires_at": instant(now + timedelta(days=1))}
    for key, row in (
        (profile_key(user_id), profile),
        (session_key(user_id, session_id), session),
    ):
        bare_client("dynamodb").put_item(
            TableName=f"souk-{STAGE}-core",
            Item=to_item({"pk": key[0], "sk": key[1], **row}),
        )
    issuer = TokenIssuer(STAGE, lambda: secrets().ring("tokens"))
    subject = Subject(user_id, session_id, 1, role)
    return Caller(user_id, issuer.issue(subject, ids.new("jti"), now))


def _answer(response: HTTPResponse) -> Answer:
    headers = {name.lower(): str(value) for name, value in response.headers.items()}
    return Answer(response.status_code, headers, json.loads(response.body or b"null"))
