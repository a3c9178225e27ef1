"""From a template document to the things the driver routes by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.faults.harness.template import (
    Mapping,
    Queue,
    Resolver,
    Rule,
    Stack,
    Subscription,
    Target,
    load_document,
    load_workflow,
)

_TABLE_KEYS = (
    "TableName",
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
    "BillingMode",
)
_QUEUE_VISIBILITY_S = 30


def read_stack(
    template: Path, values: dict[str, str], *, region: str, account: str
) -> tuple[Stack, Resolver]:
    """Read one template with these parameter values."""
    document = load_document(template)
    resolver = Resolver(document, {"AWS::Region": region, "AWS::AccountId": account, **values})
    stack = Stack()
    for logical_id, resource in document["Resources"].items():
        if "Condition" in resource and not resolver.holds(resource["Condition"]):
            continue
        _read(stack, resolver, logical_id, resource, template.parent)
    variables = document.get("Globals", {}).get("Function", {}).get("Environment", {})
    stack.environment = {
        name: str(value) for name, value in resolver(variables.get("Variables", {})).items()
    }
    return stack, resolver


def _read(  # noqa: C901 - one branch a resource type
    stack: Stack, resolver: Resolver, logical_id: str, resource: dict[str, Any], folder: Path
) -> None:
    properties = resource.get("Properties", {})
    name = resolver.name_of(logical_id)
    match resource.get("Type"):
        case "AWS::DynamoDB::Table":
            stack.tables[name] = _table(resolver(properties))
        case "AWS::SQS::Queue":
            stack.queues[name] = _queue(name, resolver(properties))
        case "AWS::SNS::Topic":
            topic = stack.topics.setdefault(name, [])
            topic.extend(_subscribers(resolver(properties.get("Subscription", []))))
        case "AWS::SNS::Subscription":
            found = resolver(properties)
            topic = stack.topics.setdefault(last(found["TopicArn"]), [])
            topic.extend(_subscribers([found]))
        case "AWS::Events::EventBus":
            stack.buses.append(name)
        case "AWS::Events::Rule" if "EventPattern" in properties:
            stack.rules.append(_rule(logical_id, resolver(properties)))
        case "AWS::SecretsManager::Secret" if "GenerateSecretString" in properties:
            made = resolver(properties["GenerateSecretString"])
            template = json.loads(made.get("SecretStringTemplate", "{}"))
            length = int(made.get("PasswordLength", 64))
            stack.secrets[name] = (template, made["GenerateStringKey"], length)
        case "AWS::SecretsManager::Secret" if "SecretString" in properties:
            fixed = json.loads(resolver(properties["SecretString"]))
            stack.secrets[name] = (fixed, "", 0)
        case "AWS::Serverless::StateMachine" | "AWS::StepFunctions::StateMachine":
            stack.workflows[name] = _workflow(resolver, properties, folder)
        case None | "AWS::Serverless::Function":
            stack.overrides[logical_id] = resolver(properties)


def last(arn: str) -> str:
    """The name at the end of an ARN or a queue address."""
    return arn.rsplit(":", 1)[-1].rsplit("/", 1)[-1]


def _table(properties: dict[str, Any]) -> dict[str, Any]:
    table = {key: properties[key] for key in _TABLE_KEYS if key in properties}
    view = properties.get("StreamSpecification", {}).get("StreamViewType")
    if view:
        table["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    return table


def _queue(name: str, properties: dict[str, Any]) -> Queue:
    policy = properties.get("RedrivePolicy")
    if policy is None:
        return Queue(name, int(properties.get("VisibilityTimeout", _QUEUE_VISIBILITY_S)))
    return Queue(
        name,
        int(properties.get("VisibilityTimeout", _QUEUE_VISIBILITY_S)),
        int(policy["maxReceiveCount"]),
        last(policy["deadLetterTargetArn"]),
    )


def _subscribers(found: list[dict[str, Any]]) -> list[Subscription]:
    return [
        Subscription(
            last(one["Endpoint"]),
            str(one.get("RawMessageDelivery", False)).lower() == "true",
            one.get("FilterPolicy"),
        )
        for one in found
        if one["Protocol"] == "sqs"
    ]


def _rule(logical_id: str, properties: dict[str, Any]) -> Rule:
    return Rule(
        name=properties.get("Name", logical_id),
        bus=last(properties.get("EventBusName", "default")),
        pattern=properties["EventPattern"],
        targets=tuple(_target(found) for found in properties["Targets"]),
    )


_TARGET_KINDS = {"sqs": "queue", "sns": "topic", "states": "workflow", "lambda": "function"}


def _target(found: dict[str, Any]) -> Target:
    service = found["Arn"].split(":")[2]
    return Target(_TARGET_KINDS[service], last(found["Arn"]), found.get("InputTransformer"))


def _workflow(resolver: Resolver, properties: dict[str, Any], folder: Path) -> dict[str, Any]:
    substitutions = resolver(properties.get("DefinitionSubstitutions", {}))
    if "DefinitionUri" in properties:
        path = properties["DefinitionUri"]
        for base in (folder, folder.parent, folder.parent / "stepfunctions"):
            for candidate in (base / path, base / Path(path).name):
                if candidate.is_file():
                    return load_workflow(candidate, substitutions)
        raise FileNotFoundError(path)
    definition: dict[str, Any] = resolver(properties["Definition"])
    return definition


def add_chalice_sources(stack: Stack, app: Any) -> None:
    """Take handlers and event sources from the live application, overridden by the template."""
    for function in (*app.pure_lambda_functions, *app.builtin_auth_handlers):
        stack.handlers[function.name] = function.handler_string
    for source in app.event_sources:
        stack.handlers[source.name] = source.handler_string
        mapping = _declared(source)
        if mapping is not None:
            stack.mappings.append(_overridden(mapping, stack.overrides))
    # A source that the template does not have can deliver nothing.
    stack.unrouted = [m for m in stack.mappings if not _exists(stack, m)]
    stack.mappings = [m for m in stack.mappings if _exists(stack, m)]
    for logical_id, properties in stack.overrides.items():
        stack.mappings.extend(_extra(stack, logical_id, properties))
        failed = properties.get("EventInvokeConfig", {}).get("DestinationConfig", {})
        for name in stack.handlers:
            if camel(name) == logical_id and "OnFailure" in failed:
                stack.async_failures[name] = last(failed["OnFailure"]["Destination"])


def _exists(stack: Stack, mapping: Mapping) -> bool:
    match mapping.kind:
        case "queue":
            return mapping.source in stack.queues
        case "stream":
            return mapping.source in stack.tables
        case _:
            return True


def camel(name: str) -> str:
    """The logical id Chalice gives to a function."""
    return "".join(part.title() for part in name.replace("-", "_").split("_"))


def _declared(source: Any) -> Mapping | None:
    match type(source).__name__:
        case "SQSEventConfig":
            queue = source.queue or last(source.queue_arn)
            return Mapping(source.name, "queue", queue, source.batch_size or 10)
        case "DynamoDBEventConfig":
            table = source.stream_arn.split("/")[1]
            return Mapping(source.name, "stream", table, source.batch_size or 100)
        case "ScheduledEventConfig":
            return Mapping(source.name, "schedule", str(source.schedule_expression))
        case _:
            return None


def _overridden(mapping: Mapping, overrides: dict[str, dict[str, Any]]) -> Mapping:
    suffix = {"queue": "SqsEventSource", "stream": "DynamodbEventSource"}.get(mapping.kind)
    events = overrides.get(camel(mapping.function), {}).get("Events", {})
    event = events.get(f"{camel(mapping.function)}{suffix}")
    return mapping if event is None else _from_event(mapping.function, mapping, event)


def _from_event(function: str, base: Mapping, event: dict[str, Any]) -> Mapping:
    found = event.get("Properties", {})
    failure = found.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    attempts = found.get("MaximumRetryAttempts")
    return Mapping(
        function,
        base.kind,
        _event_source(found) or base.source,
        int(found.get("BatchSize", base.batch_max)),
        "ReportBatchItemFailures" in found.get("FunctionResponseTypes", []),
        None if attempts is None else int(attempts) + 1,
        last(failure) if failure else None,
        bool(found.get("BisectBatchOnFunctionError")),
        tuple(
            json.loads(one["Pattern"]) for one in found.get("FilterCriteria", {}).get("Filters", [])
        ),
    )


def _event_source(found: dict[str, Any]) -> str:
    if "Stream" in found:
        return str(found["Stream"]).split("/")[1]
    return last(found["Queue"]) if "Queue" in found else ""


def _extra(stack: Stack, logical_id: str, properties: dict[str, Any]) -> list[Mapping]:
    """Sources that only the template declares, such as the dead-letter queues."""
    names = {camel(name): name for name in stack.handlers}
    function = names.get(logical_id)
    if function is None:
        return []
    known = {(m.function, m.source) for m in stack.mappings}
    extra = []
    for event in properties.get("Events", {}).values():
        if event.get("Type") == "SQS":
            mapping = _from_event(function, Mapping(function, "queue", "", 10), event)
        elif event.get("Type") in {"Schedule", "ScheduleV2"}:
            mapping = Mapping(function, "schedule", str(event["Properties"]["Schedule"]))
        else:
            continue
        if (function, mapping.source) not in known:
            extra.append(mapping)
    return extra
