"""Clients of the shop: how people and machines react when an answer does not come."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from tests.faults.harness.world import World

TRIES_MAX = 4
REQUEST_TIMEOUT_S = 29
PAUSE_S = 1
SKEW_S = -20.0
AGAIN = frozenset({429, 500, 502, 503, 504})


class ClientModel(StrEnum):
    """The client models; the first is the default."""

    RETRIES = "retry-key"
    GIVES_UP = "gives-up"
    NEW_KEY = "new-key"
    DOUBLE_CLICK = "double-click"
    SKEWED = "skewed"


@dataclass(frozen=True, slots=True)
class Request:
    """One intention of a client."""

    method: str
    path: str
    body: Any = None
    token: str | None = None
    key: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; status 0 stands for no answer at all."""

    status: int
    text: str = ""
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_accepted(self) -> bool:
        """Whether the shop has promised the effect."""
        return 200 <= self.status < 300

    @property
    def is_final(self) -> bool:
        """Whether asking again with the same key would be pointless."""
        code = self.body.get("error", {}).get("code") if isinstance(self.body, dict) else None
        return (
            self.status != 0
            and self.status not in AGAIN
            and not (self.status == 409 and code == "idempotency_in_progress")
        )


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as sent, with its reply."""

    request: Request
    reply: Reply
    at_s: float


class Door(Protocol):
    """The way into the shop: REST, or a plain invocation for toys."""

    def send(self, request: Request) -> Reply:
        """Send once; status 0 when no answer comes."""


class ClientSession:
    """Sends requests the way its model does, and keeps the history for the checkers."""

    def __init__(self, world: World, door: Door, model: ClientModel) -> None:
        self.world, self.model = world, model
        self._door = door
        self.history: list[Exchange] = []
        self.started_s = world.clock.now()

    def send(self, request: Request) -> Reply:
        """Carry out one intention; the last reply, status 0 if none ever came."""
        runtime = self.world.runtime
        runtime.skew_s = SKEW_S if self.model is ClientModel.SKEWED else 0.0
        try:
            return self._send(request)
        finally:
            runtime.skew_s = 0.0

    def _send(self, request: Request) -> Reply:
        match self.model:
            case ClientModel.GIVES_UP:
                return self._once(request)
            case ClientModel.DOUBLE_CLICK:
                first = self._until_final(request, new_key=False)
                second = self._once(request)
                return first if first.is_final else second
            case model:
                return self._until_final(request, new_key=model is ClientModel.NEW_KEY)

    def _until_final(self, request: Request, *, new_key: bool) -> Reply:
        reply = self._once(request)
        for attempt in range(2, TRIES_MAX + 1):
            if reply.is_final:
                break
            self.world.clock.advance(PAUSE_S)
            if new_key and request.key is not None:
                request = replace(request, key=f"{request.key}-again{attempt}")
            reply = self._once(request)
        return reply

    def _once(self, request: Request) -> Reply:
        reply = self._door.send(request)
        if reply.status in {0, 504}:
            self.world.clock.advance(REQUEST_TIMEOUT_S if reply.status else PAUSE_S)
        self.history.append(Exchange(request, reply, self.world.clock.now()))
        return reply


def replays_differ(history: list[Exchange]) -> list[str]:
    """I6: accepted replies to one key are equal byte for byte."""
    seen: dict[tuple[str, str, str | None, str | None], str] = {}
    broken = []
    for exchange in history:
        request, reply = exchange.request, exchange.reply
        if request.key is None or not reply.is_accepted:
            continue
        identity = (request.method, request.path, request.token, request.key)
        if seen.setdefault(identity, reply.text) != reply.text:
            broken.append(f"I6 {request.method} {request.path}: replay differs")
    return broken
