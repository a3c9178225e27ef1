"""The Lambda function behind the states of `media-pipeline`.

A step answers {outcome, reason, attempts, found}; an exception is a fault, which the workflow
tries again and then parks.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Final

from chalicelib.aws.observability import bound
from chalicelib.edge.blueprints import EventBlueprint
from chalicelib.edge.steps import check_asked
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.event_forms import Form, identifier, is_text, is_word
from chalicelib.media import pipeline
from chalicelib.media.pipeline import Deps, Outcome, Task
from chalicelib.media.pipeline_wiring import gallery, originals, painter, uploads

blueprint: Final = EventBlueprint(__name__)

STEPS: Final[Mapping[str, Callable[[Task, Deps], Outcome]]] = MappingProxyType(
    {
        "claim": pipeline.claim,
        "inspect": pipeline.check,
        "render": pipeline.paint,
        "describe": pipeline.describe,
        "publish": pipeline.publish,
        "reject": pipeline.reject,
        "fail": pipeline.fail,
    }
)


_NEEDED: Final[Mapping[str, Form]] = MappingProxyType(
    {"media_id": identifier("med"), "execution": is_word, "correlation_id": is_word}
)
_OPTIONAL: Final[Mapping[str, Form]] = MappingProxyType(
    {"reason": is_text, "parts": lambda value: isinstance(value, list)}
)


@blueprint.lambda_function(name="media_steps")
def media_steps(event: dict[str, Any], _context: Any) -> dict[str, Any]:  # Any: JSON, Chalice
    """One step of one run on one upload."""
    check_asked(event, STEPS, _NEEDED, _OPTIONAL)
    task = Task(
        media_id=event["media_id"],
        execution=event["execution"],
        correlation_id=event["correlation_id"],
        reason=event.get("reason", ""),
        parts=event.get("parts", ()),
    )
    with bound(
        correlation_id=task.correlation_id,
        execution=task.execution,
        media_id=task.media_id,
        step=event["step"],
    ):
        deps = Deps(uploads(), originals(), gallery(), painter(), SystemClock())
        return asdict(STEPS[event["step"]](task, deps))
