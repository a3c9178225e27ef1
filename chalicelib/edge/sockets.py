"""Sockets at the edge: the blueprint of their handlers, and what one event says.

Chalice would build the management address from the API's id alone and make a client of its own;
a custom domain and the embedded AWS need the address that the event names. Nothing here sends:
replies go the way of all pushes (chalicelib.live.posting).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalice.app import WebsocketAPI, WebsocketEvent

from chalicelib.aws.settings import settings
from chalicelib.edge.blueprints import EventBlueprint

ACCEPTED: Final = {"statusCode": 200}


class SilentSocketApi(WebsocketAPI):
    """Stands where Chalice wants a sender; ours are signed by hand and need none."""

    def configure(self, domain_name: str, stage: str) -> None:
        """Remember nothing: each connection brings its own address."""

    def configure_from_api_id(self, api_id: str, stage: str) -> None:
        """Remember nothing, as above."""


class SocketBlueprint(EventBlueprint):
    """A blueprint of socket handlers."""

    def __init__(self, import_name: str) -> None:
        """Without a sender set before the first decorator Chalice leaves handlers unwrapped."""
        super().__init__(import_name)
        self.websocket_api = SilentSocketApi()


@dataclass(frozen=True, slots=True)
class SocketCall:
    """One event of one connection; `endpoint` is where its replies are sent."""

    connection_id: str
    endpoint: str
    request_id: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: str | None

    @property
    def origin(self) -> str | None:
        """The page that opens the socket, as its browser says; other programs send none."""
        return self.headers.get("origin")


def socket_call(event: WebsocketEvent) -> SocketCall:
    """Read an event of the gateway; a binary frame has no body."""
    plain: dict[str, Any] = event.to_dict()  # Any: the event as the gateway sent it
    context = plain["requestContext"]
    return SocketCall(
        connection_id=context["connectionId"],
        endpoint=f"{context['domainName']}/{context['stage']}",
        request_id=str(context.get("requestId") or ""),
        headers={name.lower(): value for name, value in (plain.get("headers") or {}).items()},
        query=plain.get("queryStringParameters") or {},
        body=None if plain.get("isBase64Encoded") else plain.get("body") or "",
    )


def is_allowed_origin(origin: str | None) -> bool:
    """Whether a page of this origin may open a socket; programs without one may."""
    return origin is None or origin in settings().allowed_origins
