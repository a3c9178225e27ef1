"""Inboxes in the core table: rows by user, and an index of what is unread."""

from typing import Final

from chalicelib.aws.items import Item, Key
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.writes import Update
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.notifications.inbox import UNREAD_TOLD_MAX, InboxEntry, Reference
from chalicelib.users.keys import partition

PREFIX: Final = "NTF#"
# More than a thousand unread ones are marked by asking again.
MARKED_MAX: Final = 1_000


def notification_key(user_id: str, notification_id: str) -> Key:
    """One notification."""
    return partition(user_id), f"{PREFIX}{notification_id}"


def unread_partition(user_id: str) -> str:
    """Index 1: what a user has not read."""
    return f"{partition(user_id)}#UNREAD"


class InboxRows:
    """The notifications of all users."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def entries(self, user_id: str, page: PageRequest, *, unread: bool) -> Page[InboxEntry]:
        """One page, newest first; only what is unread, if asked so."""
        if unread:
            query = Query(
                unread_partition(user_id),
                index="gsi1",
                limit=page.limit,
                after=page.after,
                is_descending=True,
            )
        else:
            query = Query(
                partition(user_id),
                sort="begins_with(#sk, :prefix)",
                values={"prefix": PREFIX},
                limit=page.limit,
                after=page.after,
                is_descending=True,
                is_consistent=True,
            )
        found = self._table.query(query)
        return Page(tuple(map(_entry, found.items)), found.next)

    def unread(self, user_id: str) -> int:
        """How much is unread; 100 stands for 100 or more."""
        return len(self._unread(user_id, UNREAD_TOLD_MAX))

    def mark_read(self, user_id: str, notification_id: str, at: str) -> bool:
        """Mark one as read, also if it is; False if the user has no such notification."""
        update = Update(
            notification_key(user_id, notification_id),
            set={"read_at": at, "gsi1pk": None, "gsi1sk": None},
            condition="attribute_exists(#pk) AND attribute_not_exists(#read_at)",
        )
        try:
            self._table.write(update)
        except ConditionFailed:
            return self._table.get(notification_key(user_id, notification_id)) is not None
        return True

    def mark_all_read(self, user_id: str, at: str) -> None:
        """Mark everything that is unread as read."""
        for row in self._unread(user_id, MARKED_MAX):
            self.mark_read(user_id, row["id"], at)

    def _unread(self, user_id: str, most: int) -> tuple[Item, ...]:
        query = Query(unread_partition(user_id), index="gsi1", limit=min(most, 100))
        return self._table.query_all(query, most=most)


def _entry(item: Item) -> InboxEntry:
    ref = item.get("ref")
    return InboxEntry(
        id=item["id"],
        kind=item["kind"],
        title=item["title"],
        body=item["body"],
        ref=Reference(ref["type"], ref["id"]) if ref else None,
        read="read_at" in item,
        created_at=item["created_at"],
    )
