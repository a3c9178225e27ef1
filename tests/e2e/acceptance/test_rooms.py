"""Section 5: conversations over sockets, and pushes that follow orders."""

import asyncio
import contextlib
import json
import uuid
from typing import Any

import pytest

from local.shop import Shop
from tests.e2e.acceptance.conftest import Stall, basket
from tests.e2e.acceptance.lines import Line, line, off_loop
from tests.e2e.acceptance.shapes import fits
from tests.e2e.acceptance.shapes_desk import MESSAGE, NOTIFICATION

pytestmark = pytest.mark.timeout(240)


def opened(customer: Shop) -> str:
    """A new conversation."""
    asked = {"subject": "Lamp", "text": "Where is it?", "client_id": uuid.uuid4().hex}
    begun = customer.ask("POST", "/chat/conversations", asked, expect=201)
    return str(begun["conversation"]["id"])


def test_who_may_say_something(nora: Shop, omar: Shop, support: Shop) -> None:
    """Members; for all others the conversation is not there, support may listen only."""
    room = opened(nora)

    async def talk() -> None:
        async with line(nora) as mine, line(omar) as stranger, line(support) as desk:
            asked = {"conversation_id": room, "text": "Hello"}
            for socket in (stranger, desk):
                await socket.refused("not_found", "chat.send", **asked)
                await socket.refused("not_found", "chat.read", conversation_id=room, seq=1)
                await socket.refused("not_found", "chat.typing", conversation_id=room)
            await stranger.refused("not_found", "sub.add", topic=f"conv:{room}")
            assert (await desk.ack("sub.add", topic=f"conv:{room}"))["last_seq"] == 1
            assert await mine.ack("chat.send", **asked) == {"conversation_id": room, "seq": 2}
            told = await desk.push("chat.message")
            assert (told["topic"], told["seq"]) == (f"conv:{room}", 2)
            fits(told["data"], MESSAGE)
            await asyncio.sleep(1)
            assert not stranger.pushed("chat.message")
            # Its sender did not follow the conversation.
            assert not mine.pushed("chat.message")

    asyncio.run(talk())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"text": ""}, "validation_failed"),
        ({"text": " \n\t "}, "validation_failed"),
        ({"text": "x" * 2001}, "validation_failed"),
        ({"text": "a\u0000b"}, "validation_failed"),
        ({"text": None}, "validation_failed"),
        ({"text": 1}, "validation_failed"),
        ({"media_id": None}, "validation_failed"),
        ({"media_id": "med_1"}, "validation_failed"),
        ({"media_id": f"med_{'0' * 26}"}, "validation_failed"),
        ({"conversation_id": f"cnv_{'0' * 26}"}, "not_found"),
        ({"conversation_id": "cnv_1"}, "validation_failed"),
        ({"client_id": "12345678"}, "validation_failed"),
    ],
)
def test_lines_that_are_not_allowed(nora: Shop, change: dict[str, Any], code: str) -> None:
    """Each is refused and nothing is stored."""
    room = opened(nora)

    async def say() -> None:
        async with line(nora) as socket:
            asked = {"conversation_id": room, "text": "Hello"} | change
            await socket.refused(code, "chat.send", **asked)

    asyncio.run(say())
    assert nora.get(f"/chat/conversations/{room}")["last_seq"] == 1


def test_the_same_frame_again_is_the_same_line(nora: Shop) -> None:
    """By socket and by REST, with the first text, at its longest and in any script."""
    room = opened(nora)
    text = "שלום <b>\t\n👩‍👩‍👧" + "ü" * (2000 - len("שלום <b>\t\n👩‍👩‍👧"))

    async def say() -> None:
        async with line(nora) as socket:
            await socket.ack("sub.add", topic=f"conv:{room}")
            frame_id = uuid.uuid4().hex
            for words in (text, text, "other words"):
                asked = {"conversation_id": room, "text": words}
                frame = {"v": 1, "id": frame_id, "action": "chat.send", "data": asked}
                answer = await socket.answer_to(json.dumps(frame, ensure_ascii=False), frame_id)
                assert answer["data"]["seq"] == 2
            told = await socket.push("chat.message")
            assert told["data"]["text"] == text
            again = {"text": "x", "client_id": frame_id}
            path = f"/chat/conversations/{room}/messages"
            assert (await off_loop(nora, "POST", path, again, expect=201))["seq"] == 2

    asyncio.run(say())


async def joined(socket: Line, room: str) -> None:
    """Follow a conversation."""
    await socket.ack("sub.add", topic=f"conv:{room}")


