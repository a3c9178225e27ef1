"""Every kind of fault does to a call what it says."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.faults.harness.calls import Kind
from tests.faults.harness.fault_plan import Crash, FaultPlan
from tests.faults.selftest.conftest import TABLE, Lab

TWO_ATTEMPTS = Config(retries={"mode": "standard", "total_max_attempts": 2})


def table() -> Any:
    """A client as handlers have it."""
    return boto3.client("dynamodb", region_name="eu-central-1", config=TWO_ATTEMPTS)


def put(name: str, **extra: Any) -> Any:
    """One unconditional write."""
    item = {"pk": {"S": name}, "sk": {"S": "META"}}
    return table().put_item(TableName=TABLE, Item=item, **extra)


def transact(name: str, token: str) -> Any:
    """One transaction that can only happen once."""
    item = {"pk": {"S": name}, "sk": {"S": "META"}}
    absent = {"TableName": TABLE, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
    return table().transact_write_items(TransactItems=[{"Put": absent}], ClientRequestToken=token)


def names(lab: Lab) -> list[str]:
    """The rows there are."""
    return [row["pk"] for row in lab.world.substrate.rows(TABLE)]


def test_both_hooks_fire_on_one_put_item(lab: Lab) -> None:
    """The pinned SDK passes both hook points: one logical call, one attempt."""
    with lab.world.injector.inside("canary"):
        put("A")
    assert [call.operation for call in lab.world.injector.calls] == ["PutItem"]
    assert lab.world.injector.attempts_seen == 1


def test_unmarked_thread_is_neither_counted_nor_faulted(lab: Lab) -> None:
    """Drivers and checkers are never disturbed."""
    lab.begin(FaultPlan({1: Kind.CRASH_BEFORE}))
    put("A")
    assert lab.world.injector.calls == []
    assert names(lab) == ["A"]


@pytest.mark.parametrize(
    ("kind", "error", "applied"),
    [
        (Kind.CONN_ERROR, ConnectionClosedError, False),
        (Kind.LOST, ReadTimeoutError, True),
        (Kind.THROTTLE, ClientError, False),
        (Kind.CRASH_BEFORE, Crash, False),
        (Kind.CRASH_AFTER, Crash, True),
        (Kind.TX_CONFLICT, ClientError, False),
    ],
)
def test_fault_raises_and_applies_as_named(
    lab: Lab, kind: Kind, error: type[BaseException], *, applied: bool
) -> None:
    """Each kind ends in its own error, and only the later ones leave the write behind."""
    lab.begin(FaultPlan({1: kind}))
    with lab.world.injector.inside("handler"), pytest.raises(error):
        put("A")
    assert names(lab) == (["A"] if applied else [])
    assert lab.world.injector.fired == {1}


def test_lost_once_lets_the_sdk_meet_its_own_write(lab: Lab) -> None:
    """The first reply is lost; the SDK's second attempt fails on the first one's write."""
    lab.begin(FaultPlan({1: Kind.LOST_ONCE}))
    with lab.world.injector.inside("handler"), pytest.raises(ClientError) as failed:
        put("A", ConditionExpression="attribute_not_exists(pk)")
    assert failed.value.response["Error"]["Code"] == "ConditionalCheckFailedException"


def test_request_token_answers_a_repeated_transaction(lab: Lab) -> None:
    """While the token is remembered the repeated transaction succeeds without effect."""
    lab.begin(FaultPlan({1: Kind.LOST_ONCE}))
    with lab.world.injector.inside("handler"):
        transact("A", "token-1")
    assert names(lab) == ["A"]


def test_forgotten_request_token_lets_the_condition_fail(lab: Lab) -> None:
    """After ten minutes AWS has forgotten the token, and so has this run."""
    lab.begin(FaultPlan({1: Kind.LOST_ONCE}, tokens_honoured=False))
    with lab.world.injector.inside("handler"), pytest.raises(ClientError) as failed:
        transact("A", "token-1")
    reasons = failed.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["ConditionalCheckFailed"]


def test_conflict_cancels_the_transaction_with_its_reason(lab: Lab) -> None:
    """The first item conflicts, the others say nothing, nothing is written."""
    lab.begin(FaultPlan({1: Kind.TX_CONFLICT}))
    with lab.world.injector.inside("handler"), pytest.raises(ClientError) as failed:
        transact("A", "token-1")
    reasons = failed.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["TransactionConflict"]
    assert names(lab) == []


def test_stale_read_is_one_write_behind(lab: Lab) -> None:
    """A read that is not consistent misses the last write, and only that."""
    lab.begin(FaultPlan({3: Kind.STALE}))
    with lab.world.injector.inside("handler"):
        put("A")
        put("B")
        keys = [{"pk": {"S": name}, "sk": {"S": "META"}} for name in ("A", "B")]
        found = table().batch_get_item(RequestItems={TABLE: {"Keys": keys}})["Responses"][TABLE]
    assert [item["pk"]["S"] for item in found] == ["A"]
    assert names(lab) == ["A", "B"]


def test_partial_reply_refuses_one_event(lab: Lab) -> None:
    """The first entry is refused, the others reach the bus."""
    lab.begin(FaultPlan({1: Kind.PARTIAL}))
    entries = [
        {"EventBusName": "toy-toy", "Source": "toy", "DetailType": kind, "Detail": "{}"}
        for kind in ("First", "Second")
    ]
    with lab.world.injector.inside("handler"):
        events = boto3.client("events", region_name="eu-central-1", config=TWO_ATTEMPTS)
        reply = events.put_events(Entries=entries)
    assert reply["FailedEntryCount"] == 1
    assert "ErrorCode" in reply["Entries"][0]
    assert [event["detail-type"] for event in lab.world.deliveries.published] == ["Second"]


def test_zombie_resumes_after_its_retry(lab: Lab) -> None:
    """The frozen write lands after the retry of the same work has finished."""
    lab.begin(FaultPlan({1: Kind.ZOMBIE_BEFORE}))
    order: list[str] = []

    def work(event: dict[str, str]) -> None:
        put("A")
        order.append(event["try"])

    lab.handler("writer", work)
    runtime = lab.world.runtime
    first = runtime.invoke("writer", {"try": "first"}, identity="same work")
    runtime.invoke("writer", {"try": "second"}, identity="same work")
    assert not first.is_success
    assert order == ["second", "first"]


def test_failed_transaction_leaves_rows_and_stream_untouched(lab: Lab) -> None:
    """The quick undo of the substrate restores exactly what the transaction touched."""
    put("A")
    before = (lab.world.substrate.rows(TABLE), len(lab.world.substrate.stream(TABLE)))
    items = [
        {"Put": {"TableName": TABLE, "Item": {"pk": {"S": "B"}, "sk": {"S": "META"}}}},
        {
            "Update": {
                "TableName": TABLE,
                "Key": {"pk": {"S": "A"}, "sk": {"S": "META"}},
                "UpdateExpression": "SET n = :n",
                "ConditionExpression": "attribute_exists(n)",
                "ExpressionAttributeValues": {":n": {"N": "1"}},
            }
        },
    ]
    with pytest.raises(ClientError):
        table().transact_write_items(TransactItems=items)
    after = (lab.world.substrate.rows(TABLE), len(lab.world.substrate.stream(TABLE)))
    assert after == before
