"""Items as plain Python values and as DynamoDB writes them; integers only, never a float."""

from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]  # Any: an item is JSON of many shapes; stores turn it into entities
Key = tuple[str, str]


def to_attribute(value: Any) -> dict[str, Any]:
    """One value in DynamoDB's own notation; TypeError for a float or another foreign type."""
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case bytes():
            return {"B": value}
        case list() | tuple():
            return {"L": [to_attribute(element) for element in value]}
        case Mapping():
            return {"M": {name: to_attribute(element) for name, element in value.items()}}
        case _:
            raise TypeError(f"{type(value).__name__} has no place in an item")


def from_attribute(attribute: Mapping[str, Any]) -> Any:  # Any: see Item
    """The plain value of one attribute."""
    # Asked for every value of every row that is read: the commonest kinds first, no matching.
    if not isinstance(attribute, dict):
        raise TypeError("an attribute without its kind")
    for kind, value in attribute.items():
        if kind in {"S", "B", "BOOL"}:
            return value
        if kind == "N":
            return int(value)
        if kind == "M":
            return {name: from_attribute(element) for name, element in value.items()}
        if kind == "L":
            return [from_attribute(element) for element in value]
        if kind == "NULL":
            return None
    raise TypeError(f"{set(attribute)} is no attribute kind that is used here")


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """An item as DynamoDB writes it; fields that are None are not stored."""
    return {name: to_attribute(value) for name, value in values.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> Item:
    """The plain values of an item."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def to_key(key: Key) -> dict[str, Any]:
    """A primary key as DynamoDB writes it."""
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}
