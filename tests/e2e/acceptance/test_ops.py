"""Section 4.8: what operations see."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from local.shop import Shop, wait_for
from tests.e2e.acceptance.conftest import Core, Stall, basket, ordered
from tests.e2e.acceptance.shapes import an_id, fits, listed, maybe
from tests.e2e.acceptance.shapes_desk import (
    DEAD_LETTER,
    EXECUTION,
    EXECUTION_DETAIL,
    JOURNAL_EVENT,
    QUEUE,
)
from tests.e2e.acceptance.test_errors import refused
from tests.e2e.acceptance.test_orders import settled

REPLAY = {
    "replay": {
        "id": an_id("rpl"),
        "status": frozenset({"REQUESTED", "DONE"}),
        "matched": maybe(int),
        "published": maybe(int),
    }
}


def stamp(moment: datetime) -> str:
    """The contract's way to write an instant."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def test_queues(admin: Shop) -> None:
    """Every queue with its dead ends."""
    reply = admin.get("/ops/queues")
    fits(reply, listed(QUEUE))
    assert reply["next"] is None
    names = {queue["name"]: queue for queue in reply["items"]}
    for name in ("order-signals", "payments-inbox", "email", "sms", "push", "ops-commands"):
        assert names[name]["kind"] == "queue"
        assert names[f"{name}-dlq"]["kind"] == "dead_letter"
        assert names[f"{name}-dlq"]["source"] == name
    for name in ("workflow-dlq", "streams-dlq", "async-dlq", "bus-dlq"):
        assert names[name]["kind"] == "dead_letter"


def test_workflows(admin: Shop, nora: Shop, stall: Stall) -> None:
    """An order's run is named like the order; its steps can be read."""
    reply = admin.get("/ops/workflows")
    fits(reply, listed({"name": str, "description": str}))
    assert {flow["name"] for flow in reply["items"]} >= {
        "order-fulfilment",
        "order-refund",
        "media-pipeline",
    }
    order = settled(nora, ordered(nora, basket(stall.variant["id"])), "PAID")
    path = "/ops/workflows/order-fulfilment/executions"
    runs = admin.get(path, limit=5)
    fits(runs, listed(EXECUTION))
    fits(admin.get(path, status="SUCCEEDED", limit=2), listed(EXECUTION))

    def over() -> bool | None:
        return admin.get(f"{path}/{order['id']}")["status"] == "SUCCEEDED" or None

    wait_for(over, "the run over", within_s=20)
    run = admin.get(f"{path}/{order['id']}")
    fits(run, EXECUTION_DETAIL)
    assert run["workflow"] == "order-fulfilment"
    assert set(run["input"]) == {"order_id", "correlation_id"}
    states = [step["state"] for step in run["steps"]]
    assert states[0] == "Load"
    assert states[-1] == "Done"
    refused(admin.call("GET", "/ops/workflows/none/executions"), 404, "not_found")
    refused(admin.call("GET", f"{path}/none"), 404, "not_found")
    refused(admin.call("GET", f"{path}?status=DONE"), 422, "validation_failed")


def test_events(admin: Shop, nora: Shop, stall: Stall) -> None:
    """By time, type or aggregate; oldest first."""
    order = settled(nora, ordered(nora, basket(stall.variant["id"])), "PAID")
    of_order = admin.get("/ops/events", aggregate_id=order["id"])
    fits(of_order, listed(JOURNAL_EVENT))
    assert [event["aggregate_version"] for event in of_order["items"]] == [1, 2, 3, 4, 5]
    first = of_order["items"][0]
    assert first["event_id"] == f"{order['id']}#1"
    assert first["actor"] == {"type": "customer", "id": nora.user["id"]}
    assert of_order["items"][1]["actor"] == {"type": "system", "id": "order_stock"}
    assert {event["correlation_id"] for event in of_order["items"]} == {first["correlation_id"]}
    recent = admin.get("/ops/events", type="OrderPlaced", limit=100)
    fits(recent, listed(JOURNAL_EVENT))
    assert {event["type"] for event in recent["items"]} == {"OrderPlaced"}
    times = [event["occurred_at"] for event in recent["items"]]
    assert times == sorted(times)
    now = datetime.now(UTC)
    day = stamp(now - timedelta(hours=25))
    for query in (
        f"from={day}&to={stamp(now)}",
        f"from={stamp(now)}&to={day}",
        "from=yesterday",
        f"begins={stamp(now)}",
        "from=2026-01-01",
        f"aggregate_id={order['id']}&type=OrderPlaced&from={day}",
    ):
        answer = admin.call("GET", f"/ops/events?{query}")
        assert answer.status == 422, (query, answer.text[:300])


