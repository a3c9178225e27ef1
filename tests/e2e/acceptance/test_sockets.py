"""Section 5: the handshake, frames and their limits, who may listen to what."""

import asyncio
import json
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import websockets

from local.shop import Shop
from tests.e2e.acceptance.conftest import registered
from tests.e2e.acceptance.lines import Line, line, refusal, status_of, url_for
from tests.e2e.conftest import RunningShop

pytestmark = pytest.mark.timeout(240)
FRAME = {"v": 1, "id": "frame-0001", "action": "ping", "data": {}}
PRODUCT = f"product:prd_{'0' * 26}"


def written(**changes: Any) -> str:
    """A ping with something else about it; None leaves a field out."""
    return json.dumps({name: value for name, value in (FRAME | changes).items() if value != ...})


def played(caller: Shop, steps: Callable[[Line], Coroutine[Any, Any, None]]) -> None:
    """Play steps on one socket of a caller, which answers to the end."""

    async def play() -> None:
        async with line(caller) as socket:
            await steps(socket)
            assert (await socket.ack("ping"))["now"]

    asyncio.run(play())


def test_handshakes_that_are_refused(shop: RunningShop, nora: Shop) -> None:
    """No, an unknown, a used or an odd ticket is 401, a foreign page 403 and costs no ticket."""

    async def knock() -> None:
        bare, ticket = url_for(nora).split("?ticket=")
        for odd in ("", "?ticket=", f"?ticket={'A' * 43}", f"?ticket={'A' * 2000}", "?x=1"):
            assert await status_of(bare + odd) == 401, odd
        url = f"{bare}?ticket={ticket}"
        for origin in ("https://evil.example", "null", f"{shop.info['aws_endpoint']}.evil.example"):
            assert await status_of(url, origin=origin) == 403, origin
        assert await status_of(url, origin=shop.info["aws_endpoint"]) == 101
        assert await status_of(url) == 401
        over = registered(shop.anonymous)
        late = url_for(over)
        over.ask("POST", "/users/logout", None, expect=204)
        assert await status_of(late) == 401

    asyncio.run(knock())


def test_the_sixth_socket_closes_the_oldest(anybody: Shop, omar: Shop) -> None:
    """Five stay and answer, and so does somebody else's."""
    person = registered(anybody)

    async def crowd() -> None:
        async with line(omar) as other:
            sockets = []
            for _ in range(6):
                socket = await websockets.connect(await asyncio.to_thread(url_for, person))
                sockets.append(Line(socket))
                await sockets[-1].ack("ping")
            await sockets[0].ended()
            for one in [*sockets[1:], other]:
                assert (await one.ack("ping"))["now"]
            for one in sockets[1:]:
                await one.socket.close()

    asyncio.run(crowd())


UNREADABLE: list[tuple[str | bytes, str]] = [
    ("", "malformed_json"),
    ("{", "malformed_json"),
    ("not json", "malformed_json"),
    ('{"v":1,"id":"frame-0001","action":"ping","data":{"x":NaN}}', "malformed_json"),
    ('{"v":1,"id":"frame-0001","action":"ping","data":{"x":"\\ud800"}}', "malformed_json"),
    ("[" * 4000 + "]" * 4000, "malformed_json"),
    (written(data={"x": json.loads("[" * 33 + "]" * 33)}), "malformed_json"),
    (b'{"v":1,"id":"frame-0001","action":"ping","data":{}}', "malformed_json"),
    (b"\xff\xfe\x00", "malformed_json"),
    ("[]", "validation_failed"),
    ('"ping"', "validation_failed"),
    ("7", "validation_failed"),
    ("null", "validation_failed"),
    (written(id=...), "validation_failed"),
    (written(id="short"), "validation_failed"),
    (written(id="x" * 65), "validation_failed"),
    (written(id="with space"), "validation_failed"),
    (written(id=12345678), "validation_failed"),
    (written(data={"x": "y" * 8192}), "payload_too_large"),
    (written(data={"x": "é" * 4096}), "payload_too_large"),
]


def test_unreadable_frames(nora: Shop) -> None:
    """Each gets one error without `re`, and the socket lives."""

    async def steps(socket: Line) -> None:
        for sent, code in UNREADABLE:
            refusal(await socket.answer_to(sent, None), code)

    played(nora, steps)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"v": 2}, "validation_failed", "v"),
    ({"v": "1"}, "validation_failed", "v"),
    ({"v": 1.0}, "validation_failed", "v"),
    ({"v": True}, "validation_failed", "v"),
    ({"v": ...}, "validation_failed", "v"),
    ({"more": 1}, "validation_failed", "more"),
    ({"data": ...}, "validation_failed", "data"),
    ({"data": None}, "validation_failed", "data"),
    ({"data": []}, "validation_failed", "data"),
    ({"data": {"x": 1}}, "validation_failed", "data.x"),
    ({"action": ...}, "validation_failed", "action"),
    ({"action": 1}, "validation_failed", "action"),
    ({"action": "chat.shout"}, "unknown_action", ""),
    ({"action": ""}, "unknown_action", ""),
    ({"action": "PING"}, "unknown_action", ""),
    ({"action": "sub.add"}, "validation_failed", "data.topic"),
    ({"action": "sub.add", "data": {"topic": 1}}, "validation_failed", "data.topic"),
    *(
        ({"action": "sub.add", "data": {"topic": topic}}, "validation_failed", "data.topic")
        for topic in ("", "x", "user:", "user:usr_1", "conv:", "desk:1", "product:prd_x", "DESK")
    ),
    *(
        (
            {"action": "sub.add", "data": {"topic": PRODUCT, "since": since}},
            "validation_failed",
            "data.since",
        )
        for since in (-1, "1", 1.5, True, None)
    ),
    ({"action": "chat.send"}, "validation_failed", "data.conversation_id data.text"),
    ({"action": "chat.typing", "data": {"conversation_id": "x"}}, "validation_failed",
     "data.conversation_id"),
]  # fmt: skip


