"""Sockets from the handshake to the last frame, with the app's own handlers and tables."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import time_machine

from chalicelib.aws.table import Table
from chalicelib.aws.tables import live_table
from chalicelib.aws.writes import Update
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.errors import RateLimited
from chalicelib.live.store import TableConnections
from tests.callers import Caller, signed_in
from tests.cloud import STAGE, bare_client, cloud
from tests.sockets import SocketGateway, socket_gateway

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def gateway() -> Iterator[SocketGateway]:
    """An AWS with tables, and the gateway of sockets."""
    with cloud(), socket_gateway() as made:
        yield made


def opened(gateway: SocketGateway, caller: Caller) -> str:
    """A new socket of a signed-in caller."""
    ticket = caller.post("/chat/tickets")
    assert ticket.status == 201, ticket.body
    connection_id = gateway.connect(ticket.body["url"])
    assert connection_id, gateway.refused
    return connection_id


def rows() -> list[str]:
    """The keys in the live table."""
    found = bare_client("dynamodb").scan(TableName=f"souk-{STAGE}-live")["Items"]
    return sorted(f"{item['pk']['S']}|{item['sk']['S']}" for item in found)


def test_ticket_opens_one_socket(gateway: SocketGateway) -> None:
    """A ticket is good once, and the connection hears its own user."""
    amina = signed_in()
    ticket = amina.post("/chat/tickets").body
    assert ticket["url"] == f"wss://sockets.example/v1?ticket={ticket['ticket']}"
    assert len(ticket["ticket"]) == 43
    first = gateway.connect(ticket["url"])
    assert f"TOPIC#user:{amina.user_id}|CONN#{first}" in rows()
    assert gateway.connect(ticket["url"]) == ""
    assert gateway.refused == 401
    assert gateway.posts == []


@pytest.mark.parametrize("url", ["wss://x/v1", "wss://x/v1?ticket=", "wss://x/v1?ticket=made-up"])
def test_without_a_good_ticket_nobody_gets_in(gateway: SocketGateway, url: str) -> None:
    """A missing, empty or unknown ticket is 401 and leaves no row."""
    assert gateway.connect(url) == ""
    assert gateway.refused == 401
    assert rows() == []


def test_ticket_expires_after_a_minute(gateway: SocketGateway) -> None:
    """A ticket of 61 seconds ago opens nothing."""
    with time_machine.travel(START, tick=False) as clock:
        url = signed_in().post("/chat/tickets").body["url"]
        clock.shift(timedelta(seconds=61))
        assert gateway.connect(url) == ""
        assert gateway.refused == 401


def test_foreign_page_is_refused_and_does_not_use_the_ticket_up(gateway: SocketGateway) -> None:
    """403 for an origin that is not on the list; the shop's own page gets in with the ticket."""
    url = signed_in().post("/chat/tickets").body["url"]
    assert gateway.connect(url, origin="https://evil.example") == ""
    assert gateway.refused == 403
    assert gateway.connect(url, origin="https://shop.example")


def test_ticket_of_an_ended_session_opens_nothing(gateway: SocketGateway) -> None:
    """Whoever is signed out between ticket and handshake stays out."""
    amina = signed_in()
    url = amina.post("/chat/tickets").body["url"]
    bare_client("dynamodb").update_item(
        TableName=f"souk-{STAGE}-core",
        Key={"pk": {"S": f"USER#{amina.user_id}"}, "sk": {"S": "PROFILE"}},
        UpdateExpression="SET sv = :sv",
        ExpressionAttributeValues={":sv": {"N": "2"}},
    )
    assert gateway.connect(url) == ""
    assert gateway.refused == 401


def test_sixth_socket_closes_the_oldest(gateway: SocketGateway) -> None:
    """Five sockets a user; the first of six is closed and forgotten, nobody else's is."""
    with time_machine.travel(START, tick=False) as clock:
        amina = signed_in()
        other = opened(gateway, signed_in())
        sockets = []
        for _ in range(6):
            clock.shift(timedelta(seconds=1))
            sockets.append(opened(gateway, amina))
        gateway.fan_out()
    assert gateway.open == {other, *sockets[1:]}
    assert f"CONN#{sockets[0]}|META" not in rows()


def test_disconnect_forgets_everything(gateway: SocketGateway) -> None:
    """Nothing of a closed connection is left but its user's other rows."""
    socket = opened(gateway, signed_in())
    gateway.ask(socket, "sub.add", topic="product:prd_01J00000000000000000000000")
    gateway.disconnect(socket)
    assert rows() == []


