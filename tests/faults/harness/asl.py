"""The data side of the Amazon States Language: paths, parameters, intrinsics, choice rules."""

from __future__ import annotations

import copy
import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

JSON = Any


class Unsupported(Exception):
    """A construct this interpreter refuses, so that nobody relies on a guess."""


class PathMissing(Exception):
    """A reference path points at nothing; the run fails with States.Runtime."""


_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\['([^']+)'\]")


def look_up(path: str, data: JSON, context: JSON) -> JSON:
    """The value at a reference path in the state's data, or (with `$$`) in the context object."""
    root, rest = (context, path[2:]) if path.startswith("$$") else (data, path[1:])
    for step in _steps(rest, path):
        try:
            root = root[step]
        except (KeyError, IndexError, TypeError):
            raise PathMissing(path) from None
    return root


def _steps(rest: str, path: str) -> list[str | int]:
    steps: list[str | int] = []
    position = 0
    while position < len(rest):
        found = _STEP.match(rest, position)
        if found is None:
            raise Unsupported(f"path {path}")
        steps.append(int(found[2]) if found[2] else found[1] or found[3])
        position = found.end()
    return steps


def put(path: str | None, data: JSON, result: JSON) -> JSON:
    """The state's data with the result at its ResultPath; `None` drops the result."""
    if path is None:
        return data
    if path == "$":
        return result
    changed = copy.deepcopy(data) if isinstance(data, dict) else {}
    *parents, last = _steps(path[1:], path)
    place = changed
    for step in parents:
        place = place.setdefault(step, {})
    place[last] = copy.deepcopy(result)
    return changed


def fill(template: JSON, data: JSON, context: JSON) -> JSON:
    """Parameters or a ResultSelector, with every `.$` field evaluated."""
    if isinstance(template, list):
        return [fill(inner, data, context) for inner in template]
    if not isinstance(template, dict):
        return template
    filled = {}
    for name, inner in template.items():
        if name.endswith(".$"):
            filled[name[:-2]] = evaluate(inner, data, context)
        else:
            filled[name] = fill(inner, data, context)
    return copy.deepcopy(filled)


def evaluate(expression: str, data: JSON, context: JSON) -> JSON:
    """One reference path or intrinsic function."""
    if expression.startswith("$"):
        return look_up(expression, data, context)
    found = re.fullmatch(r"States\.(\w+)\((.*)\)", expression, re.DOTALL)
    if found is None or found[1] not in _INTRINSICS:
        raise Unsupported(f"expression {expression}")
    arguments = [_argument(text, data, context) for text in _split(found[2])]
    return _INTRINSICS[found[1]](*arguments)


def _split(text: str) -> list[str]:
    parts, depth, quoted, start = [], 0, False, 0
    for position, character in enumerate(text):
        if character == "'" and text[position - 1] != "\\":
            quoted = not quoted
        elif not quoted and character in "()":
            depth += 1 if character == "(" else -1
        elif character == "," and not quoted and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def _argument(text: str, data: JSON, context: JSON) -> JSON:
    if text.startswith("'"):
        return text[1:-1].replace("\\'", "'")
    if text.startswith(("$", "States.")):
        return evaluate(text, data, context)
    return json.loads(text)


def _format(template: str, *values: JSON) -> str:
    for value in values:
        shown = value if isinstance(value, str) else json.dumps(value)
        template = template.replace("{}", shown, 1)
    return template


_INTRINSICS: dict[str, Callable[..., JSON]] = {
    "Format": _format,
    "JsonToString": lambda value: json.dumps(value, separators=(",", ":")),
    "StringToJson": json.loads,
    "JsonMerge": lambda first, second, _deep=False: {**first, **second},
    "Array": lambda *values: list(values),
    "MathAdd": lambda first, second: first + second,
    "UUID": lambda: str(uuid.uuid4()),
}

_TYPE_TESTS: dict[str, Callable[[JSON], bool]] = {
    "IsNull": lambda value: value is None,
    "IsString": lambda value: isinstance(value, str),
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsNumeric": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
_ORDER: dict[str, Callable[[JSON, JSON], bool]] = {
    "Equals": lambda found, wanted: found == wanted,
    "LessThan": lambda found, wanted: found < wanted,
    "GreaterThan": lambda found, wanted: found > wanted,
    "LessThanEquals": lambda found, wanted: found <= wanted,
    "GreaterThanEquals": lambda found, wanted: found >= wanted,
}
_COMPARED: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Numeric": (int, float),
    "Boolean": (bool,),
    "Timestamp": (str,),
}
_PLAIN_KEYS = {"Variable", "Next", "Comment"}


def chosen(state: dict[str, JSON], data: JSON, context: JSON) -> str:
    """The next state of a Choice."""
    for rule in state["Choices"]:
        if _holds(rule, data, context):
            return str(rule["Next"])
    if "Default" not in state:
        raise PathMissing("States.NoChoiceMatched")
    return str(state["Default"])


def _holds(rule: dict[str, JSON], data: JSON, context: JSON) -> bool:
    if "And" in rule:
        return all(_holds(inner, data, context) for inner in rule["And"])
    if "Or" in rule:
        return any(_holds(inner, data, context) for inner in rule["Or"])
    if "Not" in rule:
        return not _holds(rule["Not"], data, context)
    (operator,) = set(rule) - _PLAIN_KEYS
    wanted = rule[operator]
    if operator == "IsPresent":
        return _is_present(rule["Variable"], data, context) is wanted
    found = look_up(rule["Variable"], data, context)
    if operator in _TYPE_TESTS:
        return _TYPE_TESTS[operator](found) is wanted
    if operator.endswith("Path"):
        operator, wanted = operator.removesuffix("Path"), look_up(wanted, data, context)
    parts = re.fullmatch(r"(String|Numeric|Boolean|Timestamp)(\w+)", operator)
    if parts is None or parts[2] not in _ORDER:
        raise Unsupported(f"choice operator {operator}")
    return isinstance(found, _COMPARED[parts[1]]) and _ORDER[parts[2]](found, wanted)


def _is_present(path: str, data: JSON, context: JSON) -> bool:
    try:
        look_up(path, data, context)
    except PathMissing:
        return False
    return True


def seconds_of(timestamp: str) -> float:
    """An ISO timestamp as seconds since the epoch."""
    return datetime.fromisoformat(timestamp).timestamp()
