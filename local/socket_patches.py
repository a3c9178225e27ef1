"""P6, refused handshakes keep their status, as on AWS; MiniStack turns every refusal into 403."""

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

        await serve(scope, receive, answer, *arguments, **options)

    apigateway.handle_websocket = serve_and_refuse
    apigateway._invoke_ws_lambda = invoke_and_note  # noqa: SLF001
