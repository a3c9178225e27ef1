"""A conversation to try in two terminals: `python -m local chat` and `… chat --as support`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import uuid
from typing import TYPE_CHECKING, Any, Final

from local.socket_client import FrameRefused, LiveSocket

if TYPE_CHECKING:
    from local.shop import Shop

GREETING: Final = "Hello, I have a question."
QUIT: Final = {"/quit", "/close"}


def converse(stack: dict[str, Any], role: str, room: str | None) -> int:
    """Sign in as a demo login of that role and talk until the input ends."""
    from local.shop import Shop

    login = stack["logins"][role]
    caller = Shop(stack["api_url"]).sign_in(login["email"], login["password"])
    chosen = room or (_newest_question(caller) if role != "customer" else _open(caller))
    if chosen is None:
        sys.stdout.write("Nobody waits. Ask something first: python -m local chat\n")
        return 1
    if role != "customer":
        caller.ask("POST", f"/admin/chat/conversations/{chosen}/assign")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_talk(caller, chosen))
    return 0


def _open(customer: Shop) -> str:
    asked = {"subject": "A question", "text": GREETING, "client_id": uuid.uuid4().hex}
    begun = customer.ask("POST", "/chat/conversations", asked, expect=201)
    return str(begun["conversation"]["id"])


def _newest_question(agent: Shop) -> str | None:
    waiting = agent.get("/admin/chat/conversations", limit=100)["items"]
    return str(waiting[-1]["id"]) if waiting else None


async def _talk(caller: Shop, room: str) -> None:
    async with LiveSocket(caller) as socket:
        sys.stdout.write(f"{room} as {caller.user['name']}; /close ends it, /quit leaves\n")
        listening = asyncio.create_task(_listen(socket, caller.user["id"]))
        await socket.ask("sub.add", topic=f"conv:{room}", since=0)
        while line := await asyncio.to_thread(sys.stdin.readline):
            said = line.strip()
            if said in QUIT:
                if said == "/close":
                    caller.ask("POST", f"/chat/conversations/{room}/close")
                break
            if said:
                await _say(socket, room, said)
        listening.cancel()


async def _say(socket: LiveSocket, room: str, said: str) -> None:
    try:
        await socket.ask("chat.send", conversation_id=room, text=said)
    except FrameRefused as refused:
        sys.stdout.write(f"  ! {refused}\n")


async def _listen(socket: LiveSocket, own_id: str) -> None:
    known: set[int] = set()
    while True:
        frame = await socket.pushed.get()
        told = frame["data"]
        match frame["type"]:
            case "chat.message" if frame["seq"] not in known:
                known.add(frame["seq"])
                who = "you" if told["sender_id"] == own_id else told["sender_role"]
                sys.stdout.write(f"  [{frame['seq']}] {who}: {told['text']}\n")
            case "chat.state" if frame["topic"].startswith("conv:"):
                sys.stdout.write(f"  -- {told['status']}\n")
            case "chat.typing":
                sys.stdout.write("  ...\n")
        sys.stdout.flush()
