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
    if not isinstance(attribute, Mapping):
        raise TypeError("an attribute without its kind")
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "B" | "BOOL":
            return value
        case "N":
            return int(value)
        case "NULL":
            return None
        case "L":
            return [from_attribute(element) for element in value]
        case "M":
            return {name: from_attribute(element) for name, element in value.items()}
        case _:
            raise TypeError(f"attribute kind {kind} is not used here")


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """An item as DynamoDB writes it; fields that are None are not stored."""
    return {name: to_attribute(value) for name, value in values.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> Item:
    """The plain values of an item."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def to_key(key: Key) -> dict[str, Any]:
    """A primary key as DynamoDB writes it."""
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}