def test_a_conversation_from_question_to_end(nora: Shop, support: Shop, admin: Shop) -> None:
    """Assigned, typed, read, taken over by a colleague, closed: all told to those who follow."""
    room = opened(nora)
    path = f"/chat/conversations/{room}"

    async def talk() -> None:
        async with contextlib.AsyncExitStack() as open_lines:
            buyer, agent, desk = [
                await open_lines.enter_async_context(line(one)) for one in (nora, support, admin)
            ]
            await desk.ack("sub.add", topic="desk")
            for socket in (buyer, agent):
                await joined(socket, room)
            await off_loop(support, "POST", f"/admin{path}/assign")
            for socket, topic in ((buyer, f"conv:{room}"), (desk, "desk")):
                told = await socket.push(
                    "chat.state",
                    lambda d: d["conversation_id"] == room and d["agent_id"] is not None,
                )
                assert (told["topic"], told["seq"]) == (topic, None)
                expected = {"conversation_id", "status", "agent_id", "last_seq", "updated_at"}
                assert set(told["data"]) == expected
                assert told["data"]["status"] == "ASSIGNED"

            assert await agent.ack("chat.typing", conversation_id=room) == {}
            typing = await buyer.push("chat.typing")
            assert typing["seq"] is None
            assert typing["data"] == {"conversation_id": room, "user_id": support.user["id"]}
            assert not agent.pushed("chat.typing")

            await agent.ack("chat.send", conversation_id=room, text="It left today.")
            assert (await buyer.push("chat.message"))["data"]["sender_role"] == "agent"
            for wanted, mark in ((2, 2), (1, 2), (99, 2), (0, 2)):
                told = await buyer.ack("chat.read", conversation_id=room, seq=wanted)
                assert told == {"last_read": mark}
            read = await agent.push("chat.read")
            assert read["data"] == {
                "conversation_id": room,
                "user_id": nora.user["id"],
                "seq": 2,
            }
            await buyer.refused("validation_failed", "chat.read", conversation_id=room, seq=-1)

            await off_loop(admin, "POST", f"/admin{path}/assign")
            await buyer.push("chat.state", lambda d: d["agent_id"] == admin.user["id"])
            await agent.ack("chat.send", conversation_id=room, text="My colleague goes on.")

            await off_loop(nora, "POST", f"{path}/close")
            for socket in (buyer, agent, desk):
                await socket.push(
                    "chat.state",
                    lambda d: d["conversation_id"] == room and d["status"] == "CLOSED",
                )
            await buyer.refused("conversation_closed", "chat.send", conversation_id=room, text="?")
            assert len(agent.pushed("chat.read")) == 1

    asyncio.run(talk())


def test_what_was_missed_comes_back_in_order(nora: Shop) -> None:
    """`since` 0 is everything; more than 200 is not complete, and goes on from there."""
    room = opened(nora)
    topic = f"conv:{room}"
    for number in range(2, 206):
        said = {"text": f"line {number}", "client_id": f"line-{number:05d}"}
        nora.ask("POST", f"/chat/conversations/{room}/messages", said, expect=201)

    async def catch_up() -> None:
        async with line(nora) as socket:
            first = await socket.ack("sub.add", topic=topic, since=0)
            assert first == {"topic": topic, "last_seq": 205, "replayed": 200, "complete": False}
            rest = await socket.ack("sub.add", topic=topic, since=200)
            assert rest == {"topic": topic, "last_seq": 205, "replayed": 5, "complete": True}
            numbers = [one["seq"] for one in socket.pushed("chat.message")]
            assert list(dict.fromkeys(numbers)) == list(range(1, 206))
            beyond = await socket.ack("sub.add", topic=topic, since=10_000)
            assert (beyond["replayed"], beyond["complete"]) == (0, True)
            await socket.ack("sub.remove", topic=topic)
            before = len(socket.pushed("chat.message"))
            await socket.ack("chat.send", conversation_id=room, text="unheard")
            await asyncio.sleep(2)
            assert len(socket.pushed("chat.message")) == before

    asyncio.run(catch_up())


def test_an_order_that_waits_for_the_bank(nora: Shop, stall: Stall) -> None:
    """Every state is told, the action with its address, the notifications as they are kept."""

    async def follow() -> None:
        async with line(nora) as socket:
            body = basket(stall.variant["id"], token="tok_requires_action")
            placed = await asyncio.to_thread(nora.post_once, "/orders", body, expect=202)
            order_id = placed["order"]["id"]
            action = await socket.push("payment.action_required")
            assert set(action["data"]) == {"order_id", "action_url", "expires_at"}
            assert action["data"]["order_id"] == order_id
            assert action["data"]["action_url"].endswith(f"/orders/{order_id}/approve")
            await off_loop(nora, "POST", f"/sandbox/gateway/orders/{order_id}/approve")
            told = await socket.push("order.updated", lambda d: d["status"] == "PAID")
            expected = {"order_id", "number", "status", "payment_status", "cancel_requested"}
            assert set(told["data"]) == expected | {"version"}
            assert told["data"]["payment_status"] == "CAPTURED"
            note = await socket.push("notification.new", lambda d: "confirmed" in d["title"])
            fits(note["data"], NOTIFICATION)
            own = [one for one in socket.frames if str(one.get("topic")).startswith("user:")]
            numbers = sorted({one["seq"] for one in own})
            assert numbers == list(range(numbers[0], numbers[-1] + 1))

    asyncio.run(follow())
