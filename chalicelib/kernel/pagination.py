"""Pages of a list: what a caller asks for and what a store answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

PAGE_SIZE_DEFAULT: Final = 20
PAGE_SIZE_MAX: Final = 100

T = TypeVar("T")
U = TypeVar("U")

Position = Mapping[str, str]
"""Where a page ended: the store's own key; it leaves the shop only inside a signed cursor."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """At most `limit` entries behind `after`."""

    limit: int = PAGE_SIZE_DEFAULT
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page and where the next begins, if there is one."""

    items: tuple[T, ...]
    next: Position | None = None

    def map(self, change: Callable[[T], U]) -> "Page[U]":
        """The same page with every entry changed."""
        return Page(tuple(change(item) for item in self.items), self.next)
