"""Frames of open sockets: one comes in, what was missed and exactly one answer go out."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from chalice.app import WebsocketEvent

from chalicelib.aws.observability import bind
from chalicelib.chat.actions import carry_out
from chalicelib.chat.wiring import action_deps, reply_to
from chalicelib.edge.sockets import ACCEPTED, SocketBlueprint, SocketCall, socket_call
from chalicelib.kernel.errors import DomainError
from chalicelib.live.frames import FrameRefused, read_frame
from chalicelib.live.records import FRAMES_PER_S_MAX, ack, refusal
from chalicelib.live.service import admit_frame

blueprint: Final = SocketBlueprint(__name__)
logger: Final = logging.getLogger(__name__)


@blueprint.on_ws_message(name="websocket_message")
def websocket_message(event: WebsocketEvent) -> Mapping[str, Any]:
    """Answer a frame on its own socket; the gateway itself is told no more than that."""
    call = socket_call(event)
    bind(socket_id=call.connection_id)
    for frame in _answer(call):
        if not reply_to(call, frame):
            break
    return ACCEPTED


def _answer(call: SocketCall) -> list[dict[str, Any]]:
    frame_id = None
    try:
        deps = action_deps()
        try:
            frame = read_frame(call.body)
            frame_id = frame.id
        except FrameRefused as refused:
            # Counted like any other: rubbish is no way around the limit.
            frame_id = refused.re
            admit_frame(call.connection_id, FRAMES_PER_S_MAX, deps.live)
            raise refused.error from refused
        connection = admit_frame(call.connection_id, FRAMES_PER_S_MAX, deps.live)
        bind(user_id=connection.user_id)
        answer = carry_out(frame, connection, deps)
    except DomainError as error:
        return [refusal(frame_id, error, call.request_id)]
    except Exception:
        logger.exception("frame failed")
        return [refusal(frame_id, DomainError(), call.request_id)]
    return [*(push.frame() for push in answer.missed), ack(frame.id, answer.ack)]
