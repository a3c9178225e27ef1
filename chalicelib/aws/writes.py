"""The four writes of domain rule 3.5, each with its condition: put, update, check, delete.

Conditions name attributes as `#status` and values as `:from`; names are always aliased, so no
reserved word can bite.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from chalicelib.aws.items import Item, Key, to_attribute, to_item, to_key

ABSENT: Final = "attribute_not_exists(#pk)"
EXISTS: Final = "attribute_exists(#pk)"

_NAME: Final = re.compile(r"#(\w+)")
Values = Mapping[str, Any]  # Any: values of many shapes, as in Item


def _aliases(*expressions: str) -> dict[str, str]:
    return {f"#{name}": name for text in expressions for name in _NAME.findall(text)}


def _with_terms(request: dict[str, Any], values: Values, *expressions: str) -> dict[str, Any]:
    names = _aliases(*expressions)
    if names:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = {
            f":{name}": to_attribute(value) for name, value in values.items()
        }
    return request


@dataclass(frozen=True, slots=True)
class Put:
    """Put an item; by default only where none is."""

    item: Item
    label: str = ""
    condition: str = ABSENT
    values: Values = field(default_factory=dict)
    kind = "Put"

    @property
    def key(self) -> Key:
        """The primary key of the item."""
        return self.item["pk"], self.item["sk"]

    def request(self, table: str) -> dict[str, Any]:
        """The operation as the service takes it."""
        request = {"TableName": table, "Item": to_item(self.item)}
        if self.condition:
            request["ConditionExpression"] = self.condition
        return _with_terms(request, self.values, self.condition)


@dataclass(frozen=True, slots=True)
class Update:
    """Set, add to and remove top-level attributes under a condition.

    A value of None in `set` removes the attribute, since null fields are not stored.
    """

    key: Key
    set: Values = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    condition: str = EXISTS
    values: Values = field(default_factory=dict)
    label: str = ""
    kind = "Update"

    def request(self, table: str) -> dict[str, Any]:
        """The operation as the service takes it."""
        kept = {name: value for name, value in self.set.items() if value is not None}
        removed = [f"#{name}" for name, value in self.set.items() if value is None]
        assigned = [f"#{name} = :set_{name}" for name in kept]
        raised = [f"#{name} :add_{name}" for name in self.add]
        parts = (("SET", assigned), ("ADD", raised), ("REMOVE", removed))
        expression = " ".join(f"{verb} {', '.join(terms)}" for verb, terms in parts if terms)
        values = {
            **self.values,
            **{f"set_{name}": value for name, value in kept.items()},
            **{f"add_{name}": value for name, value in self.add.items()},
        }
        request: dict[str, Any] = {
            "TableName": table,
            "Key": to_key(self.key),
            "UpdateExpression": expression,
            "ConditionExpression": self.condition,
        }
        return _with_terms(request, values, self.condition, expression)


@dataclass(frozen=True, slots=True)
class Check:
    """Hold a condition on an item that the transaction does not write."""

    key: Key
    condition: str = EXISTS
    values: Values = field(default_factory=dict)
    label: str = ""
    kind = "ConditionCheck"

    def request(self, table: str) -> dict[str, Any]:
        """The operation as the service takes it."""
        request = {
            "TableName": table,
            "Key": to_key(self.key),
            "ConditionExpression": self.condition,
        }
        return _with_terms(request, self.values, self.condition)


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an item under a condition."""

    key: Key
    condition: str = EXISTS
    values: Values = field(default_factory=dict)
    label: str = ""
    kind = "Delete"

    def request(self, table: str) -> dict[str, Any]:
        """The operation as the service takes it."""
        request: dict[str, Any] = {"TableName": table, "Key": to_key(self.key)}
        # Cleaning up may find that it is done already; it says so with an empty condition.
        if self.condition:
            request["ConditionExpression"] = self.condition
        return _with_terms(request, self.values, self.condition)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A write on another table than the rest of its transaction."""

    write: Put | Update | Check | Delete
    table: str

    @property
    def kind(self) -> str:
        """What the write itself is."""
        return self.write.kind

    @property
    def label(self) -> str:
        """The label of the write itself."""
        return self.write.label

    def request(self, table: str) -> dict[str, Any]:  # noqa: ARG002 - the port's signature
        """The operation as the service takes it, on the table of its own."""
        return self.write.request(self.table)


Write = Put | Update | Check | Delete | Elsewhere


def relabelled(write: Write, prefix: str) -> Write:
    """The same write, its label prefixed: whose it is tells who joins another's transaction."""
    if isinstance(write, Elsewhere):
        return replace(write, write=replace(write.write, label=f"{prefix}{write.label}"))
    return replace(write, label=f"{prefix}{write.label}")
