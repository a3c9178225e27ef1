"""Sockets in the simulated world: a gateway played from here, and what people do through it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from tests.faults.harness.clients import ClientModel, ClientSession, Reply, Request
from tests.faults.harness.fault_plan import Unanswered
from tests.faults.harness.world import World
from tests.faults.use_cases.shop import CORE, FRONT, STAGE

LIVE = f"souk-{STAGE}-live"
HANDLERS = {
    "websocket_connect": "chalicelib.live.events.websocket_connect",
    "websocket_disconnect": "chalicelib.live.events.websocket_disconnect",
    "websocket_message": "chalicelib.chat.events.websocket_message",
}
TRIES = 4
GRACE_S = 30
GONE, FINE, FAILED = "gone", "delivered", "failed"


@dataclass
class Hall:
    """The gateway: who is connected, and what each connection was sent."""

    world: World | None = None
    open: set[str] = field(default_factory=set)
    received: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    made: int = 0

    def begin(self) -> None:
        """Nobody is connected."""
        self.open, self.received, self.made = set(), {}, 0

    def install(self, world: World) -> None:
        """Let what handlers post end here, as calls that can fail like any other."""
        self.world = world
        world.runtime.handlers.update(HANDLERS)
        world.mutations.after_import("chalicelib.live.posting", self._wrap_poster)
        world.mutations.after_import("chalicelib.live.front", _one_lane)

    def _wrap_poster(self, module: ModuleType) -> None:
        def ask(_poster: Any, method: str, _endpoint: str, connection: str, payload: Any) -> Any:
            assert self.world is not None
            operation = "PostToConnection" if method == "POST" else "DeleteConnection"
            try:
                answer = self.world.injector.outside(
                    operation, "sockets", lambda: self.manage(method, connection, payload.body)
                )
            except Unanswered:
                answer = FAILED
            return module.Posted(answer)

        module.SignedPoster._ask = ask

    def manage(self, method: str, connection: str, body: bytes) -> str:
        """The management API."""
        if connection not in self.open:
            return GONE
        if method == "DELETE":
            self.open.discard(connection)
        else:
            self.received[connection].append(json.loads(body))
        return FINE

    def invoke(self, function: str, connection: str, **event: Any) -> Any:
        """One event of the gateway; None if no answer came."""
        assert self.world is not None
        context = {
            "connectionId": connection,
            "domainName": "sockets.example",
            "stage": "v1",
            "apiId": "api",
            "requestId": "request",
        }
        outcome = self.world.runtime.invoke(
            function,
            {"requestContext": context, "body": "", "isBase64Encoded": False, **event},
            identity=f"{function}:{connection}:{event.get('body', '')}",
            in_request=True,
        )
        return outcome.value if outcome.is_success else None


class _InlineLanes:
    """One lane after the other on the handler's own thread, where faults can reach it."""

    def map(self, work: Callable[[Any], Any], lanes: Any) -> list[Any]:
        """As an executor does."""
        return [work(lane) for lane in lanes]


def _one_lane(module: ModuleType) -> None:
    module.lanes = _InlineLanes  # type: ignore[attr-defined]


HALL = Hall()


