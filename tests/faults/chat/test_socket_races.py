"""Two things at once in a room: no line lost or numbered twice, nobody gone who should stay."""

from collections.abc import Callable, Iterator

import pytest

from tests.faults.harness.clients import ClientModel, ClientSession, Request
from tests.faults.harness.fault_plan import FaultPlan
from tests.faults.harness.interleave import plans, run_together
from tests.faults.harness.substrate import ACCOUNT, REGION, wire_record
from tests.faults.harness.world import World
from tests.faults.use_cases.shop import FRONT, Shop
from tests.faults.use_cases.sockets import GRACE_S, HALL, LIVE, Guest, Room, Talk, sit_down

PLANS_MAX = 40
Side = Callable[[], object]


def seated(shop: Shop, *, is_open: bool = False) -> Room:
    """A fresh conversation with both sides connected; `is_open` leaves it to be taken over."""
    talk = Waiting() if is_open else Talk("race", sit_down, lambda _room: [])
    shop.world.begin(shop.runner.prepare(talk), FaultPlan())
    session: ClientSession = FRONT.session(shop.world, ClientModel.RETRIES)
    talk.play(session)
    (room,) = talk.rooms.values()
    return room


class Waiting(Talk):
    """A conversation that nobody has taken over."""

    def __init__(self) -> None:
        super().__init__("waiting", lambda _room: None, lambda _room: [])

    def set_up(self, world: World) -> None:
        """One question."""
        HALL.begin()
        asked = {"subject": "Lamp", "text": "Where is it?", "client_id": "client-0001"}
        session = FRONT.session(world, ClientModel.RETRIES)
        session.send(Request("POST", "/chat/conversations", asked, FRONT.customer))
        world.drain()


def raced(
    shop: Shop, sides: Callable[[Room], tuple[Side, Side]], *, is_open: bool = False
) -> Iterator[tuple[str, Room]]:
    """Every plan of two sides, each from the same state, run to its end."""
    lengths = []
    for side in (0, 1):
        room = seated(shop, is_open=is_open)
        before = len(shop.world.injector.calls)
        sides(room)[side]()
        lengths.append(len(shop.world.injector.calls) - before)
    for plan in plans(*lengths, count_max=PLANS_MAX, seed=4127):
        room = seated(shop, is_open=is_open)
        first, second = sides(room)
        run_together(shop.world, plan, {"a": first, "b": second})
        shop.world.settle()
        yield plan, room


def frame(guest: Guest, room: Room, text: str) -> Side:
    """One frame, handed to its function once."""
    body = (
        f'{{"v":1,"id":"frame-{text}-1","action":"chat.send",'
        f'"data":{{"conversation_id":"{room.id}","text":"{text}"}}}}'
    )
    return lambda: HALL.invoke("websocket_message", guest.connection, body=body)


@pytest.mark.timeout(900)
def test_two_say_something_at_once(shop: Shop) -> None:
    """Both lines are kept under numbers of their own, and both sides hear both."""
    broken = []
    for plan, room in raced(
        shop,
        lambda room: (frame(room.customer, room, "mine"), frame(room.agent, room, "yours")),
    ):
        heard = [sorted(guest.heard()) for guest in (room.customer, room.agent)]
        if room.messages() != [1, 2, 3] or heard != [[2, 3], [2, 3]]:
            broken.append((plan, room.messages(), heard))
    assert broken == []


@pytest.mark.timeout(900)
def test_assign_and_close_at_once(shop: Shop) -> None:
    """In whatever order: the conversation ends closed, at a version that counts both or one."""

    def sides(room: Room) -> tuple[Side, Side]:
        path = f"/chat/conversations/{room.id}"
        door = FRONT.door
        assert door is not None
        closing = Request("POST", f"{path}/close", None, FRONT.customer)
        taking = Request("POST", f"/admin{path}/assign", None, FRONT.staff)
        # Keys are read under a lock, which a side that waits for its turn would keep.
        door.send(Request("GET", path, None, FRONT.customer))
        return lambda: door.send(closing), lambda: door.send(taking)

    broken = []
    for plan, room in raced(shop, sides, is_open=True):
        (row,) = (one for one in room.rows("CONV#") if one["sk"] == "META")
        members = [one for one in room.rows("CONV#") if one["sk"].startswith("MEM#")]
        # Taken over and then closed, or closed before anybody took it.
        ended = (row["version"], len(members), "agent_id" in row)
        if row["status"] != "CLOSED" or ended not in {(3, 2, True), (2, 1, False)}:
            broken.append((plan, row["status"], ended))
    assert broken == []


@pytest.mark.timeout(900)
def test_disconnect_during_fan_out(shop: Shop) -> None:
    """Whoever leaves is forgotten wholly, whoever stays gets the line."""

    def sides(room: Room) -> tuple[Side, Side]:
        shop.world.clock.advance(GRACE_S)
        frame(room.agent, room, "news")()
        arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{LIVE}/stream/now"
        records = shop.world.substrate.stream(LIVE)[-10:]
        batch = [wire_record(one, arn) for one in records]
        new = [one for one in batch if one["dynamodb"]["Keys"]["sk"]["S"].startswith("MSG#")]
        return (
            room.customer.leave,
            lambda: shop.world.runtime.invoke(
                "chat_fanout", {"Records": new[-1:]}, identity="stream"
            ),
        )

    broken = []
    for plan, room in raced(shop, sides):
        left = [row["pk"] for row in room.rows("CONN#") if room.customer.connection in row["pk"]]
        listens = [r for r in room.rows("TOPIC#") if r["sk"] == f"CONN#{room.customer.connection}"]
        if left or listens or 2 not in room.agent.heard() or room.agent.connection not in HALL.open:
            broken.append((plan, left, listens, room.agent.heard()))
    assert broken == []
