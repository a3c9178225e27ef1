"""The recorder: every write of every use case states its condition, every call is granted.

Rule 13 of the design, and its section 8. The hook above the SDK sees each call with the function
that makes it; what is not seen here is not proved.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.grants import given
from local.instance import ROOT
from tests.contract.test_policies import may
from tests.faults.conftest import publish
from tests.faults.harness.calls import Call
from tests.faults.harness.points import PointRunner
from tests.faults.harness.substrate import ACCOUNT, REGION
from tests.faults.recorder.rights import UNUSED
from tests.faults.use_cases import pictures, shop, sockets
from tests.faults.use_cases.catalogue import USE_CASES

# A write without a condition, as `<kind> <table> <partition> <sort key>`, and why it may be.
UNCONDITIONAL: Mapping[str, str] = {
    "Delete live CONN META": "a connection id is never given twice; gone is gone",
    "Delete live CONN SUB": "the same: part of a connection that is closed, or a wish taken back",
    "Delete live TOPIC CONN": "the other side of the same subscription",
    "Update core RATE W": "ADD counts every call of a window; there is no state to be in",
}
POLICIES = ROOT / ".chalice" / "policies"
SOCKETS = {"SOUK_SOCKET_BASE_URL": "wss://sockets.example/v1"}
CALLS_MIN = 1_000
FUNCTIONS_MIN = 10
SERVICES = {"stepfunctions": "states", "sesv2": "ses"}
# What the service calls the right to an operation, where the two differ.
RIGHTS = {
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "sqs:SendMessageBatch": ("sqs:SendMessage",),
    "dynamodb:BatchWriteItem": ("dynamodb:BatchWriteItem",),
}
TRANSACTED = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}
SINGLE = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}
Json = dict[str, Any]


@dataclass(slots=True)
class Recorder:
    """What was seen: writes by their place, and the rights that each function used."""

    calls: int = 0
    conditional: set[str] = field(default_factory=set)
    unconditional: set[str] = field(default_factory=set)
    used: set[tuple[str, str, str]] = field(default_factory=set)

    def note(self, client: Any, call: Call, parameters: Json) -> None:
        """Take down one call."""
        del client
        self.calls += 1
        for kind, write in _writes(call.operation, parameters):
            place = f"{kind} {_place(write)}"
            has_condition = bool(write.get("ConditionExpression"))
            (self.conditional if has_condition else self.unconditional).add(place)
        for action, resource in _rights(call, parameters):
            self.used.add((call.function, action, resource))


def _writes(operation: str, parameters: Json) -> Iterator[tuple[str, Json]]:
    if operation in SINGLE:
        yield SINGLE[operation], parameters
    for item in parameters.get("TransactItems", ()):
        ((kind, write),) = item.items()
        if kind in SINGLE.values():
            yield kind, write
    if operation == "BatchWriteItem":
        for table, requests in parameters["RequestItems"].items():
            for request in requests:
                ((kind, write),) = request.items()
                yield kind, {"TableName": table, **write}


def _place(write: Json) -> str:
    key = write.get("Key") or write.get("Item") or {}
    table = write["TableName"].rsplit("-", 1)[-1]
    partition, sort = (key[name]["S"].partition("#")[0] for name in ("pk", "sk"))
    return f"{table} {partition} {sort}"


def _rights(call: Call, parameters: Json) -> Iterator[tuple[str, str]]:
    if call.service == "outside":
        return
    if "TransactItems" in parameters:
        for item in parameters["TransactItems"]:
            ((kind, write),) = item.items()
            action = TRANSACTED.get(kind, "dynamodb:GetItem")
            yield action, _arn("dynamodb", {"TableName": write["TableName"]})
        return
    if call.operation == "DeleteObjects":
        for one in parameters["Delete"]["Objects"]:
            right = "s3:DeleteObjectVersion" if "VersionId" in one else "s3:DeleteObject"
            yield right, f"arn:aws:s3:::{parameters['Bucket']}/{one['Key']}"
        return
    service = SERVICES.get(call.service, call.service)
    action = f"{service}:{call.operation}"
    for right in RIGHTS.get(action, (action,)):
        yield right, _arn(service, parameters)


def _arn(service: str, told: Json) -> str:
    place = f"arn:aws:{service}:{REGION}:{ACCOUNT}"
    match service:
        case "dynamodb":
            table = told.get("TableName") or next(iter(told["RequestItems"]))
            index = f"/index/{told['IndexName']}" if "IndexName" in told else ""
            return f"{place}:table/{table}{index}"
        case "sqs":
            return f"{place}:{told['QueueUrl'].rsplit('/', 1)[-1]}"
        case "secretsmanager":
            return f"{place}:secret:{told['SecretId']}-AbCdEf"
        case "events":
            return f"{place}:event-bus/{told['Entries'][0]['EventBusName']}"
        case "s3":
            return f"arn:aws:s3:::{told['Bucket']}" + (f"/{told['Key']}" if "Key" in told else "")
        case "states":
            return str(told.get("stateMachineArn") or told.get("executionArn") or "*")
        case _:
            return str(told.get("TopicArn") or "*")


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    """Every use case once, undisturbed."""
    seen = Recorder()
    broken: list[str] = []
    with _watched(seen, {}) as runner:
        for use_case in (*USE_CASES.values(), *pictures.USE_CASES):
            broken += runner.discover(use_case).violations
    with _watched(seen, SOCKETS) as runner:
        for talk in sockets.USE_CASES:
            broken += runner.discover(talk).violations
    assert broken == []
    functions = {function for function, _, _ in seen.used}
    told = f"calls {seen.calls}  kinds of writes {len(seen.conditional)}  rights {len(seen.used)}"
    publish("recorder", f"{told}  functions {len(functions)}")
    return seen


@contextmanager
def _watched(seen: Recorder, more: Mapping[str, str]) -> Iterator[PointRunner]:
    """A shop of its own whose calls are taken down."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in more.items():
            patch.setitem(shop.OWN_ENVIRONMENT, name, value)
        opened = shop.open_shop()
    try:
        if more:
            # Stays in this process, which is why the recorder has a folder of its own.
            sockets.HALL.install(opened.world)
            opened.world.runtime.cold_start()
        opened.world.injector.observers.append(seen.note)
        yield opened.runner
    finally:
        opened.world.stop()


def test_enough_is_seen(recorder: Recorder) -> None:
    """A recorder that hears nothing proves nothing."""
    assert recorder.calls >= CALLS_MIN
    assert len({function for function, _, _ in recorder.used}) >= FUNCTIONS_MIN


def test_every_write_states_its_condition(recorder: Recorder) -> None:
    """No row is put, changed or deleted without saying in which state it must be."""
    assert recorder.unconditional == set(UNCONDITIONAL)


@pytest.mark.covers(82)
def test_every_call_is_granted(recorder: Recorder) -> None:
    """What functions do is allowed by their own policy files: allowed ⊇ used."""
    missing = sorted(used for used in recorder.used if not may(*used))
    assert missing == [], json.dumps(missing, indent=1)


@pytest.mark.covers(82)
def test_every_right_is_used_or_has_its_reason(recorder: Recorder) -> None:
    """A right without use is one for an attacker alone; a reason that no longer holds goes too."""
    used = {(function, action) for function, action, _ in recorder.used}
    unused = {right for right in given(POLICIES) if (right.function, right.action) not in used}
    assert sorted(map(" ".join, unused)) == sorted(UNUSED)
