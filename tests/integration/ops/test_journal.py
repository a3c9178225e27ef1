"""The journal and its replays."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine

from chalicelib.aws.event_rows import event_put
from chalicelib.aws.tables import core_table
from chalicelib.kernel.clock import instant
from chalicelib.kernel.domain_events import EMAIL_VERIFIED, Actor, Cause, DomainEvent
from chalicelib.ops.events import ops_worker
from tests.cloud import ACCOUNT, REGION, STAGE, bare_client, cloud
from tests.front_door import FrontDoor, staff_member

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CONTEXT = SimpleNamespace(aws_request_id="r")


@pytest.fixture
def door() -> Iterator[FrontDoor]:
    """An administrator at noon; the journal holds an event every half hour of the night."""
    with cloud(), time_machine.travel(NOW, tick=False):
        for number in range(20):
            at = instant(NOW - timedelta(hours=12) + timedelta(minutes=30 * number))
            event = DomainEvent(
                EMAIL_VERIFIED,
                f"usr_{number:026d}",
                1,
                Cause(at, Actor("customer", "usr_00000000000000000000000001"), "corr-0001"),
                EMAIL_VERIFIED.data(user_id="usr_00000000000000000000000001"),
            )
            core_table().write(event_put(f"USER#usr_{number:026d}", event))
        yield staff_member("admin").door


def span(begins: str, ends: str) -> str:
    """The query of a span of that day."""
    return f"from=2026-03-02T{begins}:00.000Z&to=2026-03-02T{ends}:00.000Z"


def test_a_span_is_listed_oldest_first_and_half_open(door: FrontDoor) -> None:
    """The event at the beginning belongs to the span, the one at its end does not."""
    items = door.get(f"/ops/events?{span('01:00', '02:30')}").body["items"]
    hours = [one["occurred_at"][11:16] for one in items]
    assert hours == ["01:00", "01:30", "02:00"]
    assert set(items[0]) == {
        *("type", "source", "event_id", "schema", "aggregate_id", "aggregate_version"),
        *("occurred_at", "correlation_id", "actor", "data", "relayed_at"),
    }


def test_pages_of_a_span_join_without_gap_or_repeat(door: FrontDoor) -> None:
    """Seven pages of three across hours give every event once."""
    path, seen = f"/ops/events?{span('00:00', '11:00')}&limit=3", []
    cursor = ""
    for _ in range(9):
        reply = door.get(path + cursor)
        assert reply.status == 200, reply.body
        seen += [one["event_id"] for one in reply.body["items"]]
        if reply.body["next"] is None:
            break
        cursor = f"&cursor={reply.body['next']}"
    assert len(seen) == len(set(seen)) == 20


def test_a_type_narrows_the_list(door: FrontDoor) -> None:
    """Only events of that type; the night had no paid orders."""
    assert door.get(f"/ops/events?{span('00:00', '11:00')}&type=OrderPaid").body["items"] == []
    found = door.get(f"/ops/events?{span('00:00', '11:00')}&type=EmailVerified").body["items"]
    assert len(found) == 20


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-03-01T00:00:00.000Z&to=2026-03-02T00:00:00.001Z",
        "from=2026-03-02T00:00:00.000Z&to=2026-03-02T00:00:00.000Z",
        "from=2026-02-30T00:00:00.000Z&to=2026-03-02T00:00:00.000Z",
        "from=yesterday",
        "aggregate_id=usr_00000000000000000000000001&type=EmailVerified",
    ],
)
def test_spans_that_are_none_are_refused(door: FrontDoor, query: str) -> None:
    """Too long, empty, impossible, unreadable, or mixed with an aggregate: 422."""
    assert door.get(f"/ops/events?{query}").status == 422


def asked(door: FrontDoor, **body: Any) -> dict[str, Any]:
    """A replay of the night, as the route answers."""
    told = {"from": "2026-03-02T00:00:00.000Z", "to": "2026-03-02T11:00:00.000Z", **body}
    reply = door.post("/ops/events/replay", told)
    assert reply.status == 202, reply.body
    return dict(reply.body["replay"])


def carried_out(replay_id: str) -> None:
    """Work through the slices, as the queue would."""
    body: str | None = json.dumps({"command": "replay", "replay_id": replay_id})
    while body is not None:
        record = {
            "messageId": "m",
            "receiptHandle": "r",
            "body": body,
            "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:souk-{STAGE}-ops-commands",
            "attributes": {},
        }
        assert ops_worker({"Records": [record]}, CONTEXT) == {"batchItemFailures": []}
        url = bare_client("sqs").get_queue_url(QueueName=f"souk-{STAGE}-ops-commands")["QueueUrl"]
        reply = bare_client("sqs").receive_message(QueueUrl=url)
        body = next((message["Body"] for message in reply.get("Messages", [])), None)


def test_a_dry_run_counts_and_publishes_nothing(door: FrontDoor) -> None:
    """By default a replay only tells how many events it would publish."""
    replay = asked(door)
    assert replay == {
        "id": replay["id"],
        "status": "REQUESTED",
        "matched": None,
        "published": None,
    }
    carried_out(replay["id"])
    done = door.get(f"/ops/events/replays/{replay['id']}").body["replay"]
    assert done == {"id": replay["id"], "status": "DONE", "matched": 20, "published": 0}


def test_a_replay_goes_on_slice_by_slice(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of seven, each queueing the next, publish all twenty once."""
    monkeypatch.setattr("chalicelib.ops.replays.SLICE_EVENTS", 7)
    replay = asked(door, dry_run=False, types=["EmailVerified"])
    carried_out(replay["id"])
    done = door.get(f"/ops/events/replays/{replay['id']}").body["replay"]
    assert (done["status"], done["matched"], done["published"]) == ("DONE", 20, 20)


@pytest.mark.parametrize(
    "body",
    [
        {"from": "2026-02-10T00:00:00.000Z", "to": "2026-02-10T01:00:00.000Z"},
        {"from": "2026-03-01T00:00:00.000Z", "to": "2026-03-02T00:00:00.001Z"},
        {"from": "2026-03-02T01:00:00.000Z", "to": "2026-03-02T00:00:00.000Z"},
        {"from": "2026-03-02T99:00:00.000Z", "to": "2026-03-02T00:00:00.000Z"},
        {"from": "2026-03-02T00:00:00.000Z", "to": "2026-03-02T01:00:00.000Z", "types": ["X"]},
        {"from": "2026-03-02T00:00:00.000Z", "to": "2026-03-02T01:00:00.000Z", "types": []},
    ],
)
def test_replays_that_cannot_be_are_refused(door: FrontDoor, body: dict[str, Any]) -> None:
    """Older than 13 days, longer than a day, turned round, impossible, unknown types: 422."""
    assert door.post("/ops/events/replay", body).status == 422


def test_a_foreign_replay_is_not_found(door: FrontDoor) -> None:
    """An unknown id is 404."""
    assert door.get("/ops/events/replays/rpl_01J00000000000000000000000").status == 404
