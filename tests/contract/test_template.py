"""What the template promises beyond what any laptop can run: dead ends, alarms, locks."""

import json
import re
from typing import Any

import pytest

from infra.lint import complaints
from infra.packaging import packaged
from tests.contract.packages import (
    functions,
    named,
    of_type,
    packaged_template,
    queue_events,
    resources,
)

FOUNDATION = {
    "api_handler": 29,
    "jwt_authorizer": 5,
    "order_stock": 15,
    "order_status": 15,
    "order_payment": 25,
    "order_signals": 20,
    "payment_events": 20,
    "outbox_relay": 30,
    "notify_email": 20,
    "notify_sms": 20,
    "notify_push": 20,
    "daily_report": 60,
    "websocket_connect": 10,
    "websocket_message": 10,
    "websocket_disconnect": 10,
    "chat_fanout": 30,
    "notify_live": 10,
    "ops_worker": 30,
    "sweeper": 60,
    "rotate_secrets": 60,
}
PARAMETERS = {
    "ShopCurrency": "EUR",
    "ShippingFee": 500,
    "FreeShippingFrom": 5000,
    "ReviewAbove": 100000,
    "ReviewTimeoutSeconds": 86400,
    "ActionTimeoutSeconds": 900,
    "ResolveWaitSeconds": 5,
    "SmsDailyCap": 100,
    "AuthorizerTtlSeconds": 60,
    "RateScale": 1,
    "StaffMfa": "required",
    "Sandbox": "off",
    "AllowedOrigins": "",
    "MediaBaseUrl": "",
    "PublicBaseUrl": "",
    "MailFrom": "",
    "ReportRecipients": "",
    "AlertEmail": "",
}
CONSUMERS_OF_EVENTS = {
    "to-order-signals": (
        "OrderPlaced OrderReviewDecided OrderCancelRequested OrderCancelled PaymentCaptured "
        "PaymentDeclined RefundRequested"
    ),
    "to-customer-events": (
        "UserRegistered EmailVerificationRequested PasswordResetRequested RegistrationRepeated "
        "EmailVerified PasswordChanged MfaChanged OrderHeld OrderPaid OrderFailed OrderCancelled "
        "OrderShipped OrderDelivered PaymentActionRequired RefundSettled ContactReceived "
        "TicketReplied DailyReportReady"
    ),
    "to-payment-events": (
        "PaymentCaptured PaymentDeclined PaymentExpired RefundSettled RefundFailed RefundUncertain"
    ),
    "to-live": (
        "PasswordChanged MfaChanged SessionsRevoked RoleChanged UserDisabled UserEnabled "
        "StockAdjusted OrderPlaced OrderReserved OrderHeld OrderPaid OrderFailed "
        "OrderCancelRequested OrderCancelled OrderShipped OrderDelivered OrderRefunded "
        "PaymentStarted PaymentUncertain PaymentActionRequired PaymentCaptured PaymentDeclined "
        "PaymentExpired RefundRequested RefundSettled RefundFailed RefundUncertain MediaReady "
        "MediaRejected MediaFailed MediaExpired DeadLetterStored DeadLetterRedriveRequested "
        "DeadLetterRedriven DeadLetterDeleted"
    ),
    "to-ops-alerts": "DeadLetterStored",
    "to-ops-commands": "DeadLetterRedriveRequested ReplayRequested",
}
RECEIVES = {
    "order-signals": 8,
    "payments-inbox": 8,
    "email": 5,
    "sms": 5,
    "push": 5,
    "live": 5,
    "ops-commands": 5,
}
FOURTEEN_DAYS_S = 1_209_600


def queues() -> dict[str, dict[str, Any]]:
    """The properties of each queue by its logical id."""
    return dict(of_type("AWS::SQS::Queue"))


def short(properties: dict[str, Any]) -> str:
    """The name of a queue without its stage."""
    name: str = properties["QueueName"]["Fn::Sub"]
    return name.removeprefix("souk-${Stage}-")


