"""A raw socket: any bytes go out, every frame that comes in is kept."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import websockets

from local.shop import Shop

WITHIN_S: Final = 20.0
# Five frames a second and connection are allowed.
PAUSE_S: Final = 0.25
Frame = dict[str, Any]


class Line:
    """One open socket of a caller."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.frames: list[Frame] = []
        self._numbers = itertools.count(1)
        self._name = uuid.uuid4().hex
        self._news = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for written in self.socket:
                self.frames.append(json.loads(written))
                self._news.set()
        self._news.set()

    async def until(self, wanted: Callable[[Frame], bool], within_s: float = WITHIN_S) -> Frame:
        """The first frame that came or comes and is wanted."""
        async with asyncio.timeout(within_s):
            while True:
                self._news.clear()
                found = next((frame for frame in self.frames if wanted(frame)), None)
                if found is not None:
                    return found
                await self._news.wait()

    async def ended(self) -> int | None:
        """Wait until the other side has closed; the close code."""
        async with asyncio.timeout(WITHIN_S):
            await self._reader
        return self.socket.close_code

    async def answer_to(self, sent: str | bytes, re: str | None) -> Frame:
        """The one answer to something that was sent as it is."""
        before = len(self.frames)
        await asyncio.sleep(PAUSE_S)
        await self.socket.send(sent)
        answer = await self.until(
            lambda frame: "re" in frame and frame["re"] == re and self._is_new(frame, before)
        )
        assert answer["v"] == 1
        return answer

    def _is_new(self, frame: Frame, before: int) -> bool:
        return any(frame is one for one in self.frames[before:])

    async def ask(self, action: str, frame_id: str | None = None, **data: Any) -> Frame:
        """The answer to a frame."""
        frame_id = frame_id or f"{self._name}-{next(self._numbers)}"
        frame = {"v": 1, "id": frame_id, "action": action, "data": data}
        return await self.answer_to(json.dumps(frame), frame_id)

    async def ack(self, action: str, **data: Any) -> Any:
        """The data of an ack."""
        answer = await self.ask(action, **data)
        assert answer["type"] == "ack", answer
        assert set(answer) == {"v", "type", "re", "data"}
        return answer["data"]

    async def refused(self, code: str, action: str, **data: Any) -> Frame:
        """An error with this code."""
        return refusal(await self.ask(action, **data), code)

    async def push(self, kind: str, about: Callable[[Any], bool] = bool) -> Frame:
        """The first push of a type whose data is wanted."""
        return await self.until(lambda one: one.get("type") == kind and about(one["data"]))

    def pushed(self, kind: str) -> list[Frame]:
        """The pushes of a type that have come."""
        return [frame for frame in self.frames if frame.get("type") == kind]


def refusal(answer: Frame, code: str) -> Frame:
    """Check the shape of an error frame."""
    assert answer["type"] == "error", answer
    assert set(answer) == {"v", "type", "re", "error"}
    expected = {"code", "message", "request_id"}
    if code == "validation_failed":
        expected |= {"fields"}
    assert set(answer["error"]) == expected, answer
    assert answer["error"]["code"] == code
    return answer


def url_for(caller: Shop) -> str:
    """A fresh address to connect to."""
    made = caller.ask("POST", "/chat/tickets", None, expect=201)
    return str(made["url"])


@contextlib.asynccontextmanager
async def line(caller: Shop) -> AsyncIterator[Line]:
    """A socket of a caller, closed afterwards."""
    address = await asyncio.to_thread(url_for, caller)
    async with websockets.connect(address, open_timeout=WITHIN_S) as socket:
        yield Line(socket)


async def status_of(url: str, **options: Any) -> int:
    """What a handshake is answered with."""
    try:
        async with websockets.connect(url, open_timeout=WITHIN_S, **options):
            return 101
    except websockets.InvalidStatus as refused:
        return refused.response.status_code


async def off_loop(caller: Shop, method: str, path: str, body: object = None, **more: Any) -> Any:
    """A REST request while sockets stay answered."""
    asked: Awaitable[Any] = asyncio.to_thread(caller.ask, method, path, body, **more)
    return await asked
