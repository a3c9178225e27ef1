"""The one blueprint that all route files of this slice stand on."""

from typing import Final

from chalicelib.edge.calls import Call
from chalicelib.edge.http import HttpBlueprint
from chalicelib.kernel.domain_events import Actor
from chalicelib.users.rules import Admitted, Origin

blueprint: Final = HttpBlueprint("chalicelib.users.routes")
API: Final = "api_handler"


def stranger(call: Call) -> Origin:
    """Where a call of nobody known comes from: events say the system did it."""
    return Origin(Actor("system", API), call.correlation_id, call.client_ip)


def signed_in(call: Call) -> Origin:
    """Where a call of a signed-in user comes from."""
    caller = call.caller
    return Origin(
        Actor(caller.actor_type, caller.user_id),  # type: ignore[arg-type]  # one of two words
        call.correlation_id,
        call.client_ip,
        admitted(call),
    )


def admitted(call: Call) -> Admitted:
    """Who was let in with a call, for writes that hold only while that stands."""
    caller = call.caller
    return Admitted(caller.user_id, caller.session_id, caller.sv)
