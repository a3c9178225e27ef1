"""The deployment template, read as the routing truth: who feeds what, and where it dies.

Only the constructs in use are understood; anything else raises, so that the harness cannot
quietly route otherwise than the stack does.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue with its dead end."""

    name: str
    visibility_s: int
    receives_max: int = 0
    dead_letters: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where a rule or a topic sends: ("queue" | "topic" | "workflow", name)."""

    kind: str
    name: str
    transformer: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a bus."""

    name: str
    bus: str
    pattern: dict[str, Any]
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A queue that listens to a topic, by raw delivery or in the envelope."""

    queue: str
    raw: bool
    policy: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """One event source of one function."""

    function: str
    kind: str
    source: str
    batch_max: int = 10
    reports_partial: bool = False
    attempts_max: int | None = None
    on_failure: str | None = None
    bisects: bool = False
    filters: tuple[dict[str, Any], ...] = ()


@dataclass(slots=True)
class Stack:
    """What a stack holds, by name."""

    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    queues: dict[str, Queue] = field(default_factory=dict)
    topics: dict[str, list[Subscription]] = field(default_factory=dict)
    buses: list[str] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    secrets: dict[str, tuple[dict[str, Any], str, int]] = field(default_factory=dict)
    workflows: dict[str, dict[str, Any]] = field(default_factory=dict)
    mappings: list[Mapping] = field(default_factory=list)
    unrouted: list[Mapping] = field(default_factory=list)
    handlers: dict[str, str] = field(default_factory=dict)
    timeouts_s: dict[str, int] = field(default_factory=dict)
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    async_failures: dict[str, str] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """YAML with the short forms of intrinsic functions."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        content: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            content = content.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        content = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        content = loader.construct_mapping(node, deep=True)
    else:
        raise NotImplementedError(suffix)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": content}


_Loader.add_multi_constructor("!", _short_form)

_NAMED_BY = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::Serverless::StateMachine": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::S3::Bucket": "BucketName",
}
_ARN = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::Events::EventBus": "arn:aws:events:{region}:{account}:event-bus/{name}",
    "AWS::Serverless::StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:{region}:{account}:secret:{name}",
}
_REF_IS_ARN = {
    "AWS::SNS::Topic",
    "AWS::Serverless::StateMachine",
    "AWS::StepFunctions::StateMachine",
    "AWS::SecretsManager::Secret",
}


class Resolver:
    """Evaluates the intrinsic functions of one template for one set of parameters."""

    def __init__(self, document: dict[str, Any], values: dict[str, str]) -> None:
        self._resources = document.get("Resources", {})
        self._conditions = document.get("Conditions", {})
        self._mappings = document.get("Mappings", {})
        self.region, self.account = values["AWS::Region"], values["AWS::AccountId"]
        defaults = {
            name: parameter["Default"]
            for name, parameter in document.get("Parameters", {}).items()
            if "Default" in parameter
        }
        self._values: dict[str, Any] = {
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": "souk",
            **defaults,
            **values,
        }

    def holds(self, condition: str) -> bool:
        """Whether a named condition is true."""
        return bool(self(self._conditions[condition]))

    def __call__(self, node: Any) -> Any:
        """A node of the template with every intrinsic function evaluated."""
        if isinstance(node, list):
            entries = [self(inner) for inner in node]
            return [inner for inner in entries if inner is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, content),) = node.items()
            if name in {"Ref", "Condition"} or name.startswith("Fn::"):
                return self._intrinsic(name, content)
        found = {name: self(inner) for name, inner in node.items()}
        return {name: inner for name, inner in found.items() if inner is not None}

    def _intrinsic(self, name: str, content: Any) -> Any:  # noqa: C901, PLR0911 - a table
        match name:
            case "Ref":
                return self._ref(content)
            case "Condition":
                return self.holds(content)
            case "Fn::Sub":
                return self._sub(content)
            case "Fn::GetAtt":
                return self._attribute(
                    *(content if isinstance(content, list) else content.split(".", 1))
                )
            case "Fn::Join":
                return str(content[0]).join(str(self(part)) for part in content[1])
            case "Fn::If":
                return self(content[1] if self.holds(content[0]) else content[2])
            case "Fn::Equals":
                return self(content[0]) == self(content[1])
            case "Fn::Not":
                return not self(content[0])
            case "Fn::And":
                return all(self(part) for part in content)
            case "Fn::Or":
                return any(self(part) for part in content)
            case "Fn::FindInMap":
                top, first, second = (self(part) for part in content)
                return self._mappings[top][first][second]
            case _:
                raise NotImplementedError(f"the harness does not know {name}")

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return None
        if name in self._values:
            return self._values[name]
        if name not in self._resources:
            return name
        if self._resources[name].get("Type") in _REF_IS_ARN:
            return self._attribute(name, "Arn")
        return self.name_of(name)

    def name_of(self, logical_id: str) -> str:
        """The physical name of a resource."""
        resource = self._resources.get(logical_id, {})
        key = _NAMED_BY.get(resource.get("Type", ""), "")
        return str(self(resource.get("Properties", {}).get(key, logical_id)))

    def _attribute(self, logical_id: str, attribute: str) -> str:
        kind = self._resources.get(logical_id, {}).get("Type", "")
        name = self.name_of(logical_id)
        if attribute == "StreamArn":
            return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{name}/stream/now"
        if attribute in {"Arn", "TopicArn"} and kind in _ARN:
            return _ARN[kind].format(region=self.region, account=self.account, name=name)
        if attribute == "Arn":
            return f"arn:aws:lambda:{self.region}:{self.account}:function:{logical_id}"
        return f"{logical_id}.{attribute}"

    def _sub(self, content: Any) -> str:
        text, extra = (content, {}) if isinstance(content, str) else content

        def value(found: re.Match[str]) -> str:
            name = found.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in extra:
                return str(self(extra[name]))
            if "." in name and name not in self._values:
                return str(self._attribute(*name.split(".", 1)))
            return str(self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", value, text)


def load_document(path: Path) -> dict[str, Any]:
    """Parse a template file, short intrinsics included."""
    document: dict[str, Any] = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 - SafeLoader
    return document


def load_workflow(path: Path, substitutions: dict[str, Any]) -> dict[str, Any]:
    """A state machine definition with its substitutions filled in, numbers kept as numbers."""
    text = path.read_text()
    for name, value in substitutions.items():
        text = text.replace("${" + name + "}", str(value))
    definition: dict[str, Any] = json.loads(text)
    return definition
