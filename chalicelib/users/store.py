"""Users in the core table: reads, and changes as one conditional transaction."""

from collections.abc import Sequence
from typing import Final

from chalicelib.aws.event_rows import PREFIX as EVENTS
from chalicelib.aws.items import Item
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.writes import Delete, Update
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.users import keys
from chalicelib.users import plain_rows as rows
from chalicelib.users.changes import Change
from chalicelib.users.ports import Activity, DoneBefore, Stale
from chalicelib.users.possessions import (
    ADDRESSES_MAX,
    DEVICES_MAX,
    AddressBook,
    DeviceList,
    Mfa,
    Preferences,
)
from chalicelib.users.rules import OneTimeToken, Session, User
from chalicelib.users.sealed_rows import SealedRows
from chalicelib.users.writing import ONCE, Writing

SESSIONS_READ_MAX: Final = 2_000
# Reading nobody's profile costs what reading somebody's does.
_NOBODY: Final = "usr_00000000000000000000000000"


class TableStore:
    """Implements `ports.Store`."""

    def __init__(self, table: Table, sealed: SealedRows) -> None:
        self._table = table
        self._sealed = sealed
        self._writing = Writing(sealed)

    def user(self, user_id: str) -> User | None:
        """The user as last written."""
        item = self._table.get(keys.profile_key(user_id))
        return rows.read_user(item) if item else None

    def user_of_email(self, email_key: str) -> User | None:
        """Whose address this is, in two reads either way."""
        found = self._table.get(keys.email_key_key(email_key))
        return self.user(found["user_id"] if found else _NOBODY)

    def session(self, user_id: str, session_id: str) -> Session | None:
        """The session as last written."""
        item = self._table.get(keys.session_key(user_id, session_id))
        return rows.read_session(item) if item else None

    def sessions(self, user_id: str) -> Sequence[Session]:
        """The sessions of a user, newest first, ended ones too."""
        query = Query(
            keys.partition(user_id),
            sort="begins_with(#sk, :prefix)",
            values={"prefix": "SESS#"},
            is_descending=True,
            is_consistent=True,
        )
        return tuple(map(rows.read_session, self._table.query_all(query, most=SESSIONS_READ_MAX)))

    def one_time_token(self, token_hash: str) -> OneTimeToken | None:
        """The token with this hash."""
        item = self._table.get(keys.one_time_key(token_hash))
        return rows.read_token(item) if item else None

    def mfa(self, user_id: str) -> Mfa | None:
        """The second factor as last written."""
        item = self._table.get(keys.mfa_key(user_id))
        return self._sealed.read_mfa(item) if item else None

    def preferences(self, user_id: str) -> Preferences:
        """What the user wants to be told."""
        return rows.read_preferences(self._table.get(keys.preferences_key(user_id)))

    def address_book(self, user_id: str) -> AddressBook:
        """All addresses of a user, oldest first."""
        edition = self._edition(user_id, "addresses_edition")
        found = self._short_list(user_id, "ADDR#", ADDRESSES_MAX)
        return AddressBook(edition, tuple(map(self._sealed.read_address, found)))

    def device_list(self, user_id: str) -> DeviceList:
        """All push devices of a user, oldest first."""
        edition = self._edition(user_id, "devices_edition")
        found = self._short_list(user_id, "DEV#", DEVICES_MAX)
        return DeviceList(edition, tuple(map(rows.read_device, found)))

    def _edition(self, user_id: str, name: str) -> int:
        # Read before the list: a list newer than its edition only costs another try.
        item = self._table.get(keys.preferences_key(user_id)) or {}
        return int(item.get(name, 0))

    def _short_list(self, user_id: str, prefix: str, most: int) -> Sequence[Item]:
        query = Query(
            keys.partition(user_id),
            sort="begins_with(#sk, :prefix)",
            values={"prefix": prefix},
            is_consistent=True,
        )
        return self._table.query_all(query, most=most)

    def activity(self, user_id: str, page: PageRequest) -> Page[Activity]:
        """What happened to an account, newest first."""
        query = Query(
            keys.partition(user_id),
            sort="begins_with(#sk, :prefix)",
            values={"prefix": EVENTS},
            limit=page.limit,
            after=page.after,
            is_descending=True,
        )
        found = self._table.query(query)
        told = (
            Activity(item["type"], item["occurred_at"], item["actor"]["type"])
            for item in found.items
        )
        return Page(tuple(told), found.next)

    def staff(self, role: str, page: PageRequest) -> Page[User]:
        """The people of a role, newest first."""
        query = Query(
            keys.role_partition(role),
            index="gsi1",
            limit=page.limit,
            after=page.after,
            is_descending=True,
        )
        found = self._table.query(query)
        return Page(tuple(map(rows.read_user, found.items)), found.next)

    def commit(self, *changes: Change) -> None:
        """All changes or none; Stale if something they presume no longer holds."""
        writes = self._writing.all_of(changes)
        try:
            if len(writes) == 1 and isinstance(writes[0], Update | Delete):
                self._table.write(writes[0])
            else:
                self._table.transact(writes)
        except ConditionFailed as failed:
            fact = DoneBefore if ONCE in failed.labels else Stale
            raise fact(", ".join(sorted(failed.labels))) from failed
