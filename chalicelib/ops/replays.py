"""Replays: the events of a span of time, counted or published once more, slice by slice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from chalicelib.kernel.clock import Clock, instant, moment
from chalicelib.kernel.domain_events import (
    EVENT_TYPES,
    REPLAY_FINISHED,
    REPLAY_REQUESTED,
    Cause,
    DomainEvent,
)
from chalicelib.kernel.errors import Invalid, NotFound, Unavailable
from chalicelib.kernel.ids import Ids
from chalicelib.ops.rules import (
    REPLAY_AGE_S,
    REPLAY_SPAN_S,
    SLICE_EVENTS,
    Replay,
    ReplayStatus,
)
from chalicelib.ops.service import WORKER, Origin, Replays, Stale

COMMAND: Final = "replay"


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open span of time, as written."""

    from_at: str
    to_at: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slice:
    """Some events of a span, oldest first, and where the next begins, if anywhere."""

    events: tuple[DomainEvent, ...]
    position: dict[str, str] | None


class Journal(Protocol):
    """The events of the shop by time."""

    def read(self, span: Span, position: dict[str, str] | None, most: int) -> Slice:
        """At most `most` events of a span behind a position."""
        ...


@dataclass(frozen=True, slots=True)
class ReplayDeps:
    """What replays are carried out with."""

    replays: Replays
    journal: Journal
    publish: Callable[[Sequence[DomainEvent]], None]
    queue_next: Callable[[str], None]
    clock: Clock
    ids: Ids


def request(span: Span, origin: Origin, deps: ReplayDeps, *, dry_run: bool) -> Replay:
    """Ask for a replay; Invalid for a span that is too long, too old or turned round (T36)."""
    _check(span, deps.clock.now())
    replay = Replay(
        id=deps.ids.new("rpl"),
        status=ReplayStatus.REQUESTED,
        from_at=span.from_at,
        to_at=span.to_at,
        types=span.types,
        dry_run=dry_run,
        matched=0,
        published=0,
        slices=0,
        position=None,
        version=1,
    )
    cause = Cause(instant(deps.clock.now()), origin.actor, origin.correlation_id)
    told = REPLAY_REQUESTED.data(replay_id=replay.id)
    deps.replays.add(replay, DomainEvent(REPLAY_REQUESTED, replay.id, 1, cause, told))
    return replay


def _check(span: Span, now: datetime) -> None:
    begins, ends = named_moment("from", span.from_at), named_moment("to", span.to_at)
    if ends <= begins:
        raise Invalid.field("to", "not_after_from", "The span must end after it begins.")
    if ends - begins > timedelta(seconds=REPLAY_SPAN_S):
        raise Invalid.field("to", "span_too_long", "A replay covers at most 24 hours.")
    if begins < now - timedelta(seconds=REPLAY_AGE_S):
        raise Invalid.field("from", "too_old", "Events of the last 13 days can be replayed.")
    unknown = [name for name in span.types if name not in EVENT_TYPES]
    if unknown:
        raise Invalid.field("types", "unknown_type", f"There is no event {unknown[0]}.")


def named_moment(field: str, written: str) -> datetime:
    """The instant in a request's field; Invalid for the 30th of February and its like."""
    try:
        return moment(written)
    except ValueError as error:
        raise Invalid.field(field, "no_instant", "There is no such instant.") from error


def find(replay_id: str, deps: ReplayDeps) -> Replay:
    """One replay; NotFound otherwise."""
    replay = deps.replays.get(replay_id)
    if replay is None:
        raise NotFound
    return replay


def carry_on(replay_id: str, correlation_id: str, deps: ReplayDeps) -> None:
    """Do the next slice and queue the one after it, or finish.

    A slice that is repeated publishes its events again, which every consumer can bear, and is
    counted once.
    """
    replay = deps.replays.get(replay_id)
    if replay is None or replay.status is ReplayStatus.DONE:
        return
    span = Span(replay.from_at, replay.to_at, replay.types)
    found = deps.journal.read(span, replay.position, SLICE_EVENTS)
    events = tuple(event for event in found.events if event.aggregate_id != replay.id)
    if events and not replay.dry_run:
        deps.publish(events)
    after = replace(
        replay,
        matched=replay.matched + len(events),
        published=replay.published + (0 if replay.dry_run else len(events)),
        slices=replay.slices + 1,
        position=found.position,
    )
    try:
        _note(replay, after, correlation_id, deps)
    except Stale as error:
        raise Unavailable("another slice of this replay is being done") from error


def _note(before: Replay, after: Replay, correlation_id: str, deps: ReplayDeps) -> None:
    if after.position is not None:
        deps.replays.advance(before, after)
        deps.queue_next(after.id)
        return
    done = replace(after, status=ReplayStatus.DONE, version=before.version + 1)
    told = REPLAY_FINISHED.data(replay_id=done.id, matched=done.matched, published=done.published)
    cause = Cause(instant(deps.clock.now()), WORKER, correlation_id)
    event = DomainEvent(REPLAY_FINISHED, done.id, done.version, cause, told)
    deps.replays.finish(done, event)
