"""The relay of event rows, against a bus and an outbox in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.aws.event_bus import Refusal
from chalicelib.aws.event_rows import event_put
from chalicelib.aws.items import Item, Key
from chalicelib.kernel.domain_events import EMAIL_VERIFIED, Actor, Cause, DomainEvent
from chalicelib.kernel.errors import Unavailable
from chalicelib.ops.outbox import RelayDeps, relay

NOW = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)


def a_row(user: str = "usr_00000000000000000000000001", version: int = 1) -> Item:
    """An event row as a store writes it, five seconds old."""
    cause = Cause("2026-03-01T12:00:00.000Z", Actor("customer", user), "corr-0001")
    event = DomainEvent(EMAIL_VERIFIED, user, version, cause, EMAIL_VERIFIED.data(user_id=user))
    return event_put(f"USER#{user}", event).item


@dataclass
class Surroundings:
    """Bus, outbox, parking and lag of one test; `verdict` decides on each publish call."""

    verdict: Callable[[DomainEvent, int], Refusal | None] = lambda _event, _call: None
    published: list[str] = field(default_factory=list)
    calls: int = 0
    relayed: list[Key] = field(default_factory=list)
    unqueued: list[Key] = field(default_factory=list)
    parked: list[tuple[str, str]] = field(default_factory=list)
    lags: list[int] = field(default_factory=list)

    def publish(self, events: Sequence[DomainEvent]) -> list[Refusal]:
        """Take every event that the verdict does not refuse."""
        self.calls += 1
        refusals = [r for event in events if (r := self.verdict(event, self.calls))]
        refused = {refusal.event.event_id for refusal in refusals}
        self.published += [e.event_id for e in events if e.event_id not in refused]
        return refusals

    def mark_relayed(self, row: Key, relayed_at: str) -> None:
        """Note the mark."""
        assert relayed_at == "2026-03-01T12:00:05.000Z"
        self.relayed.append(row)

    def mark_parked(self, row: Key) -> None:
        """Note the mark."""
        self.unqueued.append(row)

    def park(self, row: Item, cause: str) -> None:
        """Note the row."""
        self.parked.append((row["sk"], cause))

    def now(self) -> datetime:
        """Five seconds after the events."""
        return NOW

    def deps(self) -> RelayDeps:
        """The relay's surroundings, without pauses."""
        return RelayDeps(self, self, self, self, self.lags.append, lambda _pause: None)


def refusing(user: str, *, is_passing: bool, calls: int = 99) -> Callable[..., Any]:
    """A verdict: the first `calls` publish calls refuse the events of `user`."""

    def verdict(event: DomainEvent, call: int) -> Refusal | None:
        if event.aggregate_id != user or call > calls:
            return None
        return Refusal(event, "ThrottlingException" if is_passing else "NotValid", is_passing)

    return verdict


def test_every_row_is_published_in_its_aggregates_order_and_marked() -> None:
    """Three rows of two aggregates are published once each, the lag being the oldest's."""
    around = Surroundings()
    assert (
        relay([a_row(), a_row("usr_00000000000000000000000002"), a_row(version=2)], around.deps())
        == 3
    )
    assert around.published == [
        "usr_00000000000000000000000001#1",
        "usr_00000000000000000000000002#1",
        "usr_00000000000000000000000001#2",
    ]
    assert len(around.relayed) == 3
    assert around.lags == [5000]


def test_a_passing_refusal_is_tried_again() -> None:
    """An entry refused four times for throttling is published by the fifth try, once."""
    around = Surroundings(refusing("usr_00000000000000000000000001", is_passing=True, calls=4))
    relay([a_row(), a_row("usr_00000000000000000000000002")], around.deps())
    assert sorted(around.published) == [
        "usr_00000000000000000000000001#1",
        "usr_00000000000000000000000002#1",
    ]
    assert around.parked == []


def test_a_lasting_passing_refusal_is_raised_after_five_tries() -> None:
    """The refused row keeps its place in the outbox; its neighbour has been relayed."""
    around = Surroundings(refusing("usr_00000000000000000000000001", is_passing=True))
    with pytest.raises(Unavailable):
        relay([a_row(), a_row(version=2), a_row("usr_00000000000000000000000002")], around.deps())
    assert around.calls == 5
    assert around.published == ["usr_00000000000000000000000002#1"]
    assert around.relayed == [("USER#usr_00000000000000000000000002", "EVT#00000001")]
    assert around.parked == []


def test_an_impossible_record_is_parked_with_the_later_ones_of_its_aggregate() -> None:
    """Nothing overtakes a parked event; other aggregates go on."""
    around = Surroundings(refusing("usr_00000000000000000000000001", is_passing=False))
    relay(
        [
            a_row(),
            a_row("usr_00000000000000000000000002"),
            a_row(version=2),
            a_row("usr_00000000000000000000000002", 2),
        ],
        around.deps(),
    )
    assert around.published == [
        "usr_00000000000000000000000002#1",
        "usr_00000000000000000000000002#2",
    ]
    assert [sk for sk, _ in around.parked] == ["EVT#00000001", "EVT#00000002"]
    assert around.parked[0][1] == "refused by the bus: NotValid"
    assert around.parked[1][1].startswith("behind EVT#00000001")
    assert len(around.unqueued) == 2


def test_a_row_that_is_no_event_is_parked_unpublished() -> None:
    """A row of an unknown type never reaches the bus."""
    around = Surroundings()
    relay([{**a_row(), "type": "Invented"}, a_row("usr_00000000000000000000000002")], around.deps())
    assert around.published == ["usr_00000000000000000000000002#1"]
    assert len(around.parked) == 1
    assert around.parked[0][1].startswith("UnknownEvent")


def test_nothing_to_relay_measures_nothing() -> None:
    """A batch without event rows makes no call."""
    around = Surroundings()
    assert relay([], around.deps()) == 0
    assert (around.calls, around.lags) == (0, [])