def test_frames_that_are_not_allowed(nora: Shop) -> None:
    """Each gets one error with its `re`, its code and the fields that are wrong."""

    async def steps(socket: Line) -> None:
        for changes, code, fields in REFUSED:
            told = refusal(await socket.answer_to(written(**changes), "frame-0001"), code)
            named = " ".join(one["path"] for one in told["error"].get("fields", []))
            assert named == fields, changes

    played(nora, steps)


def test_a_frame_of_exactly_eight_kibibytes_is_read(nora: Shop) -> None:
    """The limit itself is allowed: it is refused for its field, not for its size."""

    async def steps(socket: Line) -> None:
        frame = written(data={"x": ""})
        full = written(data={"x": "y" * (8192 - len(frame))})
        assert len(full) == 8192
        refusal(await socket.answer_to(full, "frame-0001"), "validation_failed")

    played(nora, steps)


def test_flooding(nora: Shop) -> None:
    """Of twenty frames at once each is answered once, most refused; then the socket goes on."""

    async def steps(socket: Line) -> None:
        ids = [f"flood-{uuid.uuid4().hex[:8]}-{number}" for number in range(20)]
        await asyncio.gather(*(socket.socket.send(written(id=one)) for one in ids))
        for one in ids:
            await socket.until(lambda frame, one=one: frame.get("re") == one)  # type: ignore[misc]
        answers = [frame for frame in socket.frames if frame.get("re") in ids]
        assert len(answers) == 20
        codes = [one["error"]["code"] for one in answers if one["type"] == "error"]
        assert set(codes) == {"rate_limited"}
        await asyncio.sleep(1.2)

    played(nora, steps)


def test_twenty_topics(nora: Shop) -> None:
    """The own topic is one of them; a repeat costs nothing, one left makes room."""

    async def steps(socket: Line) -> None:
        topics = [f"product:prd_{number:026d}" for number in range(20)]
        for topic in topics[:19]:
            told = await socket.ack("sub.add", topic=topic)
            assert told == {"topic": topic, "last_seq": 0, "replayed": 0, "complete": True}
        await socket.ack("sub.add", topic=topics[0])
        told = await socket.refused("validation_failed", "sub.add", topic=topics[19])
        assert [one["path"] for one in told["error"]["fields"]] == ["data.topic"]
        assert await socket.ack("sub.remove", topic=topics[0]) == {"topic": topics[0]}
        assert await socket.ack("sub.remove", topic=topics[0]) == {"topic": topics[0]}
        await socket.ack("sub.add", topic=topics[19])

    played(nora, steps)


@pytest.mark.parametrize(
    ("role", "desk", "ops"),
    [
        ("customer", "forbidden", "forbidden"),
        ("warehouse", "forbidden", "forbidden"),
        ("support", None, "forbidden"),
        ("merchant", None, "forbidden"),
        ("admin", None, None),
    ],
)
def test_topics_of_staff(
    shop: RunningShop, nora: Shop, role: str, desk: str | None, ops: str | None
) -> None:
    """Scopes decide; another user's topic is found by nobody."""
    caller = shop.signed_in(role)

    async def steps(socket: Line) -> None:
        for topic, code in (("desk", desk), ("ops", ops)):
            if code:
                await socket.refused(code, "sub.add", topic=topic)
                continue
            told = await socket.ack("sub.add", topic=topic)
            assert told["topic"] == topic
            assert (told["last_seq"] is None) is (topic == "desk")
        await socket.refused("not_found", "sub.add", topic=f"user:{nora.user['id']}")
        await socket.refused("not_found", "sub.add", topic=f"conv:cnv_{'0' * 26}")
        own = await socket.ack("sub.add", topic=f"user:{caller.user['id']}", since=0)
        assert own["complete"] in {True, False}

    played(caller, steps)


def test_stock_is_followed_and_caught_up(shop: RunningShop, nora: Shop) -> None:
    """Each adjustment is told with a number; who was away gets exactly what was missed."""
    product = shop.anonymous.get("/products/by-slug/paper-star")
    variant, topic = product["variants"][0]["id"], f"product:{product['id']}"
    warehouse = shop.signed_in("warehouse")

    async def adjust(delta: int) -> None:
        body = {"delta": delta, "reason": "receive" if delta > 0 else "damage"}
        path = f"/admin/stock/{variant}/adjust"
        await asyncio.to_thread(warehouse.post_once, path, body, expect=200)

    async def follow() -> None:
        async with line(nora) as socket:
            before = (await socket.ack("sub.add", topic=topic))["last_seq"]
            await adjust(1)
            told = await socket.push("stock.changed")
            assert told["topic"] == topic
            assert told["seq"] == before + 1
            assert set(told["data"]) == {"product_id", "variant_id", "availability"}
            await socket.ack("sub.remove", topic=topic)
            await adjust(-1)
            await adjust(1)
            await adjust(-1)
            await asyncio.sleep(4)
            assert len(socket.pushed("stock.changed")) == 1
        async with line(nora) as socket:
            caught_up = await socket.ack("sub.add", topic=topic, since=before + 1)
            assert caught_up["replayed"] == 3
            assert caught_up["complete"] is True
            numbers = [one["seq"] for one in socket.pushed("stock.changed")]
            assert list(dict.fromkeys(numbers)) == [before + 2, before + 3, before + 4]
            nothing = await socket.ack("sub.add", topic=topic, since=before + 4)
            assert (nothing["replayed"], nothing["complete"]) == (0, True)

    asyncio.run(follow())
