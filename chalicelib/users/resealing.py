"""Sealed fields under the current key: the command that re-seals what older keys sealed.

    python -m chalicelib.users.resealing [FIRST_DAY]

Old field keys are kept for ever, so nothing has to be re-sealed; do it when a key may have
leaked. There is no scan: people are found by their registrations in the journal, hour by hour
from FIRST_DAY (YYYY-MM-DD, by default the day the first administrator was appointed minus 30).
A row changed meanwhile was sealed anew by that change. The command may run again at any time.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from chalicelib.aws.encryption import Sealer
from chalicelib.aws.event_rows import journal_partition
from chalicelib.aws.items import Item
from chalicelib.aws.secrets import KeyRing, secrets
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.tables import core_table
from chalicelib.aws.writes import Update
from chalicelib.kernel.clock import SystemClock, instant, moment
from chalicelib.kernel.domain_events import USER_REGISTERED
from chalicelib.users import keys
from chalicelib.users.sealed_rows import place
from chalicelib.users.service import FIRST_ADMIN

ADDRESSES_READ_MAX: Final = 100
DAYS_BEFORE_FIRST_ADMIN: Final = 30


class Resealing:
    """Re-seals the rows of users under the current key of the ring."""

    def __init__(self, table: Table, ring: KeyRing) -> None:
        self._table = table
        self._sealer = Sealer(lambda: ring)
        self._current = ring.current

    def of_everybody(self, first: datetime, last: datetime) -> int:
        """Re-seal the rows of everybody who registered between two instants; how many rows."""
        return sum(self.of_user(user_id) for user_id in self._registered(first, last))

    def of_user(self, user_id: str) -> int:
        """Re-seal the rows of one user; how many were sealed under an older key."""
        return sum(self._is_resealed(row) for row in self._sealed_rows(user_id))

    def _registered(self, first: datetime, last: datetime) -> Iterator[str]:
        hour = first
        while hour <= last:
            query: Query | None = Query(journal_partition(instant(hour)), index="gsi2")
            while query is not None:
                found = self._table.query(query)
                for row in found.items:
                    if row["type"] == USER_REGISTERED.name:
                        yield row["aggregate_id"]
                query = _next_page(query, found.next)
            hour += timedelta(hours=1)

    def _sealed_rows(self, user_id: str) -> list[Item]:
        addresses = Query(
            keys.partition(user_id),
            sort="begins_with(#sk, :prefix)",
            values={"prefix": "ADDR#"},
            is_consistent=True,
        )
        found = [*self._table.query_all(addresses, most=ADDRESSES_READ_MAX)]
        mfa = self._table.get(keys.mfa_key(user_id))
        return [*found, *([mfa] if mfa else [])]

    def _is_resealed(self, row: Item) -> bool:
        sealed, key = row["sealed"], (row["pk"], row["sk"])
        if self._sealer.version_of(sealed) == self._current:
            return False
        renewed = self._sealer.seal(self._sealer.open(sealed, place(key)), place(key))
        unchanged = Update(
            key, set={"sealed": renewed}, condition="#sealed = :before", values={"before": sealed}
        )
        try:
            self._table.write(unchanged)
        except ConditionFailed:
            return False
        return True


def _next_page(query: Query, after: Mapping[str, str] | None) -> Query | None:
    return replace(query, after=after) if after else None


def main(arguments: list[str]) -> int:
    """Re-seal everybody's rows; 0 when done."""
    table, now = core_table(), SystemClock().now()
    if arguments:
        first = datetime.strptime(arguments[0], "%Y-%m-%d").replace(tzinfo=UTC)
    else:
        appointed = table.get(keys.once_key(FIRST_ADMIN))
        if appointed is None:
            sys.stderr.write("Name the first day: nobody was appointed yet.\n")
            return 2
        first = moment(appointed["at"]) - timedelta(days=DAYS_BEFORE_FIRST_ADMIN)
    ring = secrets().ring("identity", is_fresh=True)
    count = Resealing(table, ring).of_everybody(first, now)
    sys.stdout.write(f"{count} rows re-sealed under {ring.current}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
