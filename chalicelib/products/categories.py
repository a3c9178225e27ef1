"""Categories: opened, changed and listed in the order of the shop."""

from dataclasses import dataclass, replace
from typing import Protocol

from chalicelib.kernel.domain_events import Cause
from chalicelib.kernel.errors import NotFound, VersionMismatch
from chalicelib.kernel.ids import Ids, body_of
from chalicelib.products.rules import CATEGORIES_MAX, Category, TooMany, changed_fields, slug_of
from chalicelib.products.schemas import CategoryChanges, NewCategory


class Categories(Protocol):
    """Where categories are kept."""

    def category(self, category_id: str) -> Category | None:
        """The category as last written."""
        ...

    def in_order(self) -> tuple[Category, ...]:
        """All categories by position, as they were at most 30 s ago."""
        ...

    def count(self) -> int:
        """How many there are."""
        ...

    def open(self, category: Category, cause: Cause) -> None:
        """Write a new category; SlugTaken if its id is in use."""
        ...

    def change(self, before: Category, after: Category, cause: Cause) -> Category:
        """Write a change to the next version; VersionMismatch if another came first."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """What the use cases of categories need."""

    categories: Categories
    ids: Ids


def open_category(wanted: NewCategory, cause: Cause, deps: Deps) -> Category:
    """A new category; its id is made from the title unless given."""
    if deps.categories.count() >= CATEGORIES_MAX:
        raise TooMany(f"The shop has at most {CATEGORIES_MAX} categories.")
    fallback = f"category-{body_of(deps.ids.new('cat'))[-8:].lower()}"
    category = Category(
        id=wanted.id or slug_of(wanted.title) or fallback,
        title=wanted.title,
        description=wanted.description,
        position=wanted.position,
        hidden=False,
        version=1,
    )
    deps.categories.open(category, cause)
    return category


def change_category(
    category_id: str, version: int, wanted: CategoryChanges, cause: Cause, deps: Deps
) -> Category:
    """The category with the fields given; unchanged if they say nothing new."""
    before = read_category(category_id, deps)
    if before.version != version:
        raise VersionMismatch
    after = replace(before, **wanted.model_dump(exclude_none=True))
    if not changed_fields(before, after):
        return before
    return deps.categories.change(before, after, cause)


def read_category(category_id: str, deps: Deps) -> Category:
    """One category, also a hidden one."""
    category = deps.categories.category(category_id)
    if category is None:
        raise NotFound
    return category


def shown_categories(deps: Deps) -> tuple[Category, ...]:
    """All categories that are not hidden, by position."""
    return tuple(one for one in deps.categories.in_order() if not one.hidden)
