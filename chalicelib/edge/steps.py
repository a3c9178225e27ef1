"""What a workflow asks of a step, checked before anything is done about it."""

from collections.abc import Container, Mapping
from typing import Any

from chalicelib.kernel.event_forms import Form


class StepMalformed(ValueError):
    """A step was asked in a form that is not its own; nothing was done."""


def check_asked(
    event: object, steps: Container[str], needed: Mapping[str, Form], optional: Mapping[str, Form]
) -> None:
    """StepMalformed, with the names of what is wrong, unless every field has its form."""
    if not isinstance(event, Mapping):
        raise StepMalformed("no object")
    wrong = [name for name, form in needed.items() if not form(event.get(name))]
    wrong += [name for name, form in optional.items() if name in event and not form(event[name])]
    step: Any = event.get("step")
    if not isinstance(step, str) or step not in steps:
        wrong.append("step")
    if wrong:
        raise StepMalformed(", ".join(sorted(wrong)))
