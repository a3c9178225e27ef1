"""Every socket action for every kind of caller: who may do what; a refusal does nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from chalicelib.live.frames import ACTIONS
from tests.callers import Caller, signed_in
from tests.cloud import STAGE, bare_client, cloud
from tests.sockets import SocketGateway, socket_gateway

CALLERS: Final = (
    "owner",
    "agent",
    "other",
    "support",
    "merchant",
    "warehouse",
    "admin",
    "revoked",
    "old_sv",
    "disabled",
    "expired",
)
OVER: Final = {"revoked", "old_sv", "disabled", "expired"}
MEMBERS: Final = {"owner", "agent"}
DESK: Final = {"agent", "support", "merchant", "admin"}

# Action and topic, then who may; everybody may where it says so, and nobody else.
EVERYBODY: Final = frozenset(CALLERS)
LIVE: Final = EVERYBODY - OVER
TABLE: Final[dict[tuple[str, str], frozenset[str]]] = {
    ("ping", ""): EVERYBODY,
    ("sub.remove", "own"): EVERYBODY,
    ("sub.add", "own"): LIVE,
    ("sub.add", "product"): LIVE,
    ("sub.add", "foreign"): frozenset(),
    ("sub.add", "room"): LIVE & (MEMBERS | DESK),
    ("sub.add", "desk"): LIVE & DESK,
    ("sub.add", "ops"): frozenset({"admin"}),
    ("chat.send", ""): LIVE & MEMBERS,
    ("chat.read", ""): LIVE & MEMBERS,
    ("chat.typing", ""): LIVE & MEMBERS,
}


@dataclass
class House:
    """A conversation, and a socket of every caller."""

    gateway: SocketGateway
    room: str
    people: dict[str, Caller]
    sockets: dict[str, str]

    def answer(self, name: str, action: str, topic: str) -> dict[str, Any]:
        """What the shop says to one frame."""
        data: dict[str, Any] = {}
        if action.startswith("sub."):
            foreign = self.people["owner" if name != "owner" else "other"].user_id
            data["topic"] = {
                "own": f"user:{self.people[name].user_id}",
                "product": "product:prd_01J00000000000000000000000",
                "foreign": f"user:{foreign}",
                "room": f"conv:{self.room}",
            }.get(topic, topic)
        if action.startswith("chat."):
            data["conversation_id"] = self.room
        more: dict[str, dict[str, Any]] = {
            "chat.send": {"text": "Hello"},
            "chat.read": {"seq": 1},
        }
        data |= more.get(action, {})
        return self.gateway.ask(self.sockets[name], action, **data)

    def rows(self) -> list[Any]:
        """The live table, but for the counted frames."""
        found = bare_client("dynamodb").scan(TableName=f"souk-{STAGE}-live")["Items"]
        counted = {"window", "count"}
        plain = [{n: v for n, v in item.items() if n not in counted} for item in found]
        return sorted(plain, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """One house for the whole table."""
    with cloud(), socket_gateway() as gateway:
        roles = {name: name for name in ("support", "merchant", "warehouse", "admin")}
        people = {
            name: signed_in({**roles, "agent": "support"}.get(name, "customer")) for name in CALLERS
        }
        asked = {"subject": "Lamp", "text": "Where is it?", "client_id": "client-0001"}
        room = people["owner"].post("/chat/conversations", asked).body["conversation"]["id"]
        people["agent"].post(f"/admin/chat/conversations/{room}/assign")
        sockets = {
            name: gateway.connect(person.post("/chat/tickets").body["url"])
            for name, person in people.items()
        }
        _end(people)
        yield House(gateway, room, people, sockets)


def _end(people: dict[str, Caller]) -> None:
    _set(people["old_sv"], "PROFILE", "sv", {"N": "2"})
    _set(people["disabled"], "PROFILE", "status", {"S": "DISABLED"})
    _set(people["revoked"], "SESS#", "revoked_at", {"S": "2026-01-01T00:00:00.000Z"})
    _set(people["expired"], "SESS#", "expires_at", {"S": "2026-01-01T00:00:00.000Z"})


def _set(person: Caller, prefix: str, name: str, value: dict[str, str]) -> None:
    table = f"souk-{STAGE}-core"
    found = bare_client("dynamodb").query(
        TableName=table,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={
            ":pk": {"S": f"USER#{person.user_id}"},
            ":sk": {"S": prefix},
        },
    )["Items"]
    for item in found:
        bare_client("dynamodb").put_item(TableName=table, Item={**item, name: value})


def test_every_action_has_a_row() -> None:
    """Whoever adds an action says here who may do it."""
    assert {action for action, _ in TABLE} == set(ACTIONS)


@pytest.mark.parametrize(("action", "topic"), TABLE)
@pytest.mark.parametrize("caller", CALLERS)
def test_cell(house: House, caller: str, action: str, topic: str) -> None:
    """An ack for those of the row; for all others an error that changes no row."""
    # The window of the limit is a second of the wall clock.
    bare_client("dynamodb").update_item(
        TableName=f"souk-{STAGE}-live",
        Key={"pk": {"S": f"CONN#{house.sockets[caller]}"}, "sk": {"S": "META"}},
        UpdateExpression="SET #w = :zero",
        ExpressionAttributeNames={"#w": "window"},
        ExpressionAttributeValues={":zero": {"N": "0"}},
    )
    before = house.rows()
    answer = house.answer(caller, action, topic)
    if caller in TABLE[action, topic]:
        assert answer["type"] == "ack", answer
        return
    assert answer["type"] == "error"
    assert answer["error"]["code"] in {"forbidden", "not_found"}
    assert house.rows() == before
