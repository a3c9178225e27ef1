"""The real adapters of sockets and pushes, built once per process."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Final

from chalicelib.aws.clients import credentials
from chalicelib.aws.observability import measure
from chalicelib.aws.queues import Queues, queues
from chalicelib.aws.settings import settings
from chalicelib.aws.table import Table
from chalicelib.aws.tables import core_table, live_table
from chalicelib.aws.writes import Put
from chalicelib.kernel.clock import Clock, SystemClock, epoch_s, instant
from chalicelib.kernel.ids import Ids
from chalicelib.kernel.roles import STAFF, Role
from chalicelib.live import keys
from chalicelib.live.fanout import FanOutDeps
from chalicelib.live.posting import CONNECTIONS_MAX, SignedPoster, Signer
from chalicelib.live.service import Deps, Standing
from chalicelib.live.store import TableConnections, TableTickets
from chalicelib.live.store_pushes import TablePushes as TablePushes  # noqa: PLC0414 - read from here
from chalicelib.live.store_pushes import read_push as read_push  # noqa: PLC0414 - read from here
from chalicelib.users.standing_rows import TableStandings

QUEUE: Final = "live"
PART: Final = "fan_out"
PART_KEPT_S: Final = 3_600


class Standings:
    """Implements `service.Standings` on the rows of users and sessions."""

    def __init__(self, rows: TableStandings, *, needs_mfa: bool) -> None:
        """`needs_mfa` takes the rights from staff without a second factor, not the socket."""
        self._rows = rows
        self._needs_mfa = needs_mfa

    def of(self, user_id: str, session_ids: Sequence[str]) -> Standing | None:
        """The user with those of the sessions that are live; None for nobody."""
        found = self._rows.of(user_id, session_ids, instant(SystemClock().now()))
        if found is None:
            return None
        lacks_mfa = self._needs_mfa and found.role in STAFF and not found.is_mfa_on
        return Standing(Role.CUSTOMER if lacks_mfa else found.role, found.live_sessions)


class LiveQueue:
    """Implements `fanout.Remainder`: a row that holds the part, and its id on the queue of pushes.

    What people write stands in rows only, never in the body of a queue.
    """

    def __init__(self, through: Queues, live: Table, clock: Clock, ids: Ids) -> None:
        self._queues = through
        self._live = live
        self._clock = clock
        self._ids = ids

    def hand_over(self, part: Mapping[str, Any]) -> None:  # Any: JSON
        """The row first: without it the message would mean nothing."""
        part_id = self._ids.new("prt")
        pk, sk = keys.part_key(part_id)
        ttl = epoch_s(self._clock.now()) + PART_KEPT_S
        self._live.write(Put({"pk": pk, "sk": sk, **part, "ttl": ttl}))
        self._queues.send(QUEUE, {PART: part_id})

    def find(self, part_id: str) -> Mapping[str, Any] | None:  # Any: JSON
        """The part with this id; None once it is no use any more."""
        return self._live.get(keys.part_key(part_id))


@lru_cache(maxsize=1)
def connections() -> TableConnections:
    """The connections of the live table."""
    return TableConnections(live_table(), settings().core_table, SystemClock())


@lru_cache(maxsize=1)
def pushes() -> TablePushes:
    """The pushes of the live table."""
    return TablePushes(live_table(), settings().core_table)


@lru_cache(maxsize=1)
def standings() -> Standings:
    """Who users are right now."""
    return Standings(TableStandings(core_table()), needs_mfa=settings().staff_mfa_required)


@lru_cache(maxsize=1)
def deps() -> Deps:
    """What the handlers of sockets work with."""
    return Deps(
        connections=connections(),
        tickets=TableTickets(core_table()),
        standings=standings(),
        clock=SystemClock(),
        ids=Ids(),
    )


@lru_cache(maxsize=1)
def poster() -> SignedPoster:
    """The sender of this process."""
    return SignedPoster(Signer(credentials, settings().region, SystemClock()))


@lru_cache(maxsize=1)
def lanes() -> ThreadPoolExecutor:
    """The threads that post side by side; they live as long as the process."""
    return ThreadPoolExecutor(CONNECTIONS_MAX, thread_name_prefix="lane")


@lru_cache(maxsize=1)
def remainder() -> LiveQueue:
    """What is sent later, by another function."""
    return LiveQueue(queues(), live_table(), SystemClock(), Ids())


@lru_cache(maxsize=1)
def fan_out_deps() -> FanOutDeps:
    """What a fan-out works with."""
    return FanOutDeps(
        audience=connections(),
        poster=poster(),
        remainder=remainder(),
        standings=standings(),
        clock=SystemClock(),
        lanes=lanes(),
        measure=measure,
        sleep=time.sleep,
    )