@pytest.mark.covers(97)
def test_correlation_is_carried(admin: Shop, nora: Shop, stall: Stall) -> None:
    """The caller's correlation id is in every event of the order."""
    mine = f"qa-{uuid.uuid4().hex}"
    headers = {"Idempotency-Key": uuid.uuid4().hex, "X-Correlation-Id": mine}
    answer = nora.call("POST", "/orders", basket(stall.variant["id"]), headers)
    assert answer.headers["x-correlation-id"] == mine
    order = settled(nora, answer.body["order"], "PAID")
    events = admin.get("/ops/events", aggregate_id=order["id"])["items"]
    assert {event["correlation_id"] for event in events} == {mine}
    run = admin.get(f"/ops/workflows/order-fulfilment/executions/{order['id']}")
    assert run["input"] == {"order_id": order["id"], "correlation_id": mine}


def test_replay(admin: Shop, core: Core) -> None:
    """A dry run counts and publishes nothing."""
    now = datetime.now(UTC)
    span = {"from": stamp(now - timedelta(hours=1)), "to": stamp(now)}
    asked = admin.ask("POST", "/ops/events/replay", span | {"types": ["OrderPaid"]}, expect=202)
    fits(asked, REPLAY)
    path = f"/ops/events/replays/{asked['replay']['id']}"

    def done() -> bool | None:
        return admin.get(path)["replay"]["status"] == "DONE" or None

    wait_for(done, "the replay done", within_s=45)
    result = admin.get(path)
    fits(result, REPLAY)
    assert result["replay"]["matched"] >= 1
    assert result["replay"]["published"] == 0
    rows = core.events(f"REPLAY#{asked['replay']['id']}")
    assert [row["type"] for row in rows] == ["ReplayRequested", "ReplayFinished"]
    refused(admin.call("GET", f"/ops/events/replays/rpl_{'0' * 26}"), 404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"from": "x", "to": "y"},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z"},
        {"from": "2020-01-01T00:00:00.000Z", "to": "2020-01-01T01:00:00.000Z"},
        {"from": "2026-02-30T00:00:00.000Z", "to": "2026-02-30T01:00:00.000Z"},
        {"types": []},
        {"types": None},
        {"types": ["NoSuch"]},
        {"types": ["OrderPaid"] * 21},
        {"dry_run": "yes"},
        {"dry_run": None},
    ],
)
def test_replays_that_are_not_allowed(admin: Shop, body: dict[str, object]) -> None:
    """Each is 422."""
    now = datetime.now(UTC)
    span = {"from": stamp(now - timedelta(hours=1)), "to": stamp(now)}
    asked = body if "from" in body or not body else span | body
    refused(admin.call("POST", "/ops/events/replay", asked), 422, "validation_failed")


def test_dead_letters_are_listed(admin: Shop) -> None:
    """By status, month and source."""
    fits(admin.get("/ops/dead-letters"), listed(DEAD_LETTER))
    fits(admin.get("/ops/dead-letters", status="REDRIVEN", month="2026-01"), listed(DEAD_LETTER))
    fits(admin.get("/ops/dead-letters", source="email"), listed(DEAD_LETTER))
    for query in ("status=open", "month=2026-00", "month=x"):
        refused(admin.call("GET", f"/ops/dead-letters?{query}"), 422, "validation_failed")
    path = f"/ops/dead-letters/ded_{'0' * 26}"
    refused(admin.call("GET", path), 404, "not_found")
    refused(admin.call("POST", f"{path}/redrive"), 404, "not_found")
    refused(admin.call("DELETE", path), 404, "not_found")
