"""Categories in the core table."""

from dataclasses import replace
from typing import Final

from chalicelib.aws.event_rows import event_put, step
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.writes import Put
from chalicelib.kernel.domain_events import CATEGORY_CHANGED, Cause, DomainEvent
from chalicelib.kernel.errors import VersionMismatch
from chalicelib.products.kept import Kept
from chalicelib.products.keys import ALL_CATEGORIES, category_key
from chalicelib.products.rows import category_fields, category_item, category_of
from chalicelib.products.rules import CATEGORIES_MAX, Category, SlugTaken, changed_fields

_IN_ORDER: Final = "in order"


class CategoryTable:
    """Categories in the core table; implements `categories.Categories`."""

    def __init__(self, table: Table, memory: Kept[tuple[Category, ...]]) -> None:
        self._table = table
        self._memory = memory

    def category(self, category_id: str) -> Category | None:
        """The category as last written."""
        item = self._table.get(category_key(category_id))
        return None if item is None else category_of(item)

    def in_order(self) -> tuple[Category, ...]:
        """From this process' memory if they were read less than 30 s ago."""
        kept = self._memory.get(_IN_ORDER)
        return self._memory.keep(_IN_ORDER, self._all()) if kept is None else kept

    def count(self) -> int:
        """Counted afresh: at most two hundred small rows."""
        return len(self._all())

    def _all(self) -> tuple[Category, ...]:
        query = Query(ALL_CATEGORIES, index="gsi1")
        return tuple(map(category_of, self._table.query_all(query, most=CATEGORIES_MAX)))

    def open(self, category: Category, cause: Cause) -> None:
        """The row and its event; SlugTaken if the id is in use."""
        event = _event(category, [], cause)
        writes = [
            Put(category_item(category), label="root"),
            event_put(category_key(category.id)[0], event),
        ]
        try:
            self._table.transact(writes)
        except ConditionFailed as failed:
            raise SlugTaken from failed
        finally:
            self._memory.forget(_IN_ORDER)

    def change(self, before: Category, after: Category, cause: Cause) -> Category:
        """One step; VersionMismatch if another change came first."""
        after = replace(after, version=before.version + 1)
        event = _event(after, changed_fields(before, after), cause)
        try:
            self._table.transact(
                step(category_key(after.id), event, category_fields(after), "", {})
            )
        except ConditionFailed as failed:
            raise VersionMismatch from failed
        finally:
            self._memory.forget(_IN_ORDER)
        return after


def _event(category: Category, changed: list[str], cause: Cause) -> DomainEvent:
    told = CATEGORY_CHANGED.data(category=category.id, changed=changed)
    aggregate_id = f"cat_{category.id}"
    return DomainEvent(CATEGORY_CHANGED, aggregate_id, category.version, cause, told)
