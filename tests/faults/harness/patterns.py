"""EventBridge event patterns and input transformers, as far as the template uses them."""

import json
from typing import Any


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether a rule with this pattern takes the event."""
    return all(_field_matches(wanted, event.get(name)) for name, wanted in pattern.items())


def _field_matches(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and matches(wanted, found)
    candidates = found if isinstance(found, list) else [found]
    return any(_one(test, value) for test in wanted for value in candidates)


def _one(test: Any, value: Any) -> bool:
    if not isinstance(test, dict):
        return bool(test == value)
    ((kind, operand),) = test.items()
    match kind:
        case "prefix":
            return isinstance(value, str) and value.startswith(operand)
        case "suffix":
            return isinstance(value, str) and value.endswith(operand)
        case "exists":
            return (value is not None) is operand
        case "anything-but":
            refused = operand if isinstance(operand, list) else [operand]
            return value not in refused
        case _:
            raise NotImplementedError(f"the harness does not know the pattern {kind}")


def transformed(transformer: dict[str, Any], event: dict[str, Any]) -> str:
    """The input a target gets when its rule has an input transformer."""
    text: str = transformer["InputTemplate"]
    for name, path in transformer.get("InputPathsMap", {}).items():
        value: Any = event
        for part in path.removeprefix("$.").split("."):
            value = value.get(part) if isinstance(value, dict) else None
        text = _insert(text, f"<{name}>", value)
    return text


def _insert(text: str, variable: str, value: Any) -> str:
    """Outside quotes a variable stands for a JSON value, inside them for its text."""
    inside = value if isinstance(value, str) else json.dumps(value)
    first, *rest = text.split(variable)
    made = first
    for part in rest:
        made += (inside if made.count('"') % 2 else json.dumps(value)) + part
    return made
