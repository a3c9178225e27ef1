"""P6, sockets closer to AWS: refused handshakes keep their status, binary frames are no text.

MiniStack turns every refusal into 403, and reads the bytes of a binary frame as if it were text.
AWS lets no binary frame through: it closes the socket. Here the frame arrives as unreadable.
"""

from __future__ import annotations

import contextvars
import inspect
from http import HTTPStatus
from typing import Any

from local.worker_patches import UnknownEngine

REFUSAL = """
            if status < 200 or status >= 300:
                await send({"type": "websocket.close", "code": 1008})
                return
"""
UNREADABLE = "\ufffd"
_refused: contextvars.ContextVar[dict[str, int]] = contextvars.ContextVar("refused")


def install(apigateway: Any) -> None:
    """Answer the upgrade with the status that the $connect handler returned."""
    if REFUSAL not in inspect.getsource(apigateway.handle_websocket):
        raise UnknownEngine("MiniStack refuses handshakes in another way than this patch expects")
    serve, invoke = apigateway.handle_websocket, apigateway._invoke_ws_lambda  # noqa: SLF001

    async def invoke_and_note(*arguments: Any, **options: Any) -> Any:
        reply = await invoke(*arguments, **options)
        status = int((reply or {}).get("statusCode", HTTPStatus.OK))
        if "CONNECT" in arguments and status >= HTTPStatus.MULTIPLE_CHOICES:
            _refused.get({})["status"] = status
        return reply

    async def serve_and_refuse(
        scope: dict[str, Any], receive: Any, send: Any, *arguments: Any, **options: Any
    ) -> None:
        noted: dict[str, int] = {}
        _refused.set(noted)

        async def answer(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.close" and "status" in noted:
                status = HTTPStatus(noted.pop("status"))
                await apigateway._refuse_ws_handshake(  # noqa: SLF001
                    scope, send, int(status), status.phrase, "", ""
                )
                return
            await send(message)

        async def hear() -> dict[str, Any]:
            return _without_bytes(await receive())

        await serve(scope, hear, answer, *arguments, **options)

    apigateway.handle_websocket = serve_and_refuse
    apigateway._invoke_ws_lambda = invoke_and_note  # noqa: SLF001


def _without_bytes(message: dict[str, Any]) -> dict[str, Any]:
    is_binary = message.get("bytes") is not None and message.get("text") is None
    return message | {"text": UNREADABLE, "bytes": None} if is_binary else message
