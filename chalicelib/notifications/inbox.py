"""The inbox in the shop: what a user was told, and what of it was read."""

from dataclasses import dataclass
from typing import Final, Protocol

from chalicelib.kernel.clock import Clock, instant
from chalicelib.kernel.errors import NotFound
from chalicelib.kernel.pagination import Page, PageRequest

UNREAD_TOLD_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Reference:
    """What a notification is about."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """One notification as its reader sees it."""

    id: str
    kind: str
    title: str
    body: str
    ref: Reference | None
    read: bool
    created_at: str


class Inboxes(Protocol):
    """The inboxes of all users."""

    def entries(self, user_id: str, page: PageRequest, *, unread: bool) -> Page[InboxEntry]:
        """One page, newest first; only what is unread, if asked so."""
        ...

    def unread(self, user_id: str) -> int:
        """How much is unread; 100 stands for 100 or more."""
        ...

    def mark_read(self, user_id: str, notification_id: str, at: str) -> bool:
        """Mark one as read, also if it is; False if the user has no such notification."""
        ...

    def mark_all_read(self, user_id: str, at: str) -> None:
        """Mark everything that is unread as read."""
        ...


@dataclass(frozen=True, slots=True)
class InboxDeps:
    """What the inbox is read with."""

    inboxes: Inboxes
    clock: Clock


def read_one(user_id: str, notification_id: str, deps: InboxDeps) -> None:
    """Mark one notification as read; NotFound for anybody else's."""
    if not deps.inboxes.mark_read(user_id, notification_id, instant(deps.clock.now())):
        raise NotFound


def read_all(user_id: str, deps: InboxDeps) -> None:
    """Mark everything as read."""
    deps.inboxes.mark_all_read(user_id, instant(deps.clock.now()))
