"""Connections, subscriptions and pushes in the live table, tickets in the core table."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from chalicelib.aws.items import Item
from chalicelib.aws.table import ConditionFailed, Found, Query, Table
from chalicelib.aws.writes import Check, Delete, Elsewhere, Put, Update, Write
from chalicelib.kernel.clock import Clock, epoch_s
from chalicelib.kernel.errors import Forbidden, RateLimited
from chalicelib.live import keys
from chalicelib.live.records import (
    TOPICS_MAX,
    Connection,
    Subscriber,
    TicketRefused,
    user_topic,
)
from chalicelib.live.service import CaughtUp, Holder
from chalicelib.live.store_pushes import read_push
from chalicelib.users.standing_rows import live_session
from chalicelib.users.ticket_rows import SocketTicket, find_ticket, new_ticket, used_ticket

SEQUENCE_TRIES: Final = 8
SUBSCRIBERS_PAGE: Final = 500
CONNECTIONS_MAX: Final = 100
_CONNECTION: Final = (
    "user_id",
    "session_id",
    "sv",
    "role",
    "endpoint",
    "connected_at",
)


class TableTickets:
    """Implements `service.TicketStore` on the core table."""

    def __init__(self, core: Table) -> None:
        self._core = core

    def keep(self, holder: Holder) -> None:
        """One put."""
        self._core.write(new_ticket(_ticket(holder)))

    def find(self, token_hash: str) -> Holder | None:
        """One consistent read."""
        found = find_ticket(self._core, token_hash)
        if found is None:
            return None
        return Holder(found.token_hash, found.user_id, found.session_id, found.sv, found.expires_at)


def _ticket(holder: Holder) -> SocketTicket:
    return SocketTicket(
        holder.token_hash, holder.user_id, holder.session_id, holder.sv, holder.expires_at
    )


class TableConnections:
    """Implements `service.ConnectionStore` and `fanout.Audience`."""

    def __init__(self, live: Table, core: str, clock: Clock) -> None:
        """`core` is the name of the table in which tickets and sessions stand."""
        self._live = live
        self._core = core
        self._clock = clock

    def open(self, connection: Connection, holder: Holder, now: str) -> None:
        """T29, and the session must still be live when it is applied."""
        topic = str(user_topic(connection.user_id))
        checks = live_session(connection.user_id, connection.session_id, connection.sv)
        writes: list[Write] = [
            Put(_connection_item(connection), label="connection"),
            *_subscription(connection, topic),
            Elsewhere(used_ticket(_ticket(holder), now), self._core),
            *(Elsewhere(check, self._core) for check in checks),
        ]
        try:
            self._live.transact(writes)
        except ConditionFailed as failed:
            raise TicketRefused from failed

    def count_frame(self, connection_id: str, window: int, most: int) -> Connection | None:
        """One update within a second, two at the turn of one; counted twice at worst, never not."""
        key = keys.connection_key(connection_id)
        within = Update(
            key,
            add={"count": 1},
            condition="#window = :now AND #count < :most",
            values={"now": window, "most": most},
        )
        anew = Update(
            key,
            set={"window": window, "count": 1},
            condition="attribute_exists(#pk) AND #window <> :now",
            values={"now": window},
        )
        for update in (within, anew):
            with suppress(ConditionFailed):
                return _connection(self._live.change(update))
        row = self._live.get(key)
        if row is None:
            return None
        if row["window"] == window and row["count"] < most:
            # Begun meanwhile by a frame beside this one, or by ourselves and the reply was lost.
            with suppress(ConditionFailed):
                return _connection(self._live.change(within))
        raise RateLimited(1, f"At most {most} frames a second.")

    def forget(self, connection_id: str) -> None:
        """The connection first: without it nobody subscribes any more."""
        self._live.write(Delete(keys.connection_key(connection_id), condition=""))
        topics = self.topics_of(connection_id)
        if topics:
            self._live.transact(
                [
                    Delete(key, condition="")
                    for topic in topics
                    for key in (
                        keys.subscriber_key(topic, connection_id),
                        keys.subscription_key(connection_id, topic),
                    )
                ]
            )

    def topics_of(self, connection_id: str) -> Sequence[str]:
        """One consistent query."""
        query = Query(
            keys.connection_partition(connection_id),
            "begins_with(#sk, :prefix)",
            {"prefix": keys.SUBSCRIPTION},
            is_consistent=True,
        )
        found = self._live.query_all(query, most=TOPICS_MAX + 1)
        return [item["sk"].removeprefix(keys.SUBSCRIPTION) for item in found]

    def subscribe(self, connection: Connection, topic: str) -> None:
        """Both rows, while the connection is there."""
        exists = Check(keys.connection_key(connection.id), label="connection")
        try:
            self._live.transact([*_subscription(connection, topic), exists])
        except ConditionFailed as failed:
            if "connection" in failed.labels:
                raise Forbidden from failed
            # Subscribed meanwhile by another frame of the same connection.

    def unsubscribe(self, connection_id: str, topic: str) -> None:
        """Both rows, there or not."""
        self._live.transact(
            [
                Delete(keys.subscriber_key(topic, connection_id), condition=""),
                Delete(keys.subscription_key(connection_id, topic), condition=""),
            ]
        )

    # --- for the fan-out -----------------------------------------------------------------------
    def subscribers(self, topic: str) -> Iterator[tuple[Subscriber, ...]]:
        """Who listens, in groups; a consistent read, so nobody who was told so is missed."""
        query = Query(
            keys.topic_partition(topic),
            "begins_with(#sk, :prefix)",
            {"prefix": keys.CONNECTION},
            limit=SUBSCRIBERS_PAGE,
            is_consistent=True,
        )
        found: Found | None = self._live.query(query)
        while found is not None:
            now = epoch_s(self._clock.now())
            yield tuple(_subscriber(item) for item in found.items if item["ttl"] > now)
            after = found.next
            found = self._live.query(replace(query, after=after)) if after else None

    def connections_of(self, user_id: str) -> Sequence[Subscriber]:
        """Index 1, oldest connection first."""
        query = Query(keys.user_partition(user_id), index="gsi1")
        found = self._live.query_all(query, most=CONNECTIONS_MAX)
        now = epoch_s(self._clock.now())
        open_ones = [_subscriber(item) for item in found if item["ttl"] > now]
        return sorted(open_ones, key=lambda one: (one.connected_at, one.connection_id))

    # --- pushes that can be replayed -----------------------------------------------------------
    def pushes_since(self, topic: str, seq: int, most: int) -> CaughtUp:
        """The sequence first: what is pushed after it was read reaches the subscriber anyway."""
        row = self._live.get(keys.sequence_key(topic))
        last_seq = int(row["n"]) if row else 0
        if not most or last_seq <= seq:
            return CaughtUp((), last_seq, last_seq <= seq)
        query = Query(
            keys.topic_partition(topic),
            "#sk BETWEEN :first AND :last",
            {
                "first": keys.push_key(topic, seq + 1)[1],
                "last": keys.push_key(topic, last_seq)[1],
            },
            is_consistent=True,
        )
        now = epoch_s(self._clock.now())
        found = [item for item in self._live.query_all(query, most=most) if item["ttl"] > now]
        pushes = tuple(map(read_push, found))
        return CaughtUp(pushes, last_seq, len(pushes) == last_seq - seq)


def _subscription(connection: Connection, topic: str) -> list[Write]:
    told = {
        "connection_id": connection.id,
        "endpoint": connection.endpoint,
        "user_id": connection.user_id,
        "session_id": connection.session_id,
        "connected_at": connection.connected_at,
        "ttl": connection.ends_at_s,
    }
    return [
        Put({**_keyed(keys.subscriber_key(topic, connection.id)), **told}, label="subscriber"),
        Put(
            {**_keyed(keys.subscription_key(connection.id, topic)), "ttl": connection.ends_at_s},
            label="subscription",
        ),
    ]


def _keyed(key: tuple[str, str]) -> dict[str, Any]:  # Any: an item
    return {"pk": key[0], "sk": key[1]}


def _connection_item(connection: Connection) -> Item:
    return {
        **_keyed(keys.connection_key(connection.id)),
        **{name: getattr(connection, name) for name in _CONNECTION},
        "connection_id": connection.id,
        "window": 0,
        "count": 0,
        "gsi1pk": keys.user_partition(connection.user_id),
        "gsi1sk": connection.id,
        "ttl": connection.ends_at_s,
    }


def _connection(item: Item) -> Connection:
    fields = {name: item[name] for name in _CONNECTION}
    return Connection(id=item["connection_id"], ends_at_s=item["ttl"], **fields)


def _subscriber(item: Mapping[str, Any]) -> Subscriber:  # Any: an item
    return Subscriber(
        item["connection_id"],
        item["endpoint"],
        item["user_id"],
        item["session_id"],
        item["connected_at"],
    )
