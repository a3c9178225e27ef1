"""Values that a JSON schema allows, and values that it does not: drawn, never hand-picked."""

import copy
import json
import random
import re
import re._constants as codes  # type: ignore[import-not-found]
import re._parser as patterns  # type: ignore[import-not-found]
from collections.abc import Mapping, Sequence
from typing import Any

import jsonschema_rs

TEXTS = (
    "plain words",
    "' OR '1'='1",
    "#pk = :pk",
    "attribute_not_exists(pk)",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "=1+1",
    "%s%n%x",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "a\u202eb\u2066c",
    "e\u0301\ufb01\u1e9e",
    "\U0001f9ff\U0010ffff",
    "\ufeffmark",
    "EVT#00000001",
    "null",
    "0",
)
CONTROLS = ("\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\r\n", "\u009f")
TEXT_LENGTH = 24
REPEATS = 3
TRIES = 40
Json = Any


class Samples:
    """Draws values for the schemas of one OpenAPI document."""

    def __init__(
        self, document: Mapping[str, Json], known: Mapping[str, Sequence[str]], draws: random.Random
    ) -> None:
        """`known` has real values by field name, so that some draws reach what exists."""
        self._components = document["components"]
        self.known = known
        self.draws = draws
        self._validators: dict[str, Any] = {}

    # --- what is allowed -----------------------------------------------------------------------
    def valid(self, schema: Mapping[str, Json], name: str = "") -> Json:
        """A value that the schema allows."""
        draw = self._draw(self.resolved(schema), name)
        if name in self.known and isinstance(draw, str) and self.draws.random() < 0.7:
            real = self.draws.choice(self.known[name])
            return real if self.allows(schema, real) else draw
        return draw

    def resolved(self, schema: Mapping[str, Json]) -> Mapping[str, Json]:
        """The schema behind a reference."""
        while "$ref" in schema:
            schema = self._components["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        return schema

    def allows(self, schema: Mapping[str, Json], value: Json) -> bool:
        """Whether a standard validator takes the value."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            whole = {**schema, "components": self._components}
            self._validators[key] = jsonschema_rs.validator_for(whole)
        return bool(self._validators[key].is_valid(value))

    def _draw(  # noqa: C901 - one arm a type
        self, schema: Mapping[str, Json], name: str
    ) -> Json:
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self.valid(self.draws.choice(schema[several]), name)
        if "const" in schema or "enum" in schema:
            return schema.get("const") or self.draws.choice(schema["enum"])
        match schema.get("type"):
            case "object":
                return self._object(schema)
            case "array":
                return self._array(schema)
            case "string":
                return self._string(schema)
            case "integer":
                return self._integer(schema)
            case "boolean":
                return self.draws.random() < 0.5
            case "null":
                return None
            case other:
                raise NotImplementedError(other)

    def _object(self, schema: Mapping[str, Json]) -> dict[str, Json]:
        required = set(schema.get("required", ()))
        made = {
            name: self.valid(about, name)
            for name, about in schema.get("properties", {}).items()
            if name in required or self.draws.random() < 0.6
        }
        for pattern, about in schema.get("patternProperties", {}).items():
            names = {"type": "string", "pattern": pattern, **schema.get("propertyNames", {})}
            for _ in range(self.draws.randrange(REPEATS)):
                made[self.valid(names)] = self.valid(about)
        return made

    def _array(self, schema: Mapping[str, Json]) -> list[Json]:
        least = schema.get("minItems", 0)
        count = self.draws.randint(least, min(schema.get("maxItems", REPEATS), least + REPEATS))
        return [self.valid(schema["items"]) for _ in range(count)]

    def _integer(self, schema: Mapping[str, Json]) -> int:
        least, most = schema.get("minimum", -10), schema.get("maximum", 1000)
        most = max(least, most)
        drawn: int = self.draws.choice([least, most, self.draws.randint(least, most)])
        return drawn

    def _string(self, schema: Mapping[str, Json]) -> str:
        least, most = schema.get("minLength", 0), schema.get("maxLength", TEXT_LENGTH)
        pattern = schema.get("pattern")
        for _ in range(TRIES):
            drawn = self._text(least, most)
            if pattern is None or re.search(pattern.replace("$", r"\Z"), drawn):
                return drawn
            drawn = self._matching(pattern)
            if least <= len(drawn) <= most or "maxLength" not in schema:
                return drawn
        raise ValueError(f"nothing found for {schema}")

    def _text(self, least: int, most: int) -> str:
        text = self.draws.choice(TEXTS)
        if most > len(text) and self.draws.random() < 0.1:
            return text + "\U0001f9ff" * (most - len(text))
        return text.ljust(least, "x")[:most]

    def _matching(self, pattern: str) -> str:
        return "".join(self._of(node) for node in patterns.parse(pattern))

    def _of(self, node: Any) -> str:
        kind, about = node
        match kind:
            case codes.LITERAL:
                return chr(about)
            case codes.IN:
                return self._one_of(about)
            case codes.MAX_REPEAT:
                least, most, inner = about
                times = self.draws.randint(least, min(most, least + 12))
                return "".join(self._of(part) for _ in range(times) for part in inner)
            case codes.SUBPATTERN:
                return "".join(self._of(part) for part in about[3])
            case codes.BRANCH:
                return "".join(self._of(part) for part in self.draws.choice(about[1]))
            case codes.AT:
                return ""
            case other:
                raise NotImplementedError(other)

    def _one_of(self, about: Sequence[Any]) -> str:
        if about[0][0] is codes.NEGATE:
            return self.draws.choice("abcXYZ0189é\u4e2d")
        kind, told = self.draws.choice(about)
        return chr(told) if kind is codes.LITERAL else chr(self.draws.randint(*told))

    # --- what is not allowed -------------------------------------------------------------------
    def broken(self, schema: Mapping[str, Json]) -> Json:
        """A value like an allowed one that breaks the schema in one place."""
        for _ in range(TRIES):
            value = self.valid(schema)
            wrong = self._break(copy.deepcopy(value))
            # To a schema 1.0 is an integer; on the shop's wire it is a float, and refused.
            if not self.allows(schema, wrong) or _has_float(wrong):
                return wrong
        return self.draws.choice([None, 7, "text", [], True])

    def _break(self, value: Json) -> Json:
        places = list(_places(value))
        holder, key = self.draws.choice(places)
        if holder is None:
            return self._retyped(value)
        if isinstance(holder, dict) and self.draws.random() < 0.35:
            self._rearrange(holder, key)
        else:
            holder[key] = self._retyped(holder[key])
        return value

    def _rearrange(self, holder: dict[str, Json], key: str) -> None:
        match self.draws.randrange(4):
            case 0:
                del holder[key]
            case 1:
                holder[self.draws.choice(("role", "id", "__proto__", "pk", "x" * 300))] = 1
            case 2:
                holder[key.upper() + "_"] = holder.pop(key)
            case _:
                holder[key] = {key: holder[key]}

    def _retyped(self, value: Json) -> Json:
        other: list[Json] = [None, True, 0, -1, 10**12, 10**30, 1.5, 1.0, "", "x", [], {}, [value]]
        if isinstance(value, str):
            at = self.draws.randint(0, len(value))
            control = self.draws.choice(CONTROLS)
            other += [value[:at] + control + value[at:], value * 3000, " ", value + "\n"] * 3
        if isinstance(value, int):
            other += [-value, value + 10**9, str(value), float(value)] * 2
        if isinstance(value, list):
            other += [value * 40, [*value, None]] * 3
        return self.draws.choice(other)


def _places(value: Json) -> list[tuple[Json, Json]]:
    """Every place of a value as its holder and key; the value itself as (None, None)."""
    found: list[tuple[Json, Json]] = [(None, None)]
    level = [value]
    while level:
        holder = level.pop()
        pairs = list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder))
        for key, child in pairs:
            found.append((holder, key))
            if isinstance(child, dict | list):
                level.append(child)
        if not isinstance(holder, dict | list):
            break
    return found


def _has_float(value: Json) -> bool:
    if isinstance(value, dict):
        return any(map(_has_float, value.values()))
    if isinstance(value, list):
        return any(map(_has_float, value))
    return isinstance(value, float)
