"""Blueprints whose event handlers run in their own module, with logs bound around each call.

A Lambda of an event handler imports its own module and not app.py, so the app's middleware is
not there: the blueprint brings the same one (platform rule: the chain runs once either way).
"""

import time
from collections.abc import Callable
from typing import Any, Final

from chalice import Blueprint

from chalicelib.aws.observability import bound, configure_logging
from chalicelib.kernel.ids import Ids

_ids: Final = Ids()


def observe(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """Chalice middleware: bind ids around the call (Any: Chalice's events share no base)."""
    configure_logging()
    context = getattr(event, "lambda_context", None) or getattr(event, "context", None)
    request_id = getattr(context, "aws_request_id", None)
    with bound(request_id=str(request_id) if request_id else None):
        return get_response(event)


class EventBlueprint(Blueprint):
    """A blueprint for queues, streams, schedules and workflow tasks."""

    def __init__(self, import_name: str) -> None:
        """`import_name` is the module's `__name__`: handler strings are made of it."""
        super().__init__(import_name)

    def _get_middleware_handlers(self, event_type: str) -> list[Callable[..., Any]]:  # noqa: ARG002
        # Chalice asks by this private name and argument; a unit test pins it.
        return [observe]


def new_correlation_id() -> str:
    """A correlation id for a chain of calls that starts here."""
    return _ids.new("cor")[4:]


class Stopwatch:
    """Milliseconds since it was made."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    def elapsed_ms(self) -> int:
        """Whole milliseconds."""
        return int((time.perf_counter() - self._started) * 1000)
