"""Least privilege: what each function may do, and that nothing gives it more."""

import json
import re
from functools import cache
from typing import Any

import pytest

from infra.packaging import ROOT
from tests.contract.packages import functions, named, of_type, queue_events

Statement = dict[str, Any]

FOLDER = ROOT / ".chalice" / "policies"
FILES = sorted(file.stem for file in FOLDER.glob("*.json"))
# Actions for which the API knows no narrower resource; sending mail is narrowed for AWS.
ANYWHERE = {
    "ses:SendEmail",
    "sns:CreatePlatformEndpoint",
    "sns:Publish",
    "states:SendTaskSuccess",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
SECRETS = {
    "api_handler": {"tokens", "identity", "links", "webhook"},
    "jwt_authorizer": {"tokens"},
    "order_payment": {"gateway"},
    "notify_email": {"links"},
    "rotate_secrets": {"tokens", "identity", "links", "webhook"},
}
WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
CONSUME = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}


@cache
def statements(function: str) -> list[Statement]:
    """The statements of a function's policy file."""
    read: list[Statement] = json.loads((FOLDER / f"{function}.json").read_text())["Statement"]
    return read


def actions(statement: Statement) -> list[str]:
    """The actions of a statement, one or many."""
    named_actions: str | list[str] = statement["Action"]
    return [named_actions] if isinstance(named_actions, str) else named_actions


def places(statement: Statement) -> list[str]:
    """The resources of a statement, one or many."""
    resource: str | list[str] = statement["Resource"]
    return [resource] if isinstance(resource, str) else resource


def may(function: str, action: str, resource: str) -> bool:
    """Whether a function may do this to that, `*` in the file standing for anything."""
    return any(
        action in actions(statement)
        and any(_matches(place, resource) for place in places(statement))
        for statement in statements(function)
    )


def _matches(pattern: str, resource: str) -> bool:
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(escaped, resource) is not None


def queue_arn(name: str) -> str:
    """The ARN of a queue of some stage."""
    return f"arn:aws:sqs:eu-west-1:123456789012:souk-dev-{name}"


def queue_name(logical_id: str) -> str:
    """The short name of the queue with this logical id."""
    properties = dict(of_type("AWS::SQS::Queue"))[logical_id]
    name: str = properties["QueueName"]["Fn::Sub"]
    return name.removeprefix("souk-${Stage}-")


def test_every_function_has_a_policy_and_every_policy_a_function() -> None:
    """No function runs with another's rights, and no file is left over."""
    assert set(FILES) == set(functions())


def test_config_gives_each_function_its_own_file() -> None:
    """The policies of the files are those that are deployed, and Chalice adds nothing."""
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())
    assert config["autogen_policy"] is False
    assert {
        name: settings["iam_policy_file"] for name, settings in config["lambda_functions"].items()
    } == {name: f"policies/{name}.json" for name in functions()}


@pytest.mark.parametrize("function", FILES)
def test_no_action_is_a_wildcard(function: str) -> None:
    """Every right is spelled out."""
    for statement in statements(function):
        assert statement["Effect"] == "Allow"
        for action in actions(statement):
            assert re.fullmatch(r"[a-z0-9-]+:[A-Za-z]+", action), action


@pytest.mark.covers(26)
@pytest.mark.parametrize("function", FILES)
def test_no_function_may_scan(function: str) -> None:
    """No code path can read a whole table."""
    granted = {action for statement in statements(function) for action in actions(statement)}
    assert not granted & {"dynamodb:Scan", "dynamodb:PartiQLSelect", "dynamodb:ExecuteStatement"}


@pytest.mark.parametrize("function", FILES)
def test_resources_are_our_own(function: str) -> None:
    """A right covers resources of Souk only, unless the API knows no narrower one."""
    for statement in statements(function):
        for place in places(statement):
            if place == "*":
                assert set(actions(statement)) <= ANYWHERE
            elif not place.startswith("arn:*:execute-api:"):
                assert "souk" in place, place


@pytest.mark.parametrize("function", FILES)
def test_statements_and_actions_are_sorted(function: str) -> None:
    """Two people who add a right produce the same file."""
    sids = [statement["Sid"] for statement in statements(function)]
    assert sids == sorted(set(sids))
    for statement in statements(function):
        assert actions(statement) == sorted(set(actions(statement)))
        assert places(statement) == sorted(set(places(statement)))


@pytest.mark.parametrize("function", FILES)
def test_every_function_may_log_and_trace(function: str) -> None:
    """Chalice sets the role, so the file itself must allow what Lambda needs for itself."""
    group = f"arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/souk-dev-{function}:log-stream:x"
    for action in ("CreateLogGroup", "CreateLogStream", "PutLogEvents"):
        assert may(function, f"logs:{action}", group)
    assert may(function, "xray:PutTraceSegments", "*")


