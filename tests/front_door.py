"""The app as its clients reach it, in process: through the gateway, the authorizer and JSON."""

import json
from dataclasses import dataclass
from typing import Any

from chalice.test import Client

from chalicelib.aws.event_rows import PREFIX
from chalicelib.aws.items import Item
from chalicelib.aws.table import Query
from chalicelib.aws.tables import core_table
from chalicelib.users import keys
from chalicelib.users.authorizer import Unauthorized
from chalicelib.users.wiring import deps

PASSWORD = "a perfectly fine phrase"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `body` is the JSON, None without one."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str | None:
        """The stable word of an error."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error["code"] if error else None


class FrontDoor:
    """Sends requests as a browser would; without a token as a stranger."""

    def __init__(self, token: str | None = None) -> None:
        import app

        self._client = Client(app.app, stage_name="test")
        self.token = token

    def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request; a dictionary goes as JSON, bytes as they are."""
        sent = dict(headers or {})
        raw = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            raw = json.dumps(body).encode()
        if raw:
            sent.setdefault("Content-Type", "application/json")
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        try:
            reply = self._client.http.request(method, path, headers=sent, body=raw)
        except Unauthorized:
            # The gateway answers 401 for this word; Chalice's local one knows no such thing.
            return Answer(401, {"error": {"code": "unauthenticated"}}, {})
        written = reply.body
        read = json.loads(written) if written[:1] in {b"{", b"["} else None
        return Answer(reply.status_code, read, dict(reply.headers))

    def get(self, path: str) -> Answer:
        """GET."""
        return self.call("GET", path)

    def post(self, path: str, body: object = None) -> Answer:
        """POST."""
        return self.call("POST", path, body)

    def put(self, path: str, body: object) -> Answer:
        """PUT."""
        return self.call("PUT", path, body)

    def patch(self, path: str, body: object) -> Answer:
        """PATCH."""
        return self.call("PATCH", path, body)

    def delete(self, path: str) -> Answer:
        """DELETE."""
        return self.call("DELETE", path)


@dataclass(slots=True)
class Member:
    """Somebody with an account, signed in."""

    id: str
    email: str
    door: FrontDoor
    refresh_token: str
    session_id: str
    password: str = PASSWORD


def register(email: str, password: str = PASSWORD, name: str = "Amina") -> Answer:
    """A registration."""
    asked = {"email": email, "password": password, "name": name}
    return FrontDoor().post("/users/register", asked)


def user_id_of(email: str) -> str:
    """Whose address this is, from the raw row."""
    row = core_table().get(keys.email_key_key(deps().lookups.email_key(email)))
    assert row is not None, email
    return str(row["user_id"])


def events_of(user_id: str) -> list[Item]:
    """The event rows of a user, oldest first."""
    query = Query(keys.partition(user_id), "begins_with(#sk, :p)", {"p": PREFIX})
    return list(core_table().query(query).items)


def mailed_token(email: str, kind: str) -> str:
    """The token in the latest mail of a kind, as its sender makes it from the event."""
    event = [one for one in events_of(user_id_of(email)) if one["type"] == kind][-1]
    return deps().links.token(event["data"]["kid"], event["event_id"])


def verified(email: str, password: str = PASSWORD) -> None:
    """An account whose address is verified."""
    assert register(email, password).status == 202
    token = mailed_token(email, "UserRegistered")
    assert FrontDoor().post("/users/verify-email", {"token": token}).status == 204


def sign_in(email: str, password: str = PASSWORD) -> Member:
    """A further session of an account."""
    reply = FrontDoor().post("/users/login", {"email": email, "password": password})
    assert reply.status == 200, reply.body
    tokens = reply.body["tokens"]
    door = FrontDoor(tokens["access_token"])
    user_id = reply.body["user"]["id"]
    return Member(
        user_id, email, door, tokens["refresh_token"], tokens["session_id"], password=password
    )


def member(email: str = "amina@souk.example") -> Member:
    """A new customer, signed in."""
    verified(email)
    return sign_in(email)


def staff_member(role: str, email: str | None = None) -> Member:
    """Somebody with a role of the shop's people, signed in."""
    address = email or f"{role}@souk.example"
    verified(address)
    user_id = user_id_of(address)
    from chalicelib.kernel.domain_events import Actor
    from chalicelib.users import staffing
    from chalicelib.users.rules import Origin

    staffing.change_role(user_id, role, Origin(Actor("system", "test"), "tests-00"), deps())
    return sign_in(address)