def test_ping_tells_the_time(gateway: SocketGateway) -> None:
    """One ack, with the id of the frame."""
    with time_machine.travel(START, tick=False):
        socket = opened(gateway, signed_in())
        answer = gateway.ask(socket, "ping", "ping-0001")
    assert answer == {
        "v": 1,
        "type": "ack",
        "re": "ping-0001",
        "data": {"now": "2026-03-01T12:00:00.000Z"},
    }


def test_sixth_frame_of_a_second_is_refused(gateway: SocketGateway) -> None:
    """Five frames a second, unreadable ones counted; the next second is free again."""
    with time_machine.travel(START, tick=False) as clock:
        socket = opened(gateway, signed_in())
        assert gateway.send(socket, "rubbish")["error"]["code"] == "malformed_json"
        answers = [gateway.ask(socket, "ping")["type"] for _ in range(5)]
        assert answers == ["ack", "ack", "ack", "ack", "error"]
        assert gateway.ask(socket, "ping")["error"]["code"] == "rate_limited"
        clock.shift(timedelta(seconds=1))
        assert gateway.ask(socket, "ping")["type"] == "ack"
    assert socket in gateway.open


class Overtaken:
    """A table where a frame beside this one is always first to begin the second."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, key: tuple[str, str]) -> Any:
        """As the table does."""
        return self._table.get(key)

    def change(self, update: Update) -> Any:
        """What begins a second is done twice, as if by two frames or after a lost reply."""
        if "count" in (update.set or {}):
            self._table.change(update)
        return self._table.change(update)


def test_two_frames_at_the_turn_of_a_second_are_both_carried_out(gateway: SocketGateway) -> None:
    """Whoever finds the second begun by the other is counted in it, and refused by no limit."""
    socket = opened(gateway, signed_in())
    table = cast("Table", Overtaken(live_table()))
    connections = TableConnections(table, f"souk-{STAGE}-core", SystemClock())
    window = int(time.time()) + 60
    for _ in range(4):
        found = connections.count_frame(socket, window, 5)
        assert found is not None
        assert found.id == socket
    with pytest.raises(RateLimited):
        connections.count_frame(socket, window, 5)


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("user:usr_01J00000000000000000000000", "not_found"),
        ("conv:cnv_01J00000000000000000000000", "not_found"),
        ("desk", "forbidden"),
        ("ops", "forbidden"),
        ("kitchen", "validation_failed"),
        ("product:ord_01J00000000000000000000000", "validation_failed"),
    ],
)
def test_foreign_topics_are_refused(gateway: SocketGateway, topic: str, code: str) -> None:
    """What is somebody else's is not there, what needs a scope is forbidden."""
    socket = opened(gateway, signed_in())
    assert gateway.ask(socket, "sub.add", topic=topic)["error"]["code"] == code


def test_twenty_topics_at_most(gateway: SocketGateway) -> None:
    """The own topic counts; the twentieth more is refused, and one left makes room."""
    with time_machine.travel(START, tick=False) as clock:
        socket = opened(gateway, signed_in())
        topics = [f"product:prd_{number:026d}" for number in range(20)]
        answers = []
        for topic in topics:
            clock.shift(timedelta(seconds=1))
            answers.append(gateway.ask(socket, "sub.add", topic=topic)["type"])
        assert answers == ["ack"] * 19 + ["error"]
        clock.shift(timedelta(seconds=1))
        assert gateway.ask(socket, "sub.remove", topic=topics[0])["data"] == {"topic": topics[0]}
        assert gateway.ask(socket, "sub.add", topic=topics[19])["type"] == "ack"


def test_frames_of_an_ended_session_are_refused(gateway: SocketGateway) -> None:
    """Rights are those of the moment, even before the socket is closed."""
    amina = signed_in()
    socket = opened(gateway, amina)
    bare_client("dynamodb").update_item(
        TableName=f"souk-{STAGE}-core",
        Key={"pk": {"S": f"USER#{amina.user_id}"}, "sk": {"S": "PROFILE"}},
        UpdateExpression="SET sv = :sv",
        ExpressionAttributeValues={":sv": {"N": "2"}},
    )
    topic = f"user:{amina.user_id}"
    assert gateway.ask(socket, "sub.add", topic=topic)["error"]["code"] == "forbidden"


def test_unknown_connection_gets_an_error_and_no_more(gateway: SocketGateway) -> None:
    """A frame of a connection that was forgotten is refused."""
    socket = opened(gateway, signed_in())
    gateway.disconnect(socket)
    gateway.open.add(socket)
    assert gateway.ask(socket, "ping")["error"]["code"] == "forbidden"
