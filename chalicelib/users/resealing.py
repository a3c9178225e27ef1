"""Which rows of a user hold sealed fields: addresses and the second factor."""

from collections.abc import Iterator
from typing import Final

from chalicelib.aws.resealing import SealedField
from chalicelib.aws.table import Query, Table
from chalicelib.users import keys
from chalicelib.users.sealed_rows import place

ADDRESSES_READ_MAX: Final = 100


def sealed_fields_of_user(table: Table, user_id: str) -> Iterator[SealedField]:
    """Every sealed field of one user."""
    addresses = Query(
        keys.partition(user_id),
        sort="begins_with(#sk, :prefix)",
        values={"prefix": "ADDR#"},
        is_consistent=True,
    )
    found = table.query_all(addresses, most=ADDRESSES_READ_MAX)
    for key in (*((row["pk"], row["sk"]) for row in found), keys.mfa_key(user_id)):
        yield SealedField(key, "sealed", place(key))
