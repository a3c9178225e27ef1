"""Sockets that open and close. Nothing is sent from here: nobody listens yet, or any more."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from chalice.app import WebsocketEvent

from chalicelib.edge.sockets import ACCEPTED, SocketBlueprint, is_allowed_origin, socket_call
from chalicelib.kernel.errors import DomainError, Forbidden
from chalicelib.live.front import deps
from chalicelib.live.records import TicketRefused
from chalicelib.live.service import Arrival, connect, disconnect

blueprint: Final = SocketBlueprint(__name__)
logger: Final = logging.getLogger(__name__)


@blueprint.on_ws_connect(name="websocket_connect")
def websocket_connect(event: WebsocketEvent) -> Mapping[str, Any]:
    """Let a holder of a ticket in: 401 without a good one, 403 from a foreign page."""
    call = socket_call(event)
    arrival = Arrival(
        call.connection_id, call.endpoint, call.query.get("ticket"), is_allowed_origin(call.origin)
    )
    try:
        connection = connect(arrival, deps())
    except DomainError as refused:
        logger.info("socket refused", extra={"code": refused.code})
        return {"statusCode": _status(refused)}
    except Exception:
        logger.exception("socket not opened")
        return {"statusCode": 500}
    logger.info(
        "socket opened", extra={"socket_id": connection.id, "session_id": connection.session_id}
    )
    return ACCEPTED


def _status(refused: DomainError) -> int:
    match refused:
        case TicketRefused():
            return 401
        case Forbidden():
            return 403
        case _:
            return 503


@blueprint.on_ws_disconnect(name="websocket_disconnect")
def websocket_disconnect(event: WebsocketEvent) -> Mapping[str, Any]:
    """Forget a socket; one that was not said goodbye is forgotten by the fan-out or by TTL."""
    disconnect(event.connection_id, deps())
    return ACCEPTED
