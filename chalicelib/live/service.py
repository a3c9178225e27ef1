"""Use cases of sockets: tickets, opening, closing, listening, catching up."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from chalicelib.kernel.clock import Clock, epoch_s, instant, later
from chalicelib.kernel.errors import Forbidden
from chalicelib.kernel.ids import Ids
from chalicelib.live.records import (
    CONNECTION_KEPT_S,
    REPLAYED_MAX,
    TICKET_VALID_S,
    TOPICS_MAX,
    Connection,
    OriginRefused,
    Push,
    TicketRefused,
    TooManyTopics,
    Topic,
    require_right,
)

TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Ticket:
    """A single-use pass to open a socket; only its hash is kept."""

    token: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class Holder:
    """For which session a ticket was made."""

    token_hash: str
    user_id: str
    session_id: str
    sv: int
    expires_at: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A user this moment; `role` grants nothing to staff without a second factor they need."""

    role: str
    live_sessions: frozenset[str]


class TicketStore(Protocol):
    """Keeps tickets until they are used."""

    def keep(self, holder: Holder) -> None:
        """Keep a new one."""
        ...

    def find(self, token_hash: str) -> Holder | None:
        """The ticket with this hash."""
        ...


class Standings(Protocol):
    """Who users are right now."""

    def of(self, user_id: str, session_ids: Sequence[str]) -> Standing | None:
        """The user with those of the sessions that are live; None for nobody."""
        ...


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Pushes after a number, the last number there is, and whether nothing is left out."""

    pushes: tuple[Push, ...]
    last_seq: int
    is_complete: bool


class ConnectionStore(Protocol):
    """Keeps connections, subscriptions and pushes."""

    def open(self, connection: Connection, holder: Holder, now: str) -> None:
        """Use up the ticket and write the connection, all or nothing; TicketRefused."""
        ...

    def count_frame(self, connection_id: str, window: int, most: int) -> Connection | None:
        """Count a frame; the connection, None if there is none; RateLimited above `most`."""
        ...

    def forget(self, connection_id: str) -> None:
        """Remove a connection and its subscriptions; harmless if they are gone."""
        ...

    def topics_of(self, connection_id: str) -> Sequence[str]:
        """What a connection listens to."""
        ...

    def subscribe(self, connection: Connection, topic: str) -> None:
        """Listen to a topic; Forbidden if the connection is gone."""
        ...

    def unsubscribe(self, connection_id: str, topic: str) -> None:
        """No longer listen to a topic; harmless if it did not."""
        ...

    def pushes_since(self, topic: str, seq: int, most: int) -> CaughtUp:
        """At most `most` of the kept pushes after `seq`, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything the use cases of sockets touch."""

    connections: ConnectionStore
    tickets: TicketStore
    standings: Standings
    clock: Clock
    ids: Ids


@dataclass(frozen=True, slots=True)
class Arrival:
    """A socket that wants to be opened."""

    connection_id: str
    endpoint: str
    ticket: str | None
    is_origin_allowed: bool


def issue_ticket(user_id: str, session_id: str, sv: int, deps: Deps) -> Ticket:
    """A ticket for one socket of this session, good for a minute."""
    token = base64.urlsafe_b64encode(deps.ids.token_bytes(TOKEN_BYTES)).decode().rstrip("=")
    expires_at = instant(later(deps.clock.now(), TICKET_VALID_S))
    deps.tickets.keep(Holder(_hashed(token), user_id, session_id, sv, expires_at))
    return Ticket(token, expires_at)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def connect(arrival: Arrival, deps: Deps) -> Connection:
    """Open a socket for the holder of a ticket, who hears what concerns them from then on.

    OriginRefused or TicketRefused otherwise; a foreign page does not use the ticket up.
    """
    if not arrival.is_origin_allowed:
        raise OriginRefused
    now = deps.clock.now()
    holder = deps.tickets.find(_hashed(arrival.ticket)) if arrival.ticket else None
    if holder is None or holder.expires_at <= instant(now):
        raise TicketRefused
    standing = deps.standings.of(holder.user_id, [holder.session_id])
    if standing is None or holder.session_id not in standing.live_sessions:
        raise TicketRefused
    connection = Connection(
        id=arrival.connection_id,
        user_id=holder.user_id,
        session_id=holder.session_id,
        sv=holder.sv,
        role=standing.role,
        endpoint=arrival.endpoint,
        connected_at=instant(now),
        ends_at_s=epoch_s(now) + CONNECTION_KEPT_S,
    )
    deps.connections.open(connection, holder, instant(now))
    return connection


def disconnect(connection_id: str, deps: Deps) -> None:
    """Forget a socket that is closed."""
    deps.connections.forget(connection_id)


def admit_frame(connection_id: str, frames_max: int, deps: Deps) -> Connection:
    """Who sends a frame; Unauthenticated if nobody we know, RateLimited beyond the limit."""
    window = epoch_s(deps.clock.now())
    connection = deps.connections.count_frame(connection_id, window, frames_max)
    if connection is None or connection.ends_at_s <= window:
        raise Forbidden("This connection is over; open a new one.")
    return connection


def require_live(connection: Connection, deps: Deps) -> None:
    """Forbidden unless the session behind the socket is live this moment."""
    standing = deps.standings.of(connection.user_id, [connection.session_id])
    if standing is None or connection.session_id not in standing.live_sessions:
        raise Forbidden("This session is over; sign in again.")


@dataclass(frozen=True, slots=True)
class Listening:
    """The outcome of listening to a topic: what was missed goes out before it is told."""

    topic: Topic
    last_seq: int | None
    missed: CaughtUp | None


def listen(
    connection: Connection,
    topic: Topic,
    since: int | None,
    read: Callable[[Topic, int, int], CaughtUp],
    deps: Deps,
) -> Listening:
    """Subscribe first, then read what was missed, so that nothing falls between the two.

    `read` tells what a topic has said; the caller has made sure of rights on conversations.
    """
    require_right(topic, connection)
    topics = deps.connections.topics_of(connection.id)
    if str(topic) not in topics:
        if len(topics) >= TOPICS_MAX:
            raise TooManyTopics.field(
                "data.topic", "too_many", f"At most {TOPICS_MAX} topics a connection."
            )
        deps.connections.subscribe(connection, str(topic))
    if not topic.is_replayable:
        return Listening(topic, None, None)
    caught_up = read(topic, 0 if since is None else since, 0 if since is None else REPLAYED_MAX)
    return Listening(topic, caught_up.last_seq, caught_up if since is not None else None)


def stop_listening(connection_id: str, topic: Topic, deps: Deps) -> None:
    """No longer hear a topic."""
    deps.connections.unsubscribe(connection_id, str(topic))
