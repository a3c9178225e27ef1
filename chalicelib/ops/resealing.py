"""The command that re-seals what older field keys sealed.

    python -m chalicelib.ops.resealing [FIRST_DAY]

Old field keys are kept for ever, so nothing has to be re-sealed; do it when a key may have
leaked: rotate, wait the five minutes for which functions keep a ring, then run this.

There is no scan: people and orders are found by their first events in the journal, hour by hour
from FIRST_DAY (YYYY-MM-DD, by default the day the first administrator was appointed minus 30).
Each finished day is told; a run that broke off goes on with the day it had not told, and may as
well start over, since what is under the current key costs one read. Kept answers of requests
with an Idempotency-Key are sealed too. Nothing finds them but their key, and within a week they
are gone by themselves: the command tells from when on no older key is needed.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chalicelib.aws.clients import client
from chalicelib.aws.encryption import SealBroken
from chalicelib.aws.event_rows import journal_partition
from chalicelib.aws.idempotency import KEPT_S
from chalicelib.aws.items import Item
from chalicelib.aws.resealing import Resealing, SealedField
from chalicelib.aws.secrets import CACHE_S, CURRENT_STAGE, KeyRing
from chalicelib.aws.settings import settings
from chalicelib.aws.table import Query, Table
from chalicelib.aws.tables import core_table
from chalicelib.kernel.clock import SystemClock, instant, moment
from chalicelib.kernel.domain_events import ORDER_PLACED, USER_REGISTERED
from chalicelib.orders.resealing import sealed_field_of_order
from chalicelib.users.keys import once_key
from chalicelib.users.resealing import sealed_fields_of_user
from chalicelib.users.service import FIRST_ADMIN

DAYS_BEFORE_FIRST_ADMIN: Final = 30
# DynamoDB promises to have removed expired rows within this.
CLEANED_WITHIN: Final = timedelta(days=2)
RING: Final = "identity"


class ResealedShop:
    """Re-seals everything the journal leads to."""

    def __init__(self, table: Table, ring: KeyRing) -> None:
        self._table = table
        self._resealing = Resealing(table, ring)
        self.broken: list[SealedField] = []

    def day(self, first_hour: datetime) -> int:
        """How many fields had to be re-sealed of whoever and whatever began on a day."""
        hours = (first_hour + timedelta(hours=number) for number in range(24))
        began = (row for hour in hours for row in self._journal(hour))
        fields = (field for row in began for field in self._sealed_fields(row))
        return sum(self._is_renewed(field) for field in fields)

    def _is_renewed(self, field: SealedField) -> bool:
        try:
            return self._resealing.renew(field)
        except SealBroken:
            # No key opens it; the others need theirs changed all the same.
            self.broken.append(field)
            return False

    def _sealed_fields(self, row: Item) -> Iterator[SealedField]:
        if row["type"] == USER_REGISTERED.name:
            yield from sealed_fields_of_user(self._table, row["aggregate_id"])
        elif row["type"] == ORDER_PLACED.name:
            yield sealed_field_of_order(row["aggregate_id"])

    def _journal(self, hour: datetime) -> Iterator[Item]:
        query: Query | None = Query(journal_partition(instant(hour)), index="gsi2")
        while query is not None:
            found = self._table.query(query)
            yield from found.items
            query = _next_page(query, found.next)


def _next_page(query: Query, after: Mapping[str, str] | None) -> Query | None:
    return replace(query, after=after) if after else None


def read_ring(manager: Any) -> tuple[KeyRing, datetime]:  # Any: botocore builds classes at run time
    """The ring as stored, and since when."""
    reply = manager.get_secret_value(
        SecretId=settings().secret_id(RING), VersionStage=CURRENT_STAGE
    )
    return KeyRing.parse(reply["SecretString"]), reply["CreatedDate"].astimezone(UTC)


def first_day(arguments: list[str], table: Table) -> datetime | None:
    """The day that was named, or one before anybody can have registered."""
    if arguments:
        return datetime.strptime(arguments[0], "%Y-%m-%d").replace(tzinfo=UTC)
    appointed = table.get(once_key(FIRST_ADMIN))
    if appointed is None:
        return None
    day = moment(appointed["at"]) - timedelta(days=DAYS_BEFORE_FIRST_ADMIN)
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


def main(arguments: list[str]) -> int:
    """Re-seal everything; 0 when done, 1 if not all of it was, 2 when a day has to be named."""
    table, now = core_table(), SystemClock().now()
    day = first_day(arguments, table)
    if day is None:
        sys.stderr.write("Name the first day: nobody was appointed yet.\n")
        return 2
    ring, since = read_ring(client("secretsmanager"))
    everybody_knows = since + timedelta(seconds=CACHE_S)
    if now < everybody_knows:
        sys.stderr.write(f"Functions may seal under an older key until {everybody_knows:%H:%M}.\n")
        return 1
    shop = ResealedShop(table, ring)
    while day <= now:
        sys.stdout.write(f"{day:%Y-%m-%d}: {shop.day(day)} re-sealed\n")
        day += timedelta(days=1)
    needless = everybody_knows + timedelta(seconds=KEPT_S) + CLEANED_WITHIN
    sys.stdout.write(f"Under {ring.current}; no older key is needed from {needless:%Y-%m-%d} on.\n")
    for field in shop.broken:
        sys.stderr.write(f"{' '.join(field.key)} {field.attribute} cannot be opened\n")
    return 1 if shop.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