@dataclass(slots=True)
class Guest:
    """Somebody with a socket, who asks again when no answer comes."""

    session: ClientSession
    token: str
    connection: str = ""
    frames: int = 0
    seen: dict[str, set[int]] = field(default_factory=dict)

    def connect(self) -> bool:
        """Get a ticket and open a socket, with a new ticket each time it fails."""
        for _ in range(TRIES):
            reply = self.send("POST", "/chat/tickets")
            if reply.is_accepted:
                HALL.made += 1
                connection = f"conn{HALL.made:03d}"
                answer = HALL.invoke(
                    "websocket_connect",
                    connection,
                    headers={},
                    queryStringParameters={"ticket": reply.body["ticket"]},
                )
                if answer is not None and answer["statusCode"] == 200:
                    HALL.open.add(connection)
                    HALL.received[connection] = []
                    self.connection = connection
                    return True
            self.session.world.clock.advance(1)
        return False

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        """One REST request."""
        return self.session.send(Request(method, path, body, self.token))

    def ask(self, action: str, **data: Any) -> dict[str, Any] | None:
        """One frame, sent again under its id until it is answered."""
        self.frames += 1
        frame = {"v": 1, "id": f"frame-{self.frames:05d}", "action": action, "data": data}
        answer = None
        for _ in range(TRIES):
            before = len(HALL.received[self.connection])
            HALL.invoke("websocket_message", self.connection, body=json.dumps(frame))
            self.session.world.clock.advance(1)
            fresh = HALL.received[self.connection][before:]
            answer = next((one for one in fresh if one.get("re") == frame["id"]), answer)
            code = answer["error"]["code"] if answer and answer["type"] == "error" else None
            if answer is not None and code not in {"internal", "unavailable"}:
                return answer
        return answer

    def leave(self) -> None:
        """Close the socket; the gateway tells once, whatever comes of it."""
        HALL.open.discard(self.connection)
        HALL.invoke("websocket_disconnect", self.connection)

    def heard(self, kind: str = "chat.message") -> list[int]:
        """The numbers of what was pushed, in order of arrival, repeats dropped."""
        found: list[int] = []
        for frame in HALL.received.get(self.connection, []):
            if frame.get("type") == kind and frame["seq"] not in found:
                found.append(frame["seq"])
        return found


@dataclass(slots=True)
class Room:
    """A conversation of the customer with the desk, and everybody's sockets."""

    session: ClientSession
    customer: Guest
    agent: Guest
    id: str = ""

    @property
    def world(self) -> World:
        """Where it happens."""
        return self.session.world

    def rows(self, prefix: str) -> list[dict[str, Any]]:
        """Raw rows of the live table."""
        return [row for row in self.world.substrate.rows(LIVE) if row["pk"].startswith(prefix)]

    def messages(self) -> list[int]:
        """The stored numbers."""
        found = self.rows(f"CONV#{self.id}")
        return sorted(int(row["seq"]) for row in found if row["sk"].startswith("MSG#"))


@dataclass(frozen=True, slots=True)
class Talk:
    """One use case: what is done in a room, and what must hold at rest."""

    name: str
    steps: Callable[[Room], None]
    holds: Callable[[Room], list[str]]
    rooms: dict[int, Room] = field(default_factory=dict)

    def set_up(self, world: World) -> None:
        """Rows only: sockets do not outlive a run."""
        HALL.begin()
        asked = {"subject": "Lamp", "text": "Where is it?", "client_id": "client-0001"}
        session = FRONT.session(world, ClientModel.RETRIES)
        begun = session.send(Request("POST", "/chat/conversations", asked, FRONT.customer))
        path = f"/admin/chat/conversations/{begun.body['conversation']['id']}/assign"
        session.send(Request("POST", path, None, FRONT.staff))
        world.drain()

    def play(self, session: ClientSession) -> None:
        """Steps with fresh sockets."""
        HALL.begin()
        room = Room(session, Guest(session, FRONT.customer), Guest(session, FRONT.staff))
        rows = session.world.substrate.rows(LIVE)
        room.id = next(r["id"] for r in rows if r["pk"].startswith("CONV#") and r["sk"] == "META")
        self.rooms.clear()
        self.rooms[id(session)] = room
        self.steps(room)

    def expected(self, session: ClientSession) -> list[str]:
        """I13, and what the use case itself says."""
        room = self.rooms[id(session)]
        found = [f"{self.name}: {text}" for text in self.holds(room)]
        numbers = room.messages()
        if numbers != list(range(1, len(numbers) + 1)):
            found.append(f"I13 numbers {numbers}")
        for frames in HALL.received.values():
            topics = {one["topic"] for one in frames if "topic" in one}
            if any(topic.startswith("conv:") and topic[5:] != room.id for topic in topics):
                found.append("I13 told to a stranger")
        rows = {row["pk"] for row in room.rows("CONN#")}
        found += [f"I13 {one} is forgotten" for one in HALL.open if f"CONN#{one}" not in rows]
        return found


