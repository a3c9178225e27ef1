"""EventBridge event patterns and input transformers, as far as the template uses them."""

import json
import re
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
        quoted = value if isinstance(value, str) else json.dumps(value)
        text = re.sub(rf'"<{name}>"', lambda _m, v=value: json.dumps(v), text)
        text = text.replace(f"<{name}>", json.dumps(value) if _bare(text, name) else quoted)
    return text


def _bare(text: str, name: str) -> bool:
    """Outside quotes a variable stands for a JSON value, inside for its text."""
    before = text.split(f"<{name}>", 1)[0]
    return before.count('"') % 2 == 0
