"""Event rows: history and outbox in one, written in the transaction of the change itself."""

from typing import Final

from chalicelib.aws.items import Item, Key
from chalicelib.aws.writes import Put, Update, Values, Write
from chalicelib.kernel.domain_events import DomainEvent
from chalicelib.kernel.ids import bucket_of

PREFIX: Final = "EVT#"
OUTBOX_PARTITIONS: Final = 8


def event_sort_key(version: int) -> str:
    """EVT# and the version in eight digits."""
    return f"{PREFIX}{version:08d}"


def outbox_partition(number: int) -> str:
    """One of the index partitions in which rows wait for the relay."""
    return f"DUE#OUTBOX#{number}"


def journal_partition(occurred_at: str) -> str:
    """The hour of the journal an event belongs to: EVENTS#2026-03-01T12."""
    return f"EVENTS#{occurred_at[:13]}"


def event_put(partition: str, event: DomainEvent) -> Put:
    """The event row of an aggregate whose items live under `partition`; label `event`."""
    by_time = f"{event.occurred_at}#{event.event_id}"
    item: Item = {
        "pk": partition,
        "sk": event_sort_key(event.aggregate_version),
        "type": event.type.name,
        "source": event.type.source,
        **event.detail(),
        "gsi2pk": journal_partition(event.occurred_at),
        "gsi2sk": by_time,
        "gsi3pk": outbox_partition(bucket_of(event.event_id, OUTBOX_PARTITIONS)),
        "gsi3sk": by_time,
    }
    return Put(item, label="event")


def read_event(row: Item) -> DomainEvent:
    """The event in a row; UnknownEvent for any other shape."""
    return DomainEvent.parse(row.get("type"), row)


def relayed(row_key: Key, relayed_at: str | None) -> Update:
    """Take a row out of the outbox; a parked row (`relayed_at` None) keeps no relay time."""
    changes: dict[str, str | None] = {"gsi3pk": None, "gsi3sk": None}
    if relayed_at is not None:
        changes["relayed_at"] = relayed_at
    return Update(row_key, set=changes, label="relayed")


def step(root: Key, event: DomainEvent, changes: Values, guard: str, values: Values) -> list[Write]:
    """One change of a versioned aggregate: its root under a guard, and the one event.

    The root moves from the version before the event's to the event's own; `guard` is what
    else must hold (`#status = :from`), empty if nothing. Labels: `root` and `event`.
    """
    condition = "#version = :version_before"
    if guard:
        condition = f"{condition} AND {guard}"
    update = Update(
        root,
        set={
            "updated_at": event.occurred_at,
            **changes,
            "version": event.aggregate_version,
        },
        condition=condition,
        values={**values, "version_before": event.aggregate_version - 1},
        label="root",
    )
    return [update, event_put(root[0], event)]