@pytest.mark.timeout(180)
def test_template_is_lint_clean_before_and_after_expansion() -> None:
    """cfn-lint has nothing to say of the packaged template, finished and expanded or not."""
    with packaged("dev", with_libraries=False) as package:
        assert complaints(package) == ""


def test_every_parameter_of_the_domain_has_its_default() -> None:
    """A deployment may choose exactly what domain.md 1.8 lists."""
    declared = packaged_template()["Parameters"]
    assert {name: declared[name]["Default"] for name in PARAMETERS} == PARAMETERS
    assert set(declared) - set(PARAMETERS) == {"Stage", "Target", "Canary", "SocketBaseUrl"}


def test_every_parameter_reaches_every_function() -> None:
    """Functions read parameters as SOUK_ names; none is forgotten."""
    given = packaged_template()["Globals"]["Function"]["Environment"]["Variables"]
    for name in PARAMETERS:
        variable = "SOUK_" + re.sub(r"(?<!^)([A-Z])", r"_\1", name).upper()
        assert {"Ref": name} in (given[variable], *given[variable].get("Fn::If", []))
    for properties in functions().values():
        assert properties["Environment"]["Variables"]["SOUK_STAGE"] == {"Ref": "Stage"}


def test_functions_have_the_names_and_timeouts_of_the_domain() -> None:
    """Each function of the foundation exists under its name, with its time-out."""
    timeouts = {name: properties["Timeout"] for name, properties in functions().items()}
    assert {name: timeouts.get(name) for name in FOUNDATION} == FOUNDATION


