"""Dead letters: stored once, seen by a person, started again or put away."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from chalicelib.kernel.clock import Clock, instant
from chalicelib.kernel.domain_events import (
    DEAD_LETTER_DELETED,
    DEAD_LETTER_REDRIVE_REQUESTED,
    DEAD_LETTER_REDRIVEN,
    DEAD_LETTER_STORED,
    Actor,
    Cause,
    DomainEvent,
    EventType,
)
from chalicelib.kernel.errors import Conflict, NotFound, Unavailable
from chalicelib.kernel.ids import Ids
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.ops.rules import DeadLetter, Finding, NotRedrivable, Replay, Status

CHANGE_TRIES = 5
WORKER = Actor("system", "ops_worker")

Changed = TypeVar("Changed")


class Stale(Exception):
    """Somebody changed the record first."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks, in which chain of calls."""

    actor: Actor
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters a list shows."""

    status: Status
    month: str
    source: str | None = None


class DeadLetters(Protocol):
    """The dead letters of the shop."""

    def get(self, dead_letter_id: str) -> DeadLetter | None:
        """One dead letter with its body."""
        ...

    def add(self, letter: DeadLetter, seen_as: str, event: DomainEvent) -> bool:
        """Store a new one with its event; False if that message was stored before."""
        ...

    def change(self, after: DeadLetter, event: DomainEvent) -> None:
        """One step of its state machine; Stale if it has moved."""
        ...

    def listed(self, wanted: Wanted, page: PageRequest) -> Page[DeadLetter]:
        """Those of one status, newest first."""
        ...


class Redrive(Protocol):
    """Starts again what a dead letter stands for."""

    def __call__(self, letter: DeadLetter) -> None:
        """Start it; an exception tries again later."""
        ...


class Replays(Protocol):
    """The replays of the journal."""

    def get(self, replay_id: str) -> Replay | None:
        """One replay."""
        ...

    def add(self, replay: Replay, event: DomainEvent) -> None:
        """Store a new one with its event."""
        ...

    def advance(self, before: Replay, after: Replay) -> None:
        """Note that a slice is done; Stale if that was noted before."""
        ...

    def finish(self, after: Replay, event: DomainEvent) -> None:
        """Note that it is done, with its event; Stale if that was noted before."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """What dead letters are worked on with."""

    letters: DeadLetters
    redrive: Redrive
    clock: Clock
    ids: Ids
    count: Callable[[str], None]


def store_dead_letter(finding: Finding, deps: Deps) -> None:
    """Keep what lay in a dead-letter queue; the same message again changes nothing (T35)."""
    now = instant(deps.clock.now())
    letter = DeadLetter(
        id=deps.ids.new("ded"),
        source=finding.source,
        kind=finding.kind,
        status=Status.OPEN,
        cause=finding.cause,
        body=finding.body,
        receive_count=finding.receive_count,
        first_seen_at=now,
        updated_at=now,
        version=1,
        reference=finding.reference,
        correlation_id=finding.correlation_id,
        attributes=finding.attributes,
    )
    told = {"source": letter.source, "kind": letter.kind.value, "cause": letter.cause}
    origin = Origin(WORKER, finding.correlation_id or letter.id)
    event = _event(DEAD_LETTER_STORED, letter, origin, **told, reference=letter.reference)
    if deps.letters.add(letter, finding.seen_as, event):
        deps.count("DeadLetterStored")


def dead_letter(dead_letter_id: str, deps: Deps) -> DeadLetter:
    """One dead letter; NotFound otherwise."""
    letter = deps.letters.get(dead_letter_id)
    if letter is None:
        raise NotFound
    return letter


def request_redrive(dead_letter_id: str, origin: Origin, deps: Deps) -> DeadLetter:
    """OPEN → REDRIVING; asked again it stays as it is."""

    def attempt() -> DeadLetter:
        letter = dead_letter(dead_letter_id, deps)
        if letter.status in {Status.REDRIVING, Status.REDRIVEN}:
            return letter
        if letter.status is Status.DELETED:
            raise Conflict
        if not letter.is_redrivable:
            raise NotRedrivable
        return _step(letter, Status.REDRIVING, (DEAD_LETTER_REDRIVE_REQUESTED, origin), deps)

    return _settled(attempt)


def delete(dead_letter_id: str, origin: Origin, deps: Deps) -> None:
    """OPEN → DELETED; Conflict for any other state."""

    def attempt() -> DeadLetter:
        letter = dead_letter(dead_letter_id, deps)
        if letter.status is not Status.OPEN:
            raise Conflict
        return _step(letter, Status.DELETED, (DEAD_LETTER_DELETED, origin), deps)

    _settled(attempt)


def redrive(dead_letter_id: str, correlation_id: str, deps: Deps) -> None:
    """Carry out a redrive that was asked for; REDRIVING → REDRIVEN.

    What is started again is safe to be started twice, so a crash in between does no harm.
    """
    letter = deps.letters.get(dead_letter_id)
    if letter is None or letter.status is not Status.REDRIVING:
        return
    deps.redrive(letter)
    origin = Origin(WORKER, correlation_id)
    try:
        _step(letter, Status.REDRIVEN, (DEAD_LETTER_REDRIVEN, origin), deps)
    except Stale:
        # The same command, delivered twice, has been here.
        return


def _step(letter: DeadLetter, to: Status, told: tuple[EventType, Origin], deps: Deps) -> DeadLetter:
    now = instant(deps.clock.now())
    after = replace(letter, status=to, version=letter.version + 1, updated_at=now)
    event_type, origin = told
    deps.letters.change(after, _event(event_type, after, origin))
    return after


def _event(
    event_type: EventType, letter: DeadLetter, origin: Origin, **data: object
) -> DomainEvent:
    cause = Cause(letter.updated_at, origin.actor, origin.correlation_id)
    told = event_type.data(dead_letter_id=letter.id, **data)
    return DomainEvent(event_type, letter.id, letter.version, cause, told)


def _settled(attempt: Callable[[], Changed]) -> Changed:
    for _ in range(CHANGE_TRIES):
        try:
            return attempt()
        except Stale:
            continue
    raise Unavailable
