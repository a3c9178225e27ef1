"""Whatever goes wrong on AWS reaches a person, and no log is kept for ever."""

from typing import Any

import pytest

from chalicelib.aws.observability import NAMESPACE
from chalicelib.notifications.rules import Channel
from tests.contract.packages import named, of_type


def alarms() -> list[dict[str, Any]]:
    """The properties of every alarm."""
    return [properties for _, properties in of_type("AWS::CloudWatch::Alarm")]


def test_alarm_on_every_dead_end() -> None:
    """Messages that stay in any dead-letter queue for five minutes reach a person."""
    watched = {
        named(alarm["Dimensions"][0]["Value"])
        for alarm in alarms()
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        and alarm["Threshold"] == 0
        and alarm["Period"] * alarm["EvaluationPeriods"] == 300
    }
    assert watched == {
        n
        for n, properties in of_type("AWS::SQS::Queue")
        if properties["QueueName"]["Fn::Sub"].endswith("-dlq")
    }


@pytest.mark.parametrize(
    ("metric", "exempt"), [("Throttles", set()), ("Errors", {"jwt_authorizer"})]
)
def test_alarm_on_errors_and_throttles_of_every_function(metric: str, exempt: set[str]) -> None:
    """No function fails or is starved in silence; the authoriser refuses by raising."""
    watched = {
        named(alarm["Dimensions"][0]["Value"])
        for alarm in alarms()
        if alarm.get("Namespace") == "AWS/Lambda" and alarm["MetricName"] == metric
    }
    expected = {
        name
        for name, properties in of_type("AWS::Serverless::Function")
        if properties["FunctionName"]["Fn::Sub"].removeprefix("souk-${Stage}-") not in exempt
    }
    assert watched == expected


def test_alarm_on_stream_age_and_failed_workflows() -> None:
    """Events that wait for the bus and runs that end badly reach a person."""
    aged = {
        named(alarm["Dimensions"][0]["Value"])
        for alarm in alarms()
        if alarm.get("MetricName") == "IteratorAge"
    }
    failed = {
        (named(alarm["Dimensions"][0]["Value"]), alarm["MetricName"])
        for alarm in alarms()
        if alarm.get("Namespace") == "AWS/States"
    }
    assert "OutboxRelay" in aged
    for machine, _ in of_type("AWS::Serverless::StateMachine"):
        assert {(machine, "ExecutionsFailed"), (machine, "ExecutionsTimedOut")} <= failed


@pytest.mark.parametrize("channel", Channel)
def test_alarm_on_messages_that_may_go_out_twice(channel: Channel) -> None:
    """One such message of any channel within five minutes reaches a person."""
    (alarm,) = (
        alarm
        for alarm in alarms()
        if alarm.get("MetricName") == "DeliveryInDoubt"
        and {"Name": "channel", "Value": channel} in alarm["Dimensions"]
    )
    assert alarm["Namespace"] == NAMESPACE
    # The metric is found by exactly the dimensions it was written with.
    assert {entry["Name"] for entry in alarm["Dimensions"]} == {"stage", "channel"}
    assert {"Name": "stage", "Value": {"Ref": "Stage"}} in alarm["Dimensions"]
    assert (alarm["Statistic"], alarm["Period"], alarm["Threshold"]) == ("Sum", 300, 0)
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"


@pytest.mark.covers(95)
def test_every_alarm_tells_the_ops_topic() -> None:
    """An alarm that nobody hears is none."""
    assert all({"Ref": "OpsAlertsTopic"} in alarm["AlarmActions"] for alarm in alarms())


def test_log_retention_of_every_function_and_workflow() -> None:
    """No log group keeps its lines for ever."""
    groups = list(of_type("AWS::Logs::LogGroup"))
    assert all(properties["RetentionInDays"] <= 90 for _, properties in groups)
    kept = {named_in_log_group(properties) for _, properties in groups}
    assert {name for name, _ in of_type("AWS::Serverless::Function")} <= kept
    for _, properties in of_type("AWS::Serverless::StateMachine"):
        assert properties["Logging"]["IncludeExecutionData"] is False


def named_in_log_group(properties: dict[str, Any]) -> str:
    """The function whose log group this is."""
    name: str = properties["LogGroupName"]["Fn::Sub"]
    return name.removeprefix("/aws/lambda/${").removesuffix("}")
