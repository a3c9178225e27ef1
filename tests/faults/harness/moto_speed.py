"""Makes the in-process emulator cheap enough for thousands of points, without changing answers.

Rows are never changed in place any more: an update works on a copy that replaces the row. So a
snapshot of a table is its index alone, and a failed transaction puts the old rows back.
"""

from __future__ import annotations

import base64
import copy
import gc
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import moto.core.responses as moto_responses
import moto.core.serialize as moto_serialize
import moto.dynamodb.models as moto_dynamodb
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

ATTRIBUTE = "AttributeValue"
TEXT = "S"
GARBAGE_THRESHOLD = 200_000


class _Copies:
    """What `copy` is to the emulator's tables: whole tables and replaced rows need no copy."""

    copy = staticmethod(copy.copy)

    def __init__(self) -> None:
        self.replaced: dict[int, Item | None] = {}

    def deepcopy(self, value: Any, memo: dict[int, Any] | None = None) -> Any:
        """A copy where one is needed."""
        if isinstance(value, Table):
            return value
        if isinstance(value, Item) and id(value) in self.replaced:
            return self.replaced.pop(id(value))
        return copy.deepcopy(value, memo)


def _place(table: Any, key: dict[str, Any]) -> tuple[Any, Any]:
    partition = DynamoType(key[table.hash_key_attr])
    sort = DynamoType(key[table.range_key_attr]) if table.range_key_attr else None
    return partition, sort


def _updating(original: Any, copies: _Copies) -> Any:
    """Updates that replace the row they change."""

    def update_item(
        backend: Any, table_name: str, key: dict[str, Any], *rest: Any, **more: Any
    ) -> Any:
        table = backend.get_table(table_name)
        partition, sort = _place(table, key)
        before = table.get_item(partition, sort)
        if before is None or sort is None:
            return original(backend, table_name, key, *rest, **more)
        working = copy.deepcopy(before)
        copies.replaced[id(working)] = before
        table.items[partition][sort] = working
        try:
            return original(backend, table_name, key, *rest, **more)
        except BaseException:
            table.items[partition][sort] = before
            raise
        finally:
            copies.replaced.pop(id(working), None)

    return update_item


def _transacting(original: Any) -> Any:
    """Transactions that undo only the rows they touched."""

    def transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> None:
        operations = [next(iter(item.values())) for item in transact_items]
        tables = {id(t): t for t in (backend.get_table(o["TableName"]) for o in operations)}
        lengths = [(t, len(t.stream_shard.items)) for t in tables.values() if t.stream_shard]
        touched = []
        for operation in operations:
            table = backend.get_table(operation["TableName"])
            partition, sort = _place(table, operation.get("Key") or operation["Item"])
            touched.append((table, partition, sort, table.get_item(partition, sort)))
        try:
            original(backend, transact_items)
        except BaseException:
            for table, partition, sort, before in touched:
                _put_back(table, partition, sort, before)
            for table, length in lengths:
                del table.stream_shard.items[length:]
            raise

    return transact_write_items


def _put_back(table: Any, partition: Any, sort: Any, before: Any) -> None:
    if sort is None:
        if before is None:
            table.items.pop(partition, None)
        else:
            table.items[partition] = before
    elif before is not None:
        table.items[partition][sort] = before
    elif partition in table.items:
        table.items[partition].pop(sort, None)


def _wire(value: dict[str, Any]) -> dict[str, Any]:
    """An attribute value as it goes over the wire."""
    ((kind, content),) = value.items()
    match kind:
        case "M":
            return {kind: {name: _wire(inner) for name, inner in content.items()}}
        case "L":
            return {kind: [_wire(inner) for inner in content]}
        case "B" if isinstance(content, bytes):
            return {kind: base64.b64encode(content).decode()}
        case _:
            return value


def _serializing(original: Any) -> Any:
    """Attribute values are in their wire form already."""

    def serialize(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name == ATTRIBUTE and key and type(value) is dict and len(value) == 1:
            self._default_serialize(serialized, _wire(value), shape, key)
        else:
            original(self, serialized, value, shape, key)

    return serialize


def _casting(original: Any) -> property:
    """Text, which is nearly everything, needs no cast."""

    def cast_value(self: Any) -> Any:
        return self.value if self.type == TEXT else original.fget(self)

    return property(cast_value)


def _present(owner: Any, name: str) -> Any:
    """What stands there now; of a class its descriptor, not what it gives."""
    return vars(owner).get(name) or getattr(owner, name)


def _equal(left: Any, right: Any) -> bool:
    if left.type != right.type:
        return False
    if left.type == TEXT:
        return bool(left.value == right.value)
    return bool(left.cast_value == right.cast_value)


def speed_up() -> Callable[[], None]:
    """Patch the emulator; returns the undo."""
    copies = _Copies()
    backend: Any = moto_dynamodb.DynamoDBBackend
    models: Any = moto_dynamodb
    serializer: Any = moto_serialize.BaseJSONSerializer
    responses: Any = moto_responses
    replacements: list[tuple[Any, str, Any]] = [
        (DynamoType, "cast_value", _casting(vars(DynamoType)["cast_value"])),
        (DynamoType, "__eq__", _equal),
        (models, "copy", copies),
        (backend, "update_item", _updating(backend.update_item, copies)),
        (backend, "transact_write_items", _transacting(backend.transact_write_items)),
        (
            serializer,
            "_serialize_type_structure",
            _serializing(serializer._serialize_type_structure),
        ),
        (
            responses,
            "method_names_from_class",
            lru_cache(maxsize=None)(responses.method_names_from_class),
        ),
        (
            responses,
            "camelcase_to_underscores",
            lru_cache(maxsize=None)(responses.camelcase_to_underscores),
        ),
    ]
    undo: list[Callable[[], None]] = []
    for owner, name, value in replacements:
        undo.append(partial(setattr, owner, name, _present(owner, name)))
        setattr(owner, name, value)
    # Thousands of modules and models live for ever; looking through them again costs a fifth.
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    undo += [gc.unfreeze, partial(gc.set_threshold, *thresholds)]

    def restore() -> None:
        while undo:
            undo.pop()()

    return restore
