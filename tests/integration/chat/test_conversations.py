"""Conversations by REST and by socket, told to their members and to nobody else."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from chalicelib.aws.items import to_item
from chalicelib.chat.records import Message, Side
from chalicelib.chat.rows import message_row
from tests.callers import Caller, signed_in
from tests.cloud import STAGE, bare_client, cloud
from tests.sockets import SocketGateway, socket_gateway

LIVE = f"souk-{STAGE}-live"
AT = "2026-03-01T12:00:00.000Z"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class Room:
    """A customer with a conversation, an agent, a stranger; each with a socket that listens."""

    gateway: SocketGateway
    clock: time_machine.Traveller
    customer: Caller
    agent: Caller
    stranger: Caller
    id: str
    sockets: dict[str, str]

    def ask(self, who: str, action: str, frame_id: str = "", **data: Any) -> dict[str, Any]:
        """Send a frame a second later; its answer."""
        self.clock.shift(timedelta(seconds=1))
        return self.gateway.ask(self.sockets[who], action, frame_id, **data)

    def say(self, who: str, text: str, frame_id: str = "") -> dict[str, Any]:
        """Say something; its answer."""
        return self.ask(who, "chat.send", frame_id, conversation_id=self.id, text=text)

    def told(self, who: str, kind: str = "chat.message") -> list[dict[str, Any]]:
        """What a socket was pushed, once the stream has been told."""
        self.gateway.fan_out()
        return self.gateway.pushes(self.sockets[who], kind)


@pytest.fixture
def room() -> Iterator[Room]:
    """A conversation that an agent has taken over."""
    with cloud(), socket_gateway() as gateway, time_machine.travel(START, tick=False) as clock:
        people = {"customer": signed_in(), "agent": signed_in("support"), "stranger": signed_in()}
        asked = {"subject": "Lamp", "text": "Where is it?", "client_id": "client-0001"}
        begun = people["customer"].post("/chat/conversations", asked)
        assert begun.status == 201, begun.body
        conversation_id = begun.body["conversation"]["id"]
        sockets = {
            name: gateway.connect(person.post("/chat/tickets").body["url"])
            for name, person in people.items()
        }
        made = Room(gateway, clock, **people, id=conversation_id, sockets=sockets)
        for name in ("customer", "agent"):
            heard = made.ask(name, "sub.add", topic=f"conv:{conversation_id}")
            assert heard["data"]["last_seq"] == 1, heard
        taken = made.agent.post(f"/admin/chat/conversations/{conversation_id}/assign")
        assert taken.body["conversation"]["status"] == "ASSIGNED", taken.body
        gateway.fan_out()
        for frames in gateway.received.values():
            frames.clear()
        yield made


def test_opening_twice_with_one_client_id_opens_once(room: Room) -> None:
    """The second answer is the first conversation with its first message."""
    asked = {"subject": "Other", "text": "Again?", "client_id": "client-0001"}
    again = room.customer.post("/chat/conversations", asked)
    assert again.status == 201
    assert again.body["conversation"]["id"] == room.id
    assert again.body["message"]["text"] == "Where is it?"
    assert len(room.customer.get("/chat/conversations").body["items"]) == 1


def test_foreign_order_cannot_be_asked_about(room: Room) -> None:
    """An order of nobody is refused by its field."""
    asked = {
        "subject": "x",
        "text": "y",
        "client_id": "client-0002",
        "order_id": "ord_01J00000000000000000000000",
    }
    refused = room.customer.post("/chat/conversations", asked)
    assert (refused.status, refused.body["error"]["fields"][0]["path"]) == (422, "order_id")


def test_message_reaches_both_sides_once_and_nobody_else(room: Room) -> None:
    """Stored first, numbered, then told."""
    assert room.say("customer", "Hello?")["data"] == {"conversation_id": room.id, "seq": 2}
    (customer,) = room.told("customer")
    (agent,) = room.told("agent")
    assert customer == agent
    assert (agent["topic"], agent["seq"], agent["v"]) == (f"conv:{room.id}", 2, 1)
    assert agent["data"] == {
        "conversation_id": room.id,
        "seq": 2,
        "sender_id": room.customer.user_id,
        "sender_role": "customer",
        "text": "Hello?",
        "picture": None,
        "client_id": agent["data"]["client_id"],
        "at": agent["at"],
    }
    assert room.told("stranger", "") == []


def test_frame_sent_twice_is_one_message(room: Room) -> None:
    """The id of the frame is its client id, by socket and by REST alike."""
    first = room.say("agent", "On its way", "same-frame-1")
    again = room.say("agent", "On its way", "same-frame-1")
    rest = room.agent.post(
        f"/chat/conversations/{room.id}/messages",
        {"text": "On its way", "client_id": "same-frame-1"},
    )
    assert first["data"]["seq"] == again["data"]["seq"] == rest.body["seq"] == 2
    assert rest.body["sender_role"] == "agent"
    assert len(room.told("customer")) == 1


def test_strangers_neither_speak_nor_read_nor_listen(room: Room) -> None:
    """Everything about a foreign conversation is not found."""
    for action, data in (
        ("chat.send", {"text": "psst"}),
        ("chat.read", {"seq": 1}),
        ("chat.typing", {}),
    ):
        answer = room.ask("stranger", action, conversation_id=room.id, **data)
        assert answer["error"]["code"] == "not_found"
    heard = room.ask("stranger", "sub.add", topic=f"conv:{room.id}")
    assert heard["error"]["code"] == "not_found"
    path = f"/chat/conversations/{room.id}"
    body = {"text": "psst", "client_id": "client-0009"}
    assert room.stranger.get(path).status == 404
    assert room.stranger.get(f"{path}/messages").status == 404
    assert room.stranger.post(f"{path}/messages", body).status == 404
    assert room.stranger.post(f"{path}/close").status == 404
    assert room.stranger.post(f"/admin{path}/assign").status == 403


def test_closed_conversation_takes_no_more_and_stays_closed(room: Room) -> None:
    """409 by REST, conversation_closed by socket; closing again is harmless."""
    path = f"/chat/conversations/{room.id}"
    for _ in range(2):
        closed = room.customer.post(f"{path}/close")
        assert (closed.status, closed.body["conversation"]["status"]) == (200, "CLOSED")
    assert room.say("agent", "Wait")["error"]["code"] == "conversation_closed"
    body = {"text": "Wait", "client_id": "client-0003"}
    assert room.agent.post(f"{path}/messages", body).code == "conversation_closed"
    assert room.agent.post(f"/admin{path}/assign").code == "conversation_closed"
    (state,) = room.told("agent", "chat.state")
    assert state["data"]["status"] == "CLOSED"
    desk = room.agent.get("/admin/chat/conversations?status=CLOSED&month=2026-03").body["items"]
    assert [one["id"] for one in desk] == [room.id]


def test_read_mark_goes_forward_only_and_is_told(room: Room) -> None:
    """Beyond the last message it stops there, backwards it does not move."""
    assert room.ask("agent", "chat.read", conversation_id=room.id, seq=9)["data"]["last_read"] == 1
    assert room.ask("agent", "chat.read", conversation_id=room.id, seq=0)["data"]["last_read"] == 1
    (told,) = room.told("customer", "chat.read")
    assert told["seq"] is None
    assert told["data"] == {
        "conversation_id": room.id,
        "user_id": room.agent.user_id,
        "seq": 1,
    }
    assert room.agent.get(f"/chat/conversations/{room.id}").body["last_read"] == 1


def test_typing_is_told_and_not_kept(room: Room) -> None:
    """The other side sees it, no row remembers it."""
    assert room.ask("customer", "chat.typing", conversation_id=room.id)["data"] == {}
    (told,) = room.gateway.pushes(room.sockets["agent"], "chat.typing")
    assert told["data"] == {"conversation_id": room.id, "user_id": room.customer.user_id}
    assert room.gateway.pushes(room.sockets["customer"], "chat.typing") == []


def test_reconnecting_client_gets_exactly_what_it_missed(room: Room) -> None:
    """In order, behind the subscription and before the ack."""
    room.gateway.disconnect(room.sockets["customer"])
    for number in range(2, 7):
        room.say("agent", f"line {number}")
    room.gateway.fan_out()
    url = room.customer.post("/chat/tickets").body["url"]
    room.sockets["customer"] = room.gateway.connect(url)
    answer = room.ask("customer", "sub.add", topic=f"conv:{room.id}", since=3)
    told = room.gateway.received[room.sockets["customer"]]
    assert [one.get("seq") for one in told] == [4, 5, 6, None]
    assert answer["data"] == {
        "topic": f"conv:{room.id}",
        "last_seq": 6,
        "replayed": 3,
        "complete": True,
    }


def test_two_hundred_messages_are_replayed_at_once(room: Room) -> None:
    """More than that is not complete, and the rest comes with a higher `since`."""
    # Written as rows: saying them one by one would take moto minutes.
    table = bare_client("dynamodb")
    for seq in range(2, 212):
        said = Message(room.id, seq, room.agent.user_id, Side.AGENT, f"line {seq}", "c" * 8, AT)
        table.put_item(TableName=LIVE, Item=to_item(message_row(said)))
    table.update_item(
        TableName=LIVE,
        Key={"pk": {"S": f"CONV#{room.id}"}, "sk": {"S": "META"}},
        UpdateExpression="SET last_seq = :n",
        ExpressionAttributeValues={":n": {"N": "211"}},
    )
    first = room.ask("customer", "sub.add", topic=f"conv:{room.id}", since=1)["data"]
    assert (first["replayed"], first["complete"], first["last_seq"]) == (200, False, 211)
    rest = room.ask("customer", "sub.add", topic=f"conv:{room.id}", since=201)["data"]
    assert (rest["replayed"], rest["complete"]) == (10, True)


def test_history_is_paged_by_number(room: Room) -> None:
    """`next` is the value for `after`, null at the end."""
    for number in range(2, 6):
        room.say("customer", f"line {number}")
    path = f"/chat/conversations/{room.id}/messages"
    page = room.agent.get(f"{path}?limit=3").body
    assert ([one["seq"] for one in page["items"]], page["next"]) == ([1, 2, 3], "3")
    rest = room.customer.get(f"{path}?after={page['next']}").body
    assert ([one["seq"] for one in rest["items"]], rest["next"]) == ([4, 5], None)


def test_desk_hears_of_every_change(room: Room) -> None:
    """Support follows the desk; the longest wait stands first."""
    assert room.ask("agent", "sub.add", topic="desk")["data"]["last_seq"] is None
    asked = {"subject": "Rug", "text": "Too red", "client_id": "client-0004"}
    second = room.stranger.post("/chat/conversations", asked).body["conversation"]
    (told,) = room.told("agent", "chat.state")
    assert (told["topic"], told["data"]["conversation_id"]) == ("desk", second["id"])
    waiting = room.agent.get("/admin/chat/conversations").body["items"]
    assert [one["id"] for one in waiting] == [second["id"]]
    taken = room.agent.get("/admin/chat/conversations?status=ASSIGNED").body["items"]
    assert [one["id"] for one in taken] == [room.id]


def test_gone_connection_is_forgotten_and_only_that_one(room: Room) -> None:
    """410 removes the rows of one connection; the others get their message."""
    room.clock.shift(timedelta(seconds=20))
    room.gateway.open.discard(room.sockets["customer"])
    room.say("agent", "Anybody?")
    assert len(room.told("agent")) == 1
    found = bare_client("dynamodb").scan(TableName=f"souk-{STAGE}-live")["Items"]
    left = {item["pk"]["S"] for item in found if item["pk"]["S"].startswith("CONN#")}
    expected = {room.sockets["agent"], room.sockets["stranger"]}
    assert left == {f"CONN#{one}" for one in expected}


def test_failing_connection_is_handed_over_and_keeps_its_rows(room: Room) -> None:
    """The room is not held up: what failed goes to the queue and arrives from there."""
    room.gateway.failing[room.sockets["customer"]] = 2
    room.say("agent", "Slowly")
    assert len(room.told("agent")) == 1
    assert room.gateway.pushes(room.sockets["customer"]) == []
    room.gateway.work_off_the_queue()
    (late,) = room.gateway.pushes(room.sockets["customer"])
    assert late["data"]["text"] == "Slowly"


def test_same_batch_again_is_told_again_and_changes_nothing(room: Room) -> None:
    """A repeated stream batch repeats pushes with the same numbers; clients drop them."""
    room.say("agent", "Once")
    room.gateway.fan_out()
    room.gateway.fan_out_again()
    told = room.gateway.pushes(room.sockets["customer"], "chat.message")
    assert [one["seq"] for one in told] == [2] * len(told)
    assert room.customer.get(f"/chat/conversations/{room.id}").body["last_seq"] == 2
