"""Logs, calls and time by the names that functions have in the app."""

import base64
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.failures import UnknownFunction
from local.functions import Functions, local_environment, scheduled_event, snake


class _NoSuchGroup(Exception):
    pass


class _FakeAws:
    """Lambda, logs and CloudFormation of a stack with two functions."""

    class exceptions:  # noqa: N801  (boto3 names it so)
        """What the logs client raises."""

        ResourceNotFoundException = _NoSuchGroup

    def __init__(self) -> None:
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[dict[str, Any]] = []

    def describe_stack_resources(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        """Two functions and a table."""
        assert StackName == "souk-local"
        kinds = {
            "APIHandler": "Lambda::Function",
            "OrderStock": "Lambda::Function",
            "CoreTable": "DynamoDB::Table",
        }
        return {
            "StackResources": [
                {
                    "LogicalResourceId": name,
                    "PhysicalResourceId": f"souk-local-{name}-1A2B",
                    "ResourceType": f"AWS::{kind}",
                }
                for name, kind in kinds.items()
            ]
        }

    def invoke(self, **request: str) -> dict[str, Any]:
        """A function that failed."""
        self.asked.append(request)
        return {
            "FunctionError": "Unhandled",
            "Payload": io.BytesIO(b'{"errorType": "OutOfStock"}'),
            "LogResult": base64.b64encode(b"a line\n").decode(),
        }

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        """One variable."""
        return {"Environment": {"Variables": {"SOUK_STAGE": "local", "FN": FunctionName}}}

    def filter_log_events(self, logGroupName: str, startTime: int) -> dict[str, Any]:  # noqa: N803
        """What was logged, or no such group."""
        assert startTime > 0
        if logGroupName not in self.events:
            raise _NoSuchGroup
        return {"events": self.events[logGroupName]}


@pytest.fixture
def aws() -> _FakeAws:
    """A fresh stack."""
    return _FakeAws()


@pytest.fixture
def functions(aws: _FakeAws) -> Functions:
    """Its functions."""
    return Functions(lambda _service: aws)


@pytest.mark.parametrize("name", ["order_stock", "order-stock", "OrderStock", "orderstock"])
def test_a_function_is_found_by_each_of_its_names(functions: Functions, name: str) -> None:
    """The app, the template and a hasty developer spell it differently."""
    assert functions.physical_id(name) == "souk-local-OrderStock-1A2B"


def test_an_unknown_function_is_answered_with_the_known(functions: Functions) -> None:
    """A typo needs no second command."""
    with pytest.raises(UnknownFunction, match="there are api_handler, order_stock"):
        functions.physical_id("order_stok")


def test_snake_is_the_name_in_the_app() -> None:
    """Chalice made the logical id of it."""
    assert [snake("APIHandler"), snake("JwtAuthorizer")] == ["api_handler", "jwt_authorizer"]


def test_a_failed_call_tells_its_error_and_its_log(functions: Functions, aws: _FakeAws) -> None:
    """The end of the log comes with the answer."""
    answer = functions.invoke("order_stock", {"order_id": "ord_1"})
    assert answer == ({"errorType": "OutOfStock"}, True, "a line\n")
    assert json.loads(aws.asked[0]["Payload"]) == {"order_id": "ord_1"}


def _event(at_ms: int, stream: str, message: str) -> dict[str, Any]:
    return {"timestamp": at_ms, "logStreamName": stream, "message": message}


def test_lines_of_all_functions_are_told_in_order_with_names(
    functions: Functions, aws: _FakeAws
) -> None:
    """Platform lines are left out; a function that never ran has no group."""
    aws.events["/aws/lambda/souk-local-OrderStock-1A2B"] = [
        _event(1000, "s1", "START RequestId: 1 Version: $LATEST"),
        _event(1001, "s1", "reserved\n"),
    ]
    assert list(functions.log_lines(None, follow=False)) == ["00:00:01.001 order_stock reserved"]


def test_following_tells_each_line_once(
    functions: Functions, aws: _FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal lines are different events all the same."""
    monkeypatch.setattr("local.functions.FOLLOW_EVERY_S", 0)
    group = aws.events.setdefault("/aws/lambda/souk-local-OrderStock-1A2B", [])
    group += [_event(1000, "s1", "same"), _event(1000, "s1", "same")]
    lines: Iterator[str] = functions.log_lines("order_stock", follow=True)
    assert [next(lines), next(lines)] == ["00:00:01.000 same"] * 2
    group.append(_event(2000, "s1", "same"))
    assert next(lines) == "00:00:02.000 same"


def test_a_tick_carries_the_wanted_time() -> None:
    """EventBridge tells seconds in UTC."""
    event = scheduled_event(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    assert event["time"] == "2026-03-01T12:00:00Z"
    assert event["detail-type"] == "Scheduled Event"


def test_chalice_local_gets_the_api_functions_environment(functions: Functions) -> None:
    """REST-only work sees the same tables and parameters."""
    environment = local_environment("http://127.0.0.1:8400", functions)
    assert environment["SOUK_STAGE"] == "local"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:8400"
