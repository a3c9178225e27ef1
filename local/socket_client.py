"""A socket of a signed-in caller: asks and waits for the answer, keeps what is pushed."""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from typing import TYPE_CHECKING, Any, Self

import websockets

if TYPE_CHECKING:
    from local.shop import Shop

ANSWER_MAX_S = 20.0
Frame = dict[str, Any]


class FrameRefused(RuntimeError):
    """The shop answered a frame with an error."""

    def __init__(self, frame: Frame) -> None:
        self.code: str = frame["error"]["code"]
        super().__init__(f"{self.code}: {frame['error']['message']}")


class LiveSocket:
    """One open socket; `pushed` gets every push in the order of arrival."""

    def __init__(self, caller: Shop) -> None:
        self.caller = caller
        self.pushed: asyncio.Queue[Frame] = asyncio.Queue()
        self.received: list[Frame] = []
        self._answers: dict[str, asyncio.Future[Frame]] = {}
        self._numbers = itertools.count(1)
        self._name = uuid.uuid4().hex[:8]
        self._reader: asyncio.Task[None] | None = None
        self._socket: Any = None

    async def open(self) -> Self:
        """Get a ticket and connect with it."""
        ticket = await asyncio.to_thread(self.caller.ask, "POST", "/chat/tickets", None, expect=201)
        self._socket = await websockets.connect(ticket["url"], open_timeout=ANSWER_MAX_S)
        self._reader = asyncio.create_task(self._read())
        return self

    async def close(self) -> None:
        """Leave."""
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await self._reader

    async def closed(self) -> None:
        """Wait until the other side has closed."""
        if self._reader is not None:
            await self._reader

    async def __aenter__(self) -> Self:
        """Open."""
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()

    async def _read(self) -> None:
        try:
            async for written in self._socket:
                frame: Frame = json.loads(written)
                waiting = self._answers.pop(str(frame.get("re")), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(frame)
                elif "re" not in frame:
                    self.received.append(frame)
                    self.pushed.put_nowait(frame)
        except websockets.ConnectionClosed:
            return

    async def ask(self, action: str, frame_id: str | None = None, **data: Any) -> Any:
        """Send a frame; the data of its ack, or FrameRefused (Any: JSON)."""
        frame_id = frame_id or f"{self._name}-{next(self._numbers)}"
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._answers[frame_id] = answer
        frame = {"v": 1, "id": frame_id, "action": action, "data": data}
        await self._socket.send(json.dumps(frame))
        got = await asyncio.wait_for(answer, ANSWER_MAX_S)
        if got["type"] == "error":
            raise FrameRefused(got)
        return got["data"]

    async def next_push(self, kind: str, *, within_s: float = ANSWER_MAX_S) -> Frame:
        """The next push of a type; others that come before it are skipped."""
        async with asyncio.timeout(within_s):
            while True:
                frame = await self.pushed.get()
                if frame["type"] == kind:
                    return frame
