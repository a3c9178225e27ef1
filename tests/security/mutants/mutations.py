"""Mutants of an event: one field dropped, renamed, retyped, nested wrong or filled with malice."""

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

CANARY = "canary.amina@souk.example"
HOSTILE = (
    CANARY,
    f'{CANARY}"}}\n{{"level":"INFO","message":"forged"}}',
    "",
    " ",
    "\x00",
    "\ud800",
    "a\u202eb",
    "#pk = :pk",
    "${jndi:ldap://x}",
    "../../etc/passwd",
    "x" * 3_000,
    "x" * 70_000,
    "usr_01J0000000000000000000000\u0660",
    "[" * 60,
)
OTHERS: tuple[Any, ...] = (
    None, True, False, 0, -1, 7, 10**40, 1.5, float("nan"), "", "x", [], {}, [None], {"S": "x"},
)  # fmt: skip
KINDS = ("dropped", "renamed", "retyped", "nested", "hostile")
Json = Any
Path = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed event, and what was changed where."""

    event: Json
    kind: str
    path: Path

    def __str__(self) -> str:
        """Tell a failing mutant from others."""
        return f"{self.kind} {'.'.join(map(str, self.path))}"


def mutants(
    good: Json, draws: random.Random, is_ours: Callable[[Path], bool] = lambda _path: True
) -> Iterator[Mutant]:
    """Endless: mutants of `good` in the places that `is_ours` names."""
    places = [path for path in _paths(good, ()) if is_ours(path)]
    while True:
        path = draws.choice(places)
        kind = draws.choice(KINDS)
        event = copy.deepcopy(good)
        if _mutate(event, path, kind, draws) and event != good:
            yield Mutant(event, kind, path)


def _paths(value: Json, above: Path) -> Iterator[Path]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in pairs:
        yield (*above, key)
        if isinstance(child, dict | list):
            yield from _paths(child, (*above, key))


def _mutate(event: Json, path: Path, kind: str, draws: random.Random) -> bool:
    holder = event
    for key in path[:-1]:
        holder = holder[key]
    key = path[-1]
    match kind:
        case "dropped" if isinstance(holder, dict):
            del holder[key]
        case "renamed" if isinstance(holder, dict):
            holder[draws.choice((f"{key}_", str(key).upper(), CANARY))] = holder.pop(key)
        case "retyped":
            before = holder[key]
            others = [one for one in OTHERS if type(one) is not type(before)]
            holder[key] = draws.choice(others)
        case "nested":
            holder[key] = draws.choice(({key: holder[key]}, [holder[key]], [[holder[key]]]))
        case "hostile" if isinstance(holder[key], str):
            holder[key] = draws.choice(HOSTILE)
        case _:
            return False
    return True
