"""P6: what MiniStack is changed into, and that another MiniStack is refused."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.services import apigateway

from local import socket_patches
from local.worker_patches import UnknownEngine


def test_another_engine_is_refused() -> None:
    """A server that refuses in other words is not patched blindly."""

    async def handle_websocket() -> None:
        """Refuse nobody."""

    with pytest.raises(UnknownEngine):
        socket_patches.install(SimpleNamespace(handle_websocket=handle_websocket))


def test_this_engine_is_the_expected_one() -> None:
    """The pinned version has the text that the patch stands on."""
    copied = SimpleNamespace(
        handle_websocket=apigateway.handle_websocket,
        _invoke_ws_lambda=apigateway._invoke_ws_lambda,
    )
    socket_patches.install(copied)
    assert copied.handle_websocket is not apigateway.handle_websocket


@pytest.mark.parametrize(("status", "refused"), [(401, [401]), (403, [403]), (200, [])])
def test_refusal_keeps_its_status(
    monkeypatch: pytest.MonkeyPatch, status: int, refused: list[int]
) -> None:
    """The upgrade is answered with what the handler returned."""
    answered: list[int] = []
    monkeypatch.setattr(socket_patches, "REFUSAL", "invoke")

    async def invoke(*_arguments: Any, **_options: Any) -> dict[str, int]:
        return {"statusCode": status}

    async def refuse(_scope: Any, _send: Any, told: int, *_: Any) -> None:
        answered.append(told)

    module = SimpleNamespace(_invoke_ws_lambda=invoke, _refuse_ws_handshake=refuse)

    async def handle_websocket(_scope: Any, _receive: Any, send: Any) -> None:
        reply = await module._invoke_ws_lambda("api", "CONNECT")
        kind = "websocket.accept" if reply["statusCode"] == 200 else "websocket.close"
        await send({"type": kind})

    module.handle_websocket = handle_websocket
    socket_patches.install(module)

    async def send(_message: Any) -> None:
        return

    asyncio.run(module.handle_websocket({}, None, send))
    assert answered == refused


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        ({"bytes": b'{"v":1}'}, "\ufffd"),
        ({"bytes": b"", "text": None}, "\ufffd"),
        ({"text": "words", "bytes": None}, "words"),
    ],
)
def test_binary_frames_are_no_text(
    monkeypatch: pytest.MonkeyPatch, sent: dict[str, Any], heard: str
) -> None:
    """A frame of bytes arrives as something that nobody can read."""
    told: list[str] = []
    monkeypatch.setattr(socket_patches, "REFUSAL", "receive")

    async def handle_websocket(_scope: Any, receive: Any, _send: Any) -> None:
        told.append((await receive())["text"])

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.receive", **sent}

    module = SimpleNamespace(handle_websocket=handle_websocket, _invoke_ws_lambda=None)
    socket_patches.install(module)
    asyncio.run(module.handle_websocket({}, receive, None))
    assert told == [heard]
