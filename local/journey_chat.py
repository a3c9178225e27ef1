"""The part of the buyer journey in which buyer and support talk."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any, Final

from local.journey_cast import Journey, expect
from local.socket_client import LiveSocket

if TYPE_CHECKING:
    from local.shop import Shop

PATIENCE_S: Final = 20.0


def talk(journey: Journey) -> None:
    """12 The buyer asks, support answers; a lost connection misses nothing."""
    asyncio.run(_talk(journey, journey.buyer, journey.member("support")))


async def _talk(journey: Journey, buyer: Shop, support: Shop) -> None:
    room = await asyncio.to_thread(_ask, buyer)
    async with LiveSocket(support) as desk:
        side = await LiveSocket(buyer).open()
        for socket in (side, desk):
            await socket.ask("sub.add", topic=f"conv:{room}")
        path = f"/admin/chat/conversations/{room}/assign"
        await asyncio.to_thread(support.ask, "POST", path)
        journey.tell("buyer: Where is my lamp?   (support takes the conversation)")
        await desk.ask("chat.send", conversation_id=room, text="On its way!")
        await side.ask("chat.send", conversation_id=room, text="Thank you.")
        for socket in (side, desk):
            expect(await _numbers(socket, 3) == [2, 3], "a message came twice or out of order")
        journey.tell("support: On its way!  buyer: Thank you.   (each side got each line once)")
        await side.close()
        await desk.ask("chat.send", conversation_id=room, text="Anything else?")
        async with LiveSocket(buyer) as back:
            caught_up = await back.ask("sub.add", topic=f"conv:{room}", since=3)
            expect(await _numbers(back, 4) == [4], "the reconnected buyer got something else")
            expect(caught_up["complete"], "the reconnected buyer missed something")
        journey.tell("buyer lost the connection, came back, and got exactly the missed line")


def _ask(buyer: Shop) -> str:
    question = {
        "subject": "My lamp",
        "text": "Where is my lamp?",
        "client_id": uuid.uuid4().hex,
    }
    begun: dict[str, Any] = buyer.ask("POST", "/chat/conversations", question, expect=201)
    return str(begun["conversation"]["id"])


async def _numbers(socket: LiveSocket, last: int) -> list[int]:
    """The numbers of the messages as they came, those known already dropped."""
    heard: list[int] = []
    async with asyncio.timeout(PATIENCE_S):
        while last not in heard:
            frame = await socket.next_push("chat.message")
            if frame["seq"] not in heard and frame["seq"] > 1:
                heard.append(frame["seq"])
    return heard
