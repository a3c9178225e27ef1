"""Users as other slices see them: how to reach somebody, and who a customer is to staff.

Free of pydantic: the functions that send mails load it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from chalicelib.aws.table import Query, Table
from chalicelib.aws.tables import core_table
from chalicelib.users import keys
from chalicelib.users.plain_rows import read_device, read_preferences, read_user
from chalicelib.users.possessions import DEVICES_MAX, Device, Preferences
from chalicelib.users.rules import masked_email

DEVICES: Final = "DEV#"


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a user, and what the user wants to be told."""

    user_id: str
    email: str
    email_key: str
    name: str
    locale: str
    phone: str | None
    preferences: Preferences


@dataclass(frozen=True, slots=True)
class CustomerBrief:
    """A customer as staff see one in an order: the address is masked."""

    id: str
    name: str
    email: str


class TablePeople:
    """Reads people from the core table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def contact_of(self, user_id: str) -> Contact | None:
        """How to reach a user, in one read of two rows; None for nobody."""
        profile, preferences = keys.profile_key(user_id), keys.preferences_key(user_id)
        found = self._table.batch_get([profile, preferences], is_consistent=True)
        if profile not in found:
            return None
        user = read_user(found[profile])
        return Contact(
            user_id=user.id,
            email=user.email,
            email_key=user.email_key,
            name=user.name,
            locale=user.locale,
            phone=user.phone,
            preferences=read_preferences(found.get(preferences)),
        )

    def customer_brief(self, user_id: str) -> CustomerBrief | None:
        """Who a customer is, for staff; None for nobody."""
        item = self._table.get(keys.profile_key(user_id), is_consistent=False)
        if item is None:
            return None
        user = read_user(item)
        return CustomerBrief(user.id, user.name, masked_email(user.email))

    def devices_of(self, user_id: str) -> tuple[Device, ...]:
        """The devices of a user that take push messages, oldest first."""
        query = Query(
            keys.partition(user_id), sort="begins_with(#sk, :prefix)", values={"prefix": DEVICES}
        )
        return tuple(map(read_device, self._table.query_all(query, most=DEVICES_MAX)))


@lru_cache(maxsize=1)
def people() -> TablePeople:
    """The people of this process."""
    return TablePeople(core_table())
