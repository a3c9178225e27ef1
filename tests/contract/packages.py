"""The real app as `chalice package` makes it, resolved as CloudFormation would for one target."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from infra.packaging import packaged

NO_VALUE = {"Ref": "AWS::NoValue"}
Resource = dict[str, Any]


@lru_cache(maxsize=1)
def packaged_template() -> dict[str, Any]:
    """The merged template of stage dev, with all its intrinsics."""
    with packaged("dev", with_libraries=False) as package:
        return package.template()


@lru_cache(maxsize=2)
def resources(target: str = "aws") -> dict[str, Resource]:
    """The resources that exist on `target`, their conditions decided."""
    decided = {"OnAws": target == "aws", "HasAlertEmail": True, "HasAllowedOrigins": True}
    return {
        name: _decide(resource, decided)
        for name, resource in packaged_template()["Resources"].items()
        if "Condition" not in resource or decided[resource["Condition"]]
    }


def of_type(kind: str, target: str = "aws") -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and properties of every resource of a type."""
    for name, resource in resources(target).items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


def functions() -> dict[str, dict[str, Any]]:
    """The properties of each function by the name that domain.md gives it."""
    prefix = "souk-${Stage}-"
    return {
        properties["FunctionName"]["Fn::Sub"].removeprefix(prefix): properties
        for _, properties in of_type("AWS::Serverless::Function")
    }


def queue_events() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every queue that triggers a function: function, its properties, the event's properties."""
    for name, properties in functions().items():
        for event in properties.get("Events", {}).values():
            if event["Type"] == "SQS":
                yield name, properties, event["Properties"]


def named(intrinsic: Any) -> str:
    """The logical id that a Ref, GetAtt or Sub of an ARN speaks of."""
    match intrinsic:
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [name, *_]}:
            return str(name)
        case {"Fn::Sub": str(text)}:
            return text.removeprefix("${").split(".")[0].removesuffix("}")
    return str(intrinsic)


def _decide(node: Any, decided: dict[str, bool]) -> Any:
    match node:
        case {"Fn::If": [condition, yes, no]}:
            return _decide(yes if decided[condition] else no, decided)
        case dict():
            made = {key: _decide(value, decided) for key, value in node.items()}
            return {key: value for key, value in made.items() if value != NO_VALUE}
        case list():
            made_items = [_decide(value, decided) for value in node]
            return [value for value in made_items if value != NO_VALUE]
    return node