@pytest.mark.covers(25)
@pytest.mark.covers(26)
@pytest.mark.parametrize("table", ["CoreTable", "LiveTable"])
def test_tables_have_their_keys_indexes_and_locks(table: str) -> None:
    """Keys, three indexes, TTL, both images; encrypted, restorable, left behind by a deletion."""
    resource = resources()[table]
    made = resource["Properties"]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert made["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert made["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert made["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert made["SSESpecification"]["SSEEnabled"] is True
    assert made["DeletionProtectionEnabled"] is True
    indexes = {
        index["IndexName"]: (
            [key["AttributeName"] for key in index["KeySchema"]],
            index["Projection"]["ProjectionType"],
        )
        for index in made["GlobalSecondaryIndexes"]
    }
    assert [key["AttributeName"] for key in made["KeySchema"]] == ["pk", "sk"]
    assert indexes == {
        "gsi1": (["gsi1pk", "gsi1sk"], "ALL"),
        "gsi2": (["gsi2pk", "gsi2sk"], "ALL"),
        "gsi3": (["gsi3pk", "gsi3sk"], "KEYS_ONLY"),
    }


@pytest.mark.covers(84)
def test_secrets_are_made_by_the_stack_as_key_rings() -> None:
    """Each ring starts with a random key of 64 characters; no value stands in the template."""
    made = {
        properties["Name"]["Fn::Sub"]: properties
        for _, properties in of_type("AWS::SecretsManager::Secret")
    }
    rings = {f"souk/${{Stage}}/{n}" for n in ("tokens", "identity", "links", "webhook", "gateway")}
    assert set(made) == rings
    for properties in made.values():
        assert "SecretString" not in properties
        generated = properties["GenerateSecretString"]
        assert json.loads(generated["SecretStringTemplate"]) == {"current": "k1"}
        assert generated["GenerateStringKey"] == "k1"
        assert generated["PasswordLength"] == 64


def test_every_work_queue_has_a_dead_letter_queue_of_14_days() -> None:
    """A message that fails again and again ends in `<name>-dlq` and stays there for two weeks."""
    for properties in queues().values():
        name = short(properties)
        if name.endswith("-dlq"):
            assert properties["MessageRetentionPeriod"] == FOURTEEN_DAYS_S, name
            continue
        redrive = properties["RedrivePolicy"]
        assert short(queues()[named(redrive["deadLetterTargetArn"])]) == f"{name}-dlq"
        assert redrive["maxReceiveCount"] == RECEIVES.get(name, redrive["maxReceiveCount"])
        assert redrive["maxReceiveCount"] >= 5


@pytest.mark.covers(86)
def test_every_queue_is_encrypted() -> None:
    """No queue keeps messages in the clear."""
    assert all(properties["SqsManagedSseEnabled"] is True for properties in queues().values())


@pytest.mark.covers(108)
def test_visibility_is_at_least_six_times_the_consumers_timeout() -> None:
    """A slow but living consumer never sees its message handed to another."""
    for name, properties, event in queue_events():
        queue = queues()[named(event["Queue"])]
        assert queue["VisibilityTimeout"] >= 6 * properties["Timeout"], name


def test_every_queue_consumer_reports_partial_failures() -> None:
    """One poison message does not fail its batch."""
    for name, _, event in queue_events():
        assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name


def test_ops_worker_empties_every_dead_end() -> None:
    """Whatever ends in a dead-letter queue becomes a dead letter."""
    emptied = {named(event["Queue"]) for name, _, event in queue_events() if name == "ops_worker"}
    dead_ends = {name for name, properties in queues().items() if short(properties)[-4:] == "-dlq"}
    assert emptied >= dead_ends


@pytest.mark.covers(86)
def test_only_tls_reaches_queues_and_topics() -> None:
    """Every queue and topic has a policy that refuses plain HTTP on AWS."""
    for kind, owner in (("SQS::Queue", "Queues"), ("SNS::Topic", "Topics")):
        protected = set()
        for _, properties in of_type(f"AWS::{kind}Policy"):
            if any(_refuses_http(s) for s in properties["PolicyDocument"]["Statement"]):
                protected |= {named(reference) for reference in properties[owner]}
        assert protected == {name for name, _ in of_type(f"AWS::{kind}")}


def _refuses_http(statement: dict[str, Any]) -> bool:
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    return statement["Effect"] == "Deny" and statement.get("Condition") == plain


@pytest.mark.covers(83)
def test_services_may_only_send_and_to_queues_only_from_a_named_source() -> None:
    """Resource policies name service, action and, on queues, the rule or topic that sends."""
    for _, properties in of_type("AWS::SQS::QueuePolicy"):
        for statement in properties["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                assert statement["Principal"].keys() == {"Service"}
                assert statement["Action"] == "sqs:SendMessage"
                assert any("aws:SourceArn" in test for test in statement["Condition"].values())
    for _, properties in of_type("AWS::SNS::TopicPolicy"):
        for statement in properties["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                assert statement["Principal"].keys() == {"Service"} or statement["Principal"] == {
                    "AWS": {"Fn::GetAtt": ["MediaPipelineRole", "Arn"]}
                }
                assert statement["Action"] == "sns:Publish"


@pytest.mark.covers(86)
def test_topics_are_encrypted_under_a_key_that_publishers_may_use() -> None:
    """EventBridge, CloudWatch and SES can publish to our topics, nobody reads it at rest."""
    for _, properties in of_type("AWS::SNS::Topic"):
        key = resources()[named(properties["KmsMasterKeyId"])]["Properties"]
        assert key["EnableKeyRotation"] is True
        principals = [s["Principal"].get("Service", []) for s in key["KeyPolicy"]["Statement"]]
        publishers = ["events.amazonaws.com", "cloudwatch.amazonaws.com", "ses.amazonaws.com"]
        assert publishers in principals


@pytest.mark.covers(57)
@pytest.mark.parametrize("rule", CONSUMERS_OF_EVENTS)
def test_rules_route_exactly_the_events_of_the_catalogue(rule: str) -> None:
    """Each consumer hears what domain.md 6.2 says, on the bus of the stage, and nothing else."""
    rules = {properties["Name"]: properties for _, properties in of_type("AWS::Events::Rule")
             if isinstance(properties["Name"], str)}  # fmt: skip
    assert sorted(rules[rule]["EventPattern"]["detail-type"]) == sorted(
        CONSUMERS_OF_EVENTS[rule].split()
    )
    assert named(rules[rule]["EventBusName"]) == "Bus"
    assert rules[rule]["EventPattern"]["source"]


@pytest.mark.covers(64)
def test_every_rule_target_gives_up_after_an_hour_into_the_bus_dead_end() -> None:
    """No event is lost because a target was away."""
    for name, properties in of_type("AWS::Events::Rule"):
        for target in properties["Targets"]:
            assert target["RetryPolicy"] == {
                "MaximumEventAgeInSeconds": 3600,
                "MaximumRetryAttempts": 20,
            }, name
            assert named(target["DeadLetterConfig"]["Arn"]) == "BusDlq", name


def test_failed_executions_of_every_workflow_reach_the_workflow_dead_end() -> None:
    """A run that fails, times out or is stopped is seen without its own help."""
    rule = resources()["ExecutionFailedRule"]["Properties"]
    watched = {named(arn) for arn in rule["EventPattern"]["detail"]["stateMachineArn"]}
    assert watched == {name for name, _ in of_type("AWS::Serverless::StateMachine")}
    assert rule["EventPattern"]["detail"]["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    assert named(rule["Targets"][0]["Arn"]) == "WorkflowDlq"


def test_bus_is_archived_on_aws() -> None:
    """Events can be replayed from the archive as well as from their rows."""
    (archive,) = [properties for _, properties in of_type("AWS::Events::Archive")]
    assert named(archive["SourceArn"]) == "Bus"
    assert dict(of_type("AWS::Events::Archive", "local")) == {}


@pytest.mark.parametrize("name", ["CustomerEventsToEmail", "MailFeedbackToEmail"])
def test_topics_feed_the_email_queue_raw_and_with_a_dead_end(name: str) -> None:
    """The queue holds events as they were sent; what SNS gives up on is not lost."""
    subscription = resources()[name]["Properties"]
    assert subscription["RawMessageDelivery"] is True
    assert named(subscription["Endpoint"]) == "EmailQueue"
    assert named(subscription["RedrivePolicy"]["deadLetterTargetArn"]) == "EmailDlq"


def test_bounces_and_complaints_come_back_to_the_mail_consumer() -> None:
    """Mails go out under the configuration set of the stage, whose feedback is not thrown away."""
    assert resources()["MailSettings"]["Properties"]["Name"] == {"Fn::Sub": "souk-${Stage}"}
    destination = resources()["MailFeedback"]["Properties"]["EventDestination"]
    assert destination["MatchingEventTypes"] == ["bounce", "complaint"]
    assert named(destination["SnsDestination"]["TopicARN"]) == "MailFeedbackTopic"


def test_streams_start_at_the_oldest_row_and_end_in_a_dead_end() -> None:
    """Rows written before the mapping existed are relayed; what cannot be is parked."""
    streams = [
        event["Properties"]
        for properties in functions().values()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "DynamoDB"
    ]
    assert streams
    for event in streams:
        assert event["StartingPosition"] == "TRIM_HORIZON"
        assert event["BatchSize"] == 25
        assert event["BisectBatchOnFunctionError"] is True
        assert event["MaximumRetryAttempts"] >= 5
        destination = event["DestinationConfig"]["OnFailure"]
        assert named(destination["Destination"]) == "StreamsDlq"


def test_relay_is_called_for_new_event_rows_only() -> None:
    """The relay's own marks and every other write cost no call."""
    event = functions()["outbox_relay"]["Events"]["OutboxRelayDynamodbEventSource"]["Properties"]
    (pattern,) = event["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "EVT#"}]}}},
    }


def test_schedules_that_fail_end_in_the_async_dead_end() -> None:
    """A scheduled call is tried three times and then parked."""
    for name, properties in functions().items():
        kinds = {event["Type"] for event in properties.get("Events", {}).values()}
        if "Schedule" in kinds:
            invoked = properties["EventInvokeConfig"]
            assert invoked["MaximumRetryAttempts"] == 2, name
            assert named(invoked["DestinationConfig"]["OnFailure"]["Destination"]) == "AsyncDlq"
