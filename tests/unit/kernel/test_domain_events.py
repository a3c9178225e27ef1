"""Events are made and read strictly: producers cannot drift, consumers never guess."""

from typing import Any

import pytest

from chalicelib.kernel.domain_events import (
    EVENT_TYPES,
    ORDER_DELIVERED,
    Actor,
    Cause,
    DomainEvent,
    UnknownEvent,
)

DATA = {
    "order_id": "ord_00000000000000000000000001",
    "number": "SK-7Q4MZ2KD",
    "user_id": "usr_00000000000000000000000001",
    "from": "SHIPPED",
    "to": "DELIVERED",
}
EVENT = DomainEvent(
    ORDER_DELIVERED,
    "ord_00000000000000000000000001",
    7,
    Cause("2026-03-01T12:00:00.000Z", Actor("staff", "usr_00000000000000000000000009"), "cor12345"),
    ORDER_DELIVERED.data(**DATA),
)


def detail(**changes: Any) -> dict[str, Any]:  # Any: malformed on purpose
    """Make the envelope of EVENT with some fields changed."""
    return EVENT.detail() | changes


def test_an_event_is_named_by_aggregate_and_version() -> None:
    """Each version of an aggregate has exactly one event id."""
    assert EVENT.event_id == "ord_00000000000000000000000001#7"


def test_an_event_survives_the_bus() -> None:
    """What a consumer reads is what the producer wrote."""
    read = DomainEvent.parse("OrderDelivered", EVENT.detail())
    assert (read.event_id, read.occurred_at, read.correlation_id, dict(read.data)) == (
        EVENT.event_id,
        EVENT.occurred_at,
        EVENT.correlation_id,
        DATA,
    )


def test_a_producer_cannot_leave_out_or_add_a_field() -> None:
    """Data has exactly the fields of its type."""
    with pytest.raises(TypeError, match="does not agree on extra, to"):
        ORDER_DELIVERED.data(**{name: DATA[name] for name in DATA if name != "to"}, extra=1)


@pytest.mark.parametrize("name", ["OrderEaten", "", None, 7])
def test_an_unknown_type_is_refused(name: object) -> None:
    """A consumer never guesses what a foreign event might mean."""
    with pytest.raises(UnknownEvent, match="not an event of this system"):
        DomainEvent.parse(name, EVENT.detail())


@pytest.mark.parametrize("body", [None, [], "text"])
def test_a_detail_of_another_shape_is_refused(body: object) -> None:
    """A detail is an object."""
    with pytest.raises(UnknownEvent):
        DomainEvent.parse("OrderDelivered", body)


@pytest.mark.parametrize(
    "changes", [{"schema": 2}, {"event_id": "ord_00000000000000000000000001#8"}]
)
def test_an_unknown_schema_or_id_is_refused(changes: dict[str, Any]) -> None:
    """A later schema ends in the dead letters instead of being half understood."""
    with pytest.raises(UnknownEvent, match="unknown schema or id"):
        DomainEvent.parse("OrderDelivered", detail(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"aggregate_version": "7"},
        {"aggregate_version": True},
        {"aggregate_id": None},
        {"occurred_at": 0},
        {"occurred_at": "yesterday"},
        {"correlation_id": "two lines\nof log"},
        {"data": DATA | {"order_id": "ord_1"}},
        {"data": DATA | {"order_id": 7}},
        {"actor": None},
        {"actor": {"type": "staff"}},
        {"data": {}},
        {"data": None},
        {"data": DATA | {"extra": 1}},
    ],
    ids=repr,
)
def test_a_malformed_envelope_is_refused(changes: dict[str, Any]) -> None:
    """Every field of the envelope has its type, and the data its fields."""
    with pytest.raises(UnknownEvent, match="malformed OrderDelivered"):
        DomainEvent.parse("OrderDelivered", detail(**changes))


def test_every_type_is_past_tense_and_has_its_source() -> None:
    """The page lists each event once, under the bus source of its slice."""
    sources = {
        "souk.users",
        "souk.products",
        "souk.orders",
        "souk.payments",
        "souk.media",
        "souk.support",
        "souk.analytics",
        "souk.ops",
    }
    assert {kind.source for kind in EVENT_TYPES.values()} == sources
    assert all(name == kind.name for name, kind in EVENT_TYPES.items())
