"""Fan-out: order for each member, isolation of whoever fails, large rooms in parts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from chalicelib.live.fanout import (
    FanOutDeps,
    Posted,
    end_sockets,
    fan_out,
    keep_five,
    send_part,
)
from chalicelib.live.records import Payload, Push, Subscriber
from chalicelib.live.service import Standing

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LONG_AGO, JUST_NOW = "2026-03-01T11:00:00.000Z", "2026-03-01T11:59:59.000Z"
ROOM = "conv:cnv_01J00000000000000000000000"


class Inline:
    """An executor that runs one lane after the other."""

    def map(self, work: Any, lanes: Sequence[Any]) -> list[Any]:
        """One lane after the other."""
        return [work(lane) for lane in lanes]


@dataclass
class World:
    """Everybody who listens, what they got, and what goes wrong."""

    listeners: dict[str, list[Subscriber]] = field(default_factory=dict)
    got: dict[str, list[int]] = field(default_factory=dict)
    outcomes: dict[str, list[Posted]] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    parts: list[Mapping[str, Any]] = field(default_factory=list)
    live: frozenset[str] = frozenset()

    def subscribers(self, topic: str) -> Iterator[tuple[Subscriber, ...]]:
        """Who listens."""
        found = self.listeners.get(topic, [])
        for start in range(0, len(found), 400):
            yield tuple(found[start : start + 400])

    def connections_of(self, user_id: str) -> Sequence[Subscriber]:
        """The sockets of a user."""
        return self.listeners.get(f"user:{user_id}", [])

    def forget(self, connection_id: str) -> None:
        """Noted."""
        self.forgotten.append(connection_id)

    def post(self, _endpoint: str, connection_id: str, payload: Payload) -> Posted:
        """As planned, else delivered."""
        planned = self.outcomes.get(connection_id, [])
        outcome = planned.pop(0) if planned else Posted.DELIVERED
        if outcome is Posted.DELIVERED:
            self.got.setdefault(connection_id, []).append(json.loads(payload.body)["seq"])
        return outcome

    def close(self, _endpoint: str, connection_id: str) -> Posted:
        """Noted."""
        self.closed.append(connection_id)
        return Posted.DELIVERED

    def hand_over(self, part: Mapping[str, Any]) -> None:
        """Noted."""
        self.parts.append(part)

    def of(self, _user_id: str, _session_ids: Sequence[str]) -> Standing:
        """Which sessions are live."""
        return Standing("customer", self.live)

    def now(self) -> datetime:
        """Noon."""
        return NOW

    def deps(self) -> FanOutDeps:
        """The world as the fan-out sees it."""
        return FanOutDeps(
            audience=self,
            poster=self,
            remainder=self,
            standings=self,
            clock=self,
            lanes=cast("Executor", Inline()),
            measure=lambda _name, _value: None,
            sleep=lambda _seconds: None,
        )


def member(name: str, at: str = LONG_AGO, session: str = "ses_1") -> Subscriber:
    """A connection."""
    return Subscriber(name, "api.example/v1", "usr_1", session, at)


def lines(*numbers: int) -> list[Push]:
    """Messages of a room."""
    return [Push(ROOM, "chat.message", LONG_AGO, {}, seq) for seq in numbers]


def test_everybody_gets_every_line_in_order() -> None:
    """A batch of lines arrives in its order at each member."""
    world = World({ROOM: [member("a"), member("b")]})
    assert fan_out(lines(1, 2, 3), world.deps()) == 6
    assert world.got == {"a": [1, 2, 3], "b": [1, 2, 3]}


def test_gone_member_is_forgotten_and_nobody_else() -> None:
    """After a 410 nothing more is sent there."""
    world = World({ROOM: [member("a"), member("b")]}, outcomes={"a": [Posted.GONE]})
    fan_out(lines(1, 2), world.deps())
    assert (world.forgotten, world.got) == (["a"], {"b": [1, 2]})


def test_member_in_its_handshake_is_tried_again_instead() -> None:
    """The gateway does not know it yet; its rows stay and its line goes to the queue."""
    world = World({ROOM: [member("a", JUST_NOW)]}, outcomes={"a": [Posted.GONE]})
    fan_out(lines(1), world.deps())
    assert world.forgotten == []
    send_part(world.parts[0], world.deps())
    assert world.got == {"a": [1]}


def test_failing_member_is_handed_over_with_all_that_follows() -> None:
    """The others are not held up, and the order of its lines is kept."""
    world = World({ROOM: [member("a"), member("b")]})
    world.outcomes["a"] = [Posted.DELIVERED, Posted.FAILED]
    fan_out(lines(1, 2, 3), world.deps())
    assert world.got == {"a": [1], "b": [1, 2, 3]}
    send_part(world.parts[0], world.deps())
    assert world.got["a"] == [1, 2, 3]


def test_two_more_tries_then_it_is_left_to_resume() -> None:
    """What fails three times in all is not sent a fourth time, and its rows stay."""
    world = World({ROOM: [member("a")]}, outcomes={"a": [Posted.FAILED] * 3})
    fan_out(lines(1), world.deps())
    send_part(world.parts[0], world.deps())
    assert (world.got, len(world.parts), world.forgotten) == ({}, 1, [])
    assert world.outcomes["a"] == []


def test_large_room_is_split() -> None:
    """500 at once, the others through the queue, nobody twice."""
    world = World({ROOM: [member(f"c{number}") for number in range(1_203)]})
    fan_out(lines(7), world.deps())
    assert len(world.got) == 500
    for part in list(world.parts):
        assert len(part["members"]) <= 500
        send_part(part, world.deps())
    assert len(world.got) == 1_203
    assert all(numbers == [7] for numbers in world.got.values())


def test_sockets_of_ended_sessions_are_closed_and_no_other() -> None:
    """By session, whatever the connection."""
    topic = "user:usr_1"
    world = World({topic: [member("a", session="over"), member("b", session="live")]})
    world.live = frozenset({"live"})
    assert end_sockets("usr_1", world.deps()) == 1
    assert (world.closed, world.forgotten) == (["a"], ["a"])


def test_oldest_beyond_five_are_closed() -> None:
    """The newest five stay."""
    ages = [f"2026-03-01T11:00:0{number}.000Z" for number in range(7)]
    sockets = [member(f"c{number}", at) for number, at in enumerate(ages)]
    world = World({"user:usr_1": sockets})
    assert keep_five("usr_1", world.deps()) == 2
    assert world.closed == ["c0", "c1"]
