"""REST routes of operations."""

from typing import Final

from chalicelib.edge import gateway
from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.http import PUBLIC, HttpBlueprint
from chalicelib.edge.replies import Reply
from chalicelib.ops.schemas import Health, Hello, HelloParameters

blueprint: Final = HttpBlueprint(__name__)


@blueprint.route("/health", methods=["GET"], access=PUBLIC)
@documented(replies={200: Health})
def get_health(_call: Call) -> Reply:
    """Whether the API answers; touches nothing."""
    return Reply(200, Health(stage=gateway.stage(), version=gateway.version()))


@blueprint.route("/hello", methods=["GET"], access=PUBLIC)
@documented(replies={200: Hello}, query=HelloParameters)
def get_hello(call: Call) -> Reply:
    """Greet somebody: the first route of the tutorial."""
    return Reply(200, Hello(message=f"Hello, {call.query(HelloParameters).name}!"))
