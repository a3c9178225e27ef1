"""REST routes of operations."""

import json
from functools import lru_cache
from typing import Final

from chalicelib.edge import gateway, mounting, openapi
from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.http import PUBLIC, HttpBlueprint
from chalicelib.edge.replies import Reply
from chalicelib.ops import wiring
from chalicelib.ops.schemas import Health, Hello, HelloParameters, OpenApi, Ready

blueprint: Final = HttpBlueprint(__name__)


@blueprint.route("/health", methods=["GET"], access=PUBLIC)
@documented(replies={200: Health})
def get_health(_call: Call) -> Reply:
    """Whether the API answers; touches nothing."""
    return Reply(200, Health(stage=gateway.stage(), version=gateway.version()))


@blueprint.route("/ready", methods=["GET"], access=PUBLIC)
@documented(replies={200: Ready})
def get_ready(_call: Call) -> Reply:
    """Whether tables and secrets answer."""
    wiring.probe()
    return Reply(200, Ready())


@blueprint.route("/openapi.json", methods=["GET"], access=PUBLIC)
@documented(replies={200: OpenApi})
def get_openapi(_call: Call) -> Reply:
    """This document."""
    mounting.complete(blueprint.current_app)
    return Reply(200, _written_document())


@lru_cache(maxsize=1)
def _written_document() -> bytes:
    written = openapi.document(gateway.version(), gateway.public_base_url())
    return json.dumps(written, separators=(",", ":"), ensure_ascii=False).encode()


@blueprint.route("/hello", methods=["GET"], access=PUBLIC)
@documented(replies={200: Hello}, query=HelloParameters)
def get_hello(call: Call) -> Reply:
    """Greet somebody: the first route of the tutorial."""
    return Reply(200, Hello(message=f"Hello, {call.query(HelloParameters).name}!"))
