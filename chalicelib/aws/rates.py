"""Fixed-window counters in the table: many Lambdas, one count, no hot key."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chalicelib.aws.items import Key
from chalicelib.aws.table import Table
from chalicelib.kernel.clock import epoch_s
from chalicelib.kernel.errors import RateLimited, Unavailable

logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RateRule:
    """At most `limit` within `window_s`.

    A volume rule is scaled by the deployment and lets pass when it cannot count; a guess rule
    is never scaled and refuses then.
    """

    name: str
    limit: int
    window_s: int
    is_volume: bool = True


class RateLimiter:
    """Counts by rule and subject; subjects are ids or hashes, never personal data."""

    def __init__(self, table: Table, scale: int = 1) -> None:
        self._table = table
        self._scale = scale

    def count(self, rule: RateRule, subject: str, now: datetime) -> None:
        """Count one more; RateLimited with the seconds left when that is too many."""
        key, ends = self._window(rule, subject, now)
        try:
            counted = self._table.count_up(key, ttl=ends + rule.window_s)
        except Unavailable:
            if not rule.is_volume:
                raise
            logger.warning("rate not counted", extra={"rule": rule.name})
            return
        self._refuse_beyond(rule, counted - 1, ends, now)

    def check(self, rule: RateRule, subject: str, now: datetime) -> None:
        """RateLimited if the window is used up already; counts nothing."""
        key, ends = self._window(rule, subject, now)
        try:
            item = self._table.get(key)
        except Unavailable:
            if not rule.is_volume:
                raise
            logger.warning("rate not checked", extra={"rule": rule.name})
            return
        self._refuse_beyond(rule, int(item["n"]) if item else 0, ends, now)

    def forgive(self, rule: RateRule, subject: str, now: datetime) -> None:
        """Take back one counted try; Unavailable if that cannot be done now."""
        key, ends = self._window(rule, subject, now)
        self._table.count_up(key, ttl=ends + rule.window_s, by=-1)

    def _refuse_beyond(self, rule: RateRule, used: int, ends: int, now: datetime) -> None:
        limit = rule.limit * self._scale if rule.is_volume else rule.limit
        if used >= limit:
            raise RateLimited(max(1, ends - epoch_s(now)))

    @staticmethod
    def _window(rule: RateRule, subject: str, now: datetime) -> tuple[Key, int]:
        number = epoch_s(now) // rule.window_s
        key = (f"RATE#{rule.name}#{subject}", f"W#{number}")
        return key, (number + 1) * rule.window_s