def sit_down(room: Room) -> None:
    """Both sides connect and listen."""
    for guest in (room.customer, room.agent):
        if guest.connect():
            guest.ask("sub.add", topic=f"conv:{room.id}")
    room.world.drain(1)
    room.world.clock.advance(GRACE_S)


def _connect(room: Room) -> None:
    room.customer.connect()


def _connected(room: Room) -> list[str]:
    guest = room.customer
    if not guest.connection:
        return ["nobody got in"]
    rows = {(row["pk"], row["sk"]) for row in room.world.substrate.rows(LIVE)}
    topic = next(sk[4:] for pk, sk in rows if pk == f"CONN#{guest.connection}" and sk[:4] == "SUB#")
    wanted = {
        (f"CONN#{guest.connection}", "META"),
        (f"TOPIC#{topic}", f"CONN#{guest.connection}"),
    }
    return [] if wanted <= rows else [f"rows missing: {wanted - rows}"]


def _say(room: Room) -> None:
    sit_down(room)
    room.customer.ask("chat.send", conversation_id=room.id, text="Hello?")


def _fan_out(room: Room) -> None:
    sit_down(room)
    path = f"/chat/conversations/{room.id}/messages"
    body = {"text": "On its way", "client_id": "client-0002"}
    room.agent.send("POST", path, body)


def _told(room: Room) -> list[str]:
    if room.messages() != [1, 2]:
        return [f"stored {room.messages()}"]
    return [
        f"{guest.connection} heard {guest.heard()}"
        for guest in (room.customer, room.agent)
        if guest.heard() != [2]
    ]


def _leave(room: Room) -> None:
    sit_down(room)
    room.customer.leave()
    room.world.drain(1)
    room.agent.ask("chat.send", conversation_id=room.id, text="Anybody?")


def _left(room: Room) -> list[str]:
    found = [] if room.agent.heard() == [2] else [f"the agent heard {room.agent.heard()}"]
    gone = room.customer.connection
    topic = f"TOPIC#conv:{room.id}"
    if any(row["sk"] == f"CONN#{gone}" for row in room.rows(topic)):
        found.append("a closed connection still listens to the room")
    return found


def _resume(room: Room) -> None:
    sit_down(room)
    room.customer.leave()
    for number in (2, 3):
        room.agent.ask("chat.send", conversation_id=room.id, text=f"line {number}")
    room.world.drain(1)
    room.customer.connect()
    room.customer.ask("sub.add", topic=f"conv:{room.id}", since=1)


def _resumed(room: Room) -> list[str]:
    heard = room.customer.heard()
    return [] if heard == [2, 3] else [f"heard {heard}"]


def _push(room: Room) -> None:
    sit_down(room)
    room.customer.send("POST", "/users/logout")


def _pushed(room: Room) -> list[str]:
    found = []
    frames = HALL.received.get(room.customer.connection, [])
    told = [one["seq"] for one in frames if one.get("type") == "session.revoked"]
    if set(told) != {1}:
        found.append(f"session.revoked told as {told}")
    if room.customer.connection in HALL.open:
        found.append("the socket of an ended session is open")
    if room.agent.connection not in HALL.open:
        found.append("somebody else's socket was closed")
    seen = [row for row in room.world.substrate.rows(CORE) if row["pk"].startswith("SEEN#notify_l")]
    events = [row for row in room.rows("TOPIC#") if row["sk"].startswith("EV#")]
    if len(seen) != len(events):
        found.append(f"{len(events)} pushes of {len(seen)} events")
    return found


USE_CASES = (
    Talk("socket_connect", _connect, _connected),
    Talk("socket_send", _say, _told),
    Talk("socket_fan_out", _fan_out, _told),
    Talk("socket_disconnect", _leave, _left),
    Talk("socket_resume", _resume, _resumed),
    Talk("socket_push", _push, _pushed),
)
