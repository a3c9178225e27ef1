"""Fan-out: each push to everybody who listens, the members of a room side by side.

A member who is gone is forgotten, nobody else is touched. A member who cannot be reached now is
handed over with all that follows for it, and tried twice more behind the room's back; after that
it is left to catch up by itself. So one slow member never holds up a room. The part of a room
above 500 members is handed over too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from chalicelib.kernel.clock import Clock, instant, later
from chalicelib.live.records import HANDSHAKE_S, SOCKETS_MAX, Payload, Push, Subscriber
from chalicelib.live.service import Standings

ROOM_MAX: Final = 500
TRIES_AFTER_FAILURE: Final = 2
TRIES: Final = 3
PART_BYTES_MAX: Final = 48 * 1024
PAUSE_S: Final = 0.2


class Posted(StrEnum):
    """What became of one message to one connection."""

    DELIVERED = "delivered"
    GONE = "gone"
    FAILED = "failed"


class Poster(Protocol):
    """Sends to connections and closes them."""

    def post(self, endpoint: str, connection_id: str, payload: Payload) -> Posted:
        """Send once."""
        ...

    def close(self, endpoint: str, connection_id: str) -> Posted:
        """Close; GONE if it was closed before."""
        ...


class Audience(Protocol):
    """Who listens."""

    def subscribers(self, topic: str) -> Iterator[tuple[Subscriber, ...]]:
        """Who listens to a topic, in groups."""
        ...

    def connections_of(self, user_id: str) -> Sequence[Subscriber]:
        """The sockets of a user, the oldest first."""
        ...

    def forget(self, connection_id: str) -> None:
        """Remove a connection and its subscriptions."""
        ...


class Remainder(Protocol):
    """Takes what is sent later, by somebody else."""

    def hand_over(self, part: Mapping[str, Any]) -> None:  # Any: JSON
        """Keep a part of a fan-out for `send_part`."""
        ...


@dataclass(frozen=True, slots=True)
class FanOutDeps:
    """Everything a fan-out touches."""

    audience: Audience
    poster: Poster
    remainder: Remainder
    standings: Standings
    clock: Clock
    lanes: Executor
    measure: Callable[[str, int], None]
    sleep: Callable[[float], None]


@dataclass(slots=True)
class _Lane:
    """What one connection is sent, in order."""

    subscriber: Subscriber
    payloads: list[Payload] = field(default_factory=list)
    tries: int = 1
    delivered: int = 0
    ended: Posted = Posted.DELIVERED


def fan_out(
    pushes: Sequence[Push], deps: FanOutDeps, *, but: str | None = None, tries: int = 1
) -> int:
    """Send pushes, oldest first, to whoever listens now; how many messages arrived.

    `but` names the connection whose own doing it is and that need not be told. With more than
    one of `tries` nothing is handed over: what must be told now is tried again on the spot.
    """
    lanes: dict[str, _Lane] = {}
    by_topic: dict[str, list[Payload]] = {}
    for push in pushes:
        by_topic.setdefault(push.topic, []).append(Payload.of(push.frame()))
    for topic, payloads in by_topic.items():
        for subscriber in _present(topic, payloads, deps):
            if subscriber.connection_id != but:
                lane = lanes.setdefault(subscriber.connection_id, _Lane(subscriber, tries=tries))
                lane.payloads += payloads
    return _run(list(lanes.values()), deps)


def _present(topic: str, payloads: Sequence[Payload], deps: FanOutDeps) -> list[Subscriber]:
    """The first 500 who listen; the rest of the room is handed over."""
    first: list[Subscriber] = []
    for group in deps.audience.subscribers(topic):
        room = ROOM_MAX - len(first)
        first += group[:room]
        if len(group) > room:
            _hand_over([(one, payloads) for one in group[room:]], TRIES, deps)
    return first


def _run(lanes: Sequence[_Lane], deps: FanOutDeps) -> int:
    finished = list(deps.lanes.map(lambda lane: _send(lane, deps), lanes))
    for lane in finished:
        if lane.ended is Posted.GONE:
            deps.audience.forget(lane.subscriber.connection_id)
    failed = [
        (lane.subscriber, lane.payloads[lane.delivered :])
        for lane in finished
        if lane.ended is Posted.FAILED and lane.tries == 1
    ]
    _hand_over(failed, TRIES_AFTER_FAILURE, deps)
    delivered = sum(lane.delivered for lane in finished)
    if finished:
        deps.measure("SocketMessages", delivered)
    return delivered


def _send(lane: _Lane, deps: FanOutDeps) -> _Lane:
    for payload in lane.payloads:
        lane.ended = _try(lane, payload, deps)
        if lane.ended is not Posted.DELIVERED:
            break
        lane.delivered += 1
    return lane


def _try(lane: _Lane, payload: Payload, deps: FanOutDeps) -> Posted:
    one = lane.subscriber
    outcome = Posted.FAILED
    for attempt in range(lane.tries):
        if attempt:
            deps.sleep(PAUSE_S)
        outcome = deps.poster.post(one.endpoint, one.connection_id, payload)
        if outcome is Posted.GONE and _is_arriving(one, deps):
            outcome = Posted.FAILED
        if outcome is not Posted.FAILED:
            break
    return outcome


def _is_arriving(subscriber: Subscriber, deps: FanOutDeps) -> bool:
    """Its rows are written before the handshake ends, and until then nobody is there."""
    return subscriber.connected_at > instant(later(deps.clock.now(), -HANDSHAKE_S))


def _hand_over(
    behind: Sequence[tuple[Subscriber, Sequence[Payload]]], tries: int, deps: FanOutDeps
) -> None:
    by_payloads: dict[tuple[bytes, ...], list[Subscriber]] = {}
    for subscriber, payloads in behind:
        for some in _within_bytes([payload.body for payload in payloads]):
            by_payloads.setdefault(some, []).append(subscriber)
    for bodies, members in by_payloads.items():
        for start in range(0, len(members), ROOM_MAX):
            told = [
                [one.connection_id, one.endpoint, one.connected_at]
                for one in members[start : start + ROOM_MAX]
            ]
            frames = [body.decode() for body in bodies]
            deps.remainder.hand_over({"members": told, "frames": frames, "tries": tries})


def _within_bytes(bodies: Sequence[bytes]) -> Iterator[tuple[bytes, ...]]:
    some: list[bytes] = []
    size = 0
    for body in bodies:
        if some and size + len(body) > PART_BYTES_MAX:
            yield tuple(some)
            some, size = [], 0
        some.append(body)
        size += len(body)
    if some:
        yield tuple(some)


def send_part(part: Mapping[str, Any], deps: FanOutDeps) -> int:  # Any: JSON
    """Send what was handed over; who cannot be reached even now catches up by itself."""
    payloads = [Payload.written(frame) for frame in part["frames"]]
    tries = max(TRIES_AFTER_FAILURE, int(part["tries"]))
    lanes = [
        _Lane(Subscriber(connection_id, endpoint, "", "", connected_at), payloads, tries)
        for connection_id, endpoint, connected_at in part["members"]
    ]
    return _run(lanes, deps)


def end_sockets(user_id: str, deps: FanOutDeps) -> int:
    """Close the sockets of a user whose sessions are over, and no other; how many."""
    sockets = _sockets_of(user_id, deps)
    standing = deps.standings.of(user_id, [one.session_id for one in sockets])
    live = standing.live_sessions if standing else frozenset[str]()
    return _close([one for one in sockets if one.session_id not in live], deps)


def keep_five(user_id: str, deps: FanOutDeps) -> int:
    """Close the oldest sockets of a user beyond the fifth; how many."""
    sockets = _sockets_of(user_id, deps)
    return _close(sockets[: max(0, len(sockets) - SOCKETS_MAX)], deps)


def _sockets_of(user_id: str, deps: FanOutDeps) -> list[Subscriber]:
    """By index and by own topic: the first may lag, the second can be left."""
    found = {one.connection_id: one for one in deps.audience.connections_of(user_id)}
    for group in deps.audience.subscribers(f"user:{user_id}"):
        found |= {one.connection_id: one for one in group}
    return sorted(found.values(), key=lambda one: (one.connected_at, one.connection_id))


def _close(sockets: Sequence[Subscriber], deps: FanOutDeps) -> int:
    for one in sockets:
        if deps.poster.close(one.endpoint, one.connection_id) is Posted.FAILED:
            # Once more; if that fails as well, its frames are refused and the gateway ends it.
            deps.poster.close(one.endpoint, one.connection_id)
        deps.audience.forget(one.connection_id)
    return len(sockets)
