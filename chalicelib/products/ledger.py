"""The stock ledger as writes for other slices' transactions: Stock(kind) of domain rule 3.5.

Each line of an order moves one stock row under its floor, and leaves one movement that no
second transaction for the same cause and kind can leave again. The writes carry labels:
`stock:<variant>` failed means too few of that variant, `movement:<variant>` failed means that
this cause moved it before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from chalicelib.aws.items import Item
from chalicelib.aws.writes import Put, Update, Write
from chalicelib.products.keys import movement_key, stock_key

STOCK: Final = "stock:"
MOVEMENT: Final = "movement:"


class Kind(StrEnum):
    """What an order does to stock."""

    RESERVE = "RESERVE"
    RELEASE = "RELEASE"
    COMMIT = "COMMIT"
    RETURN = "RETURN"


class Line(NamedTuple):
    """So many units of one variant."""

    variant_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Reason:
    """Why stock moves: the order or refund, who moved it (an id or a function's name), when."""

    ref: str
    actor: str
    at: str


class _Effect(NamedTuple):
    available: int
    reserved: int
    on_hand: int
    floor: str


_EFFECTS: Final[Mapping[Kind, _Effect]] = MappingProxyType(
    {
        Kind.RESERVE: _Effect(-1, +1, 0, "available"),
        Kind.RELEASE: _Effect(+1, -1, 0, "reserved"),
        Kind.COMMIT: _Effect(0, -1, -1, "reserved"),
        Kind.RETURN: _Effect(+1, 0, +1, ""),
    }
)


def moves(kind: Kind, lines: Sequence[Line], reason: Reason) -> list[Write]:
    """Two writes a line: the stock row under its floor, and the movement that tells of it.

    A variant may stand in one line only: an order merges its lines before it is placed.
    """
    effect = _EFFECTS[kind]
    writes: list[Write] = []
    for line in lines:
        writes.append(_stock_update(effect, line, reason.at))
        writes.append(_movement_put(kind, effect, line, reason))
    return writes


def short_of(labels: Iterable[str]) -> list[str]:
    """The variants of which too few were left, from the labels of a failed transaction."""
    return sorted(label.removeprefix(STOCK) for label in labels if label.startswith(STOCK))


def _stock_update(effect: _Effect, line: Line, at: str) -> Update:
    floored = bool(effect.floor)
    deltas = {
        "available": effect.available * line.quantity,
        "reserved": effect.reserved * line.quantity,
        "on_hand": effect.on_hand * line.quantity,
    }
    return Update(
        stock_key(line.variant_id),
        set={"updated_at": at},
        add={name: delta for name, delta in deltas.items() if delta},
        condition=f"#{effect.floor} >= :quantity" if floored else "attribute_exists(#pk)",
        values={"quantity": line.quantity} if floored else {},
        label=f"{STOCK}{line.variant_id}",
    )


def _movement_put(kind: Kind, effect: _Effect, line: Line, reason: Reason) -> Put:
    pk, sk = movement_key(line.variant_id, reason.ref, kind)
    item: Item = {
        "pk": pk,
        "sk": sk,
        "ref": reason.ref,
        "kind": kind.value,
        "available_delta": effect.available * line.quantity,
        "reserved_delta": effect.reserved * line.quantity,
        "on_hand_delta": effect.on_hand * line.quantity,
        "actor": reason.actor,
        "at": reason.at,
    }
    return Put(item, label=f"{MOVEMENT}{line.variant_id}")