@pytest.mark.parametrize("function", FILES)
def test_secrets_are_those_of_the_domain(function: str) -> None:
    """Each function reads the key rings of domain.md 8.1 and no other."""
    rings = {
        ring
        for ring in ("tokens", "identity", "links", "webhook", "gateway")
        if may(
            function,
            "secretsmanager:GetSecretValue",
            f"arn:aws:secretsmanager:eu-west-1:1:secret:souk/dev/{ring}-AbCdEf",
        )
    }
    assert rings == SECRETS.get(function, set())


def test_queue_consumers_may_consume_delay_and_park() -> None:
    """A consumer takes, deletes and delays messages of its queue and parks what is poison."""
    for function, _, event in queue_events():
        name = queue_name(named(event["Queue"]))
        for action in (*CONSUME, "sqs:ChangeMessageVisibility"):
            assert may(function, action, queue_arn(name)), (function, action, name)
        if not name.endswith("-dlq"):
            assert may(function, "sqs:SendMessage", queue_arn(f"{name}-dlq")), (function, name)


def test_nobody_else_consumes_a_queue() -> None:
    """Messages are taken by the function whose trigger the queue is, and by nobody else."""
    triggers = {(f, queue_name(named(event["Queue"]))) for f, _, event in queue_events()}
    queues = [queue_name(logical_id) for logical_id, _ in of_type("AWS::SQS::Queue")]
    allowed = {
        (function, name)
        for function in FILES
        for name in queues
        if may(function, "sqs:ReceiveMessage", queue_arn(name))
    }
    assert allowed == triggers


def test_failed_calls_may_be_sent_to_their_dead_end() -> None:
    """Lambda sends to an on-failure destination with the function's own role."""
    for function, properties in functions().items():
        for target in _failure_targets(properties):
            assert may(function, "sqs:SendMessage", queue_arn(queue_name(named(target)))), function


def _failure_targets(properties: dict[str, Any]) -> list[Any]:
    configured = [properties.get("EventInvokeConfig", {})]
    configured += [event["Properties"] for event in properties.get("Events", {}).values()]
    return [
        entry["DestinationConfig"]["OnFailure"]["Destination"]
        for entry in configured
        if "DestinationConfig" in entry
    ]


def test_stream_consumers_may_read_their_stream() -> None:
    """The mapping reads the stream with the function's own role."""
    for function, properties in functions().items():
        for event in properties.get("Events", {}).values():
            if event["Type"] == "DynamoDB":
                table = "core" if named(event["Properties"]["Stream"]) == "CoreTable" else "live"
                stream = f"arn:aws:dynamodb:eu-west-1:1:table/souk-dev-{table}/stream/2026"
                for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"):
                    assert may(function, f"dynamodb:{action}", stream), (function, action)


def test_the_api_is_weak() -> None:
    """The function that strangers reach sends no mail, sees no gateway key, starts no workflow."""
    granted = {action for statement in statements("api_handler") for action in actions(statement)}
    assert not {action for action in granted if action.startswith(("ses:", "sns:", "lambda:"))}
    assert not granted & {"states:StartExecution", "states:SendTaskSuccess", "events:PutEvents"}


def test_the_authoriser_only_reads() -> None:
    """A stolen authoriser changes nothing."""
    granted = {
        action.removeprefix("dynamodb:")
        for statement in statements("jwt_authorizer")
        for action in actions(statement)
    }
    assert not granted & WRITES


@pytest.mark.parametrize("function", FILES)
def test_only_its_users_may_delete_rows(function: str) -> None:
    """Rows disappear by the API's one-time tokens and by TTL; workflows and consumers keep all."""
    if may(function, "dynamodb:DeleteItem", "arn:aws:dynamodb:eu-west-1:1:table/souk-dev-core"):
        assert function in {"api_handler", "websocket_connect"}


def test_the_workflows_may_call_their_steps_and_park() -> None:
    """The role of the order workflows invokes three functions and sends to one queue."""
    (role,) = [p for name, p in of_type("AWS::IAM::Role") if name == "OrderWorkflowsRole"]
    granted = [
        (action, place)
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Resource"] != "*"
        for action in actions(statement)
        for place in (named(r) for r in _listed(statement["Resource"]))
    ]
    assert sorted(granted) == [
        ("lambda:InvokeFunction", "OrderPayment"),
        ("lambda:InvokeFunction", "OrderStatus"),
        ("lambda:InvokeFunction", "OrderStock"),
        ("sqs:SendMessage", "WorkflowDlq"),
    ]


def _listed(resource: Any) -> list[Any]:
    return resource if isinstance(resource, list) else [resource]
