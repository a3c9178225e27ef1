"""What must hold for every id, instant and event, not only for the ones we thought of."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel.clock import instant, later, moment
from chalicelib.kernel.domain_events import EVENT_TYPES, Actor, Cause, DomainEvent
from chalicelib.kernel.ids import Ids, bucket_of, is_id
from tests.events import data_of

milliseconds = st.integers(0, 2**48 - 1)
randomness = st.binary(min_size=10, max_size=10)
moments = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def _id(now_ms: int, random: bytes) -> str:
    return Ids(random_bytes=lambda size: random[:size], now_ms=lambda: now_ms).new("ord")


@given(milliseconds, randomness)
def test_every_id_is_well_formed(now_ms: int, random: bytes) -> None:
    """Whatever the time and the randomness, an id matches its own pattern."""
    assert is_id(_id(now_ms, random), "ord")


@given(milliseconds, milliseconds, randomness, randomness)
def test_ids_sort_by_creation(first: int, second: int, one: bytes, other: bytes) -> None:
    """An id made in a later millisecond sorts behind, whatever its randomness."""
    if first < second:
        assert _id(first, one) < _id(second, other)


@given(st.text(max_size=40))
def test_the_id_check_never_fails_on_strange_text(text: str) -> None:
    """Any path value gets a yes or no, never an exception."""
    assert is_id(text, "ord") in {True, False}


@given(st.text(max_size=40), st.integers(1, 16))
def test_a_bucket_is_one_of_the_buckets(identifier: str, buckets: int) -> None:
    """Every id has a partition among those that the sweeper reads."""
    assert 0 <= bucket_of(identifier, buckets) < buckets


@given(moments, st.floats(0.001, 10**6))
def test_written_instants_sort_like_time(start: datetime, seconds: float) -> None:
    """Index keys made of instants are in the order of time."""
    assert instant(start) <= instant(later(start, seconds))


@given(moments)
def test_an_instant_keeps_its_millisecond(start: datetime) -> None:
    """Writing and reading loses nothing above a millisecond."""
    assert instant(moment(instant(start))) == instant(start)


@given(st.sampled_from(sorted(EVENT_TYPES)), st.integers(1, 10**6))
def test_every_event_survives_the_bus(name: str, version: int) -> None:
    """Any event of any type reads back as it was written."""
    kind = EVENT_TYPES[name]
    values = data_of(kind)
    cause = Cause("2026-03-01T12:00:00.000Z", Actor("system", "sweeper"), "cor12345")
    event = DomainEvent(kind, "agg_1", version, cause, kind.data(**values))
    read = DomainEvent.parse(name, event.detail())
    assert (read.event_id, dict(read.data), read.cause) == (event.event_id, values, cause)
