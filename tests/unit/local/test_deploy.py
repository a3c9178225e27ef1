# ruff: noqa: ARG002, N803  (the fake keeps the signatures of boto3)
"""Deployment: when it creates, updates, gives up, and what it leaves behind."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.deploy import Deployer, declared
from local.failures import DeploymentFailed
from local.package import Package


def _refusal(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "UpdateStack")


class _FakeAws:
    """CloudFormation, S3 and Lambda with one stack in `status`."""

    def __init__(self, status: str | None, final: str = "UPDATE_COMPLETE") -> None:
        self.status = status
        self.final = final
        self.calls: list[str] = []
        self.objects: dict[str, bytes] = {"old.zip": b""}
        self.deleted: list[str] = []
        self.request: dict[str, Any] = {}
        self.refusal: str | None = None
        self.stack_events: list[dict[str, str]] = []

    def create_bucket(self, **request: str) -> None:
        """It may exist."""

    def put_object(self, Key: str, Body: bytes, **_bucket: str) -> None:
        """Keep it."""
        self.objects[Key] = Body

    def list_objects_v2(self, **_bucket: str) -> dict[str, Any]:
        """All keys."""
        return {"Contents": [{"Key": key} for key in self.objects]}

    def delete_object(self, Key: str, **_bucket: str) -> None:
        """Forget it."""
        del self.objects[Key]

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        """The one stack, if there is one."""
        if self.status is None:
            raise _refusal("Stack does not exist")
        outputs = [{"OutputKey": "RestAPIId", "OutputValue": "abc"}]
        return {"Stacks": [{"StackStatus": self.status, "Outputs": outputs}]}

    def create_stack(self, **request: Any) -> None:
        """It ends as wished."""
        self._start("create", request)

    def update_stack(self, **request: Any) -> None:
        """It ends as wished."""
        self._start("update", request)

    def _start(self, call: str, request: dict[str, Any]) -> None:
        if self.refusal:
            raise _refusal(self.refusal)
        self.calls.append(call)
        self.request = request
        self.status = self.final
        if "ROLLBACK" in self.final:
            self.stack_events.insert(0, _failed("new", "Core", "no such type"))

    def delete_stack(self, StackName: str) -> None:
        """Gone at once."""
        self.calls.append("delete")
        self.status = None

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:
        """Newest first."""
        return {"StackEvents": list(self.stack_events)}

    def describe_stack_resources(self, StackName: str) -> dict[str, Any]:
        """One function."""
        function = {"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": "api"}
        return {"StackResources": [function]}

    def list_aliases(self, FunctionName: str) -> dict[str, Any]:
        """The alias points to version 2."""
        return {"Aliases": [{"Name": "live", "FunctionVersion": "2"}]}

    def list_versions_by_function(self, FunctionName: str) -> dict[str, Any]:
        """Two versions were published."""
        return {"Versions": [{"Version": version} for version in ("$LATEST", "1", "2")]}

    def delete_function(self, FunctionName: str, Qualifier: str) -> None:
        """Note it."""
        self.deleted.append(f"{FunctionName}:{Qualifier}")


def _failed(event_id: str, resource: str, reason: str) -> dict[str, str]:
    return {
        "EventId": event_id,
        "LogicalResourceId": resource,
        "ResourceStatus": "UPDATE_FAILED",
        "ResourceStatusReason": reason,
    }


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """One function, one workflow, one parameter."""
    (tmp_path / "deployment.zip").write_bytes(b"zip")
    (tmp_path / "order.asl.json").write_text("{}")
    resources = {
        "APIHandler": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "x.zip"}},
        "OrderFlow": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {"DefinitionUri": "order.asl.json"},
        },
    }
    template = {"Parameters": {"Stage": {"Type": "String"}}, "Resources": resources}
    return Package(tmp_path, template, "c0de")


def _deployer(aws: _FakeAws) -> Deployer:
    return Deployer(lambda _service: aws, "http://127.0.0.1:8400")


def test_the_first_deployment_creates_the_stack(package: Package) -> None:
    """Outputs are read after it."""
    aws = _FakeAws(None, "CREATE_COMPLETE")
    deployed = _deployer(aws).deploy(package, {"Stage": "local"})
    assert aws.calls == ["create"]
    assert deployed.outputs == {"RestAPIId": "abc"}
    assert deployed.changed


def test_code_and_workflows_go_up_under_keys_of_their_content(package: Package) -> None:
    """The template in the bucket points to them."""
    aws = _FakeAws("CREATE_COMPLETE")
    _deployer(aws).deploy(package, {"Stage": "local"})
    key = aws.request["TemplateURL"].rsplit("/", 1)[1]
    resources = json.loads(aws.objects[key])["Resources"]
    assert resources["APIHandler"]["Properties"]["CodeUri"]["Key"] == "c0de.zip"
    definition = resources["OrderFlow"]["Properties"]["DefinitionUri"]["Key"]
    assert definition.endswith("order.asl.json")
    assert definition in aws.objects


def test_nothing_to_update_is_success(package: Package) -> None:
    """A second start finds everything as it should be."""
    aws = _FakeAws("UPDATE_COMPLETE")
    aws.refusal = "No updates are to be performed."
    assert not _deployer(aws).deploy(package, {}).changed


def test_a_refusal_is_told_in_its_words(package: Package) -> None:
    """CloudFormation says best what it does not like."""
    aws = _FakeAws("UPDATE_COMPLETE")
    aws.refusal = "Unresolved resource dependencies [Corex]"
    with pytest.raises(DeploymentFailed) as refused:
        _deployer(aws).deploy(package, {})
    assert refused.value.detail == "Unresolved resource dependencies [Corex]"


def test_a_rolled_back_update_names_each_failed_resource(package: Package) -> None:
    """Failures of earlier operations are not repeated."""
    aws = _FakeAws("UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    aws.stack_events = [_failed("old", "Bus", "long ago")]
    with pytest.raises(DeploymentFailed, match="UPDATE_ROLLBACK_COMPLETE") as failed:
        _deployer(aws).deploy(package, {})
    assert failed.value.detail == "Core: no such type"


def test_a_stack_that_never_came_up_is_made_anew(package: Package) -> None:
    """It can only be deleted."""
    aws = _FakeAws("ROLLBACK_COMPLETE", "CREATE_COMPLETE")
    _deployer(aws).deploy(package, {})
    assert aws.calls == ["delete", "create"]


def test_old_code_is_forgotten(package: Package) -> None:
    """Hours of reloads must not fill the saved state."""
    aws = _FakeAws("CREATE_COMPLETE")
    _deployer(aws).deploy(package, {})
    assert "old.zip" not in aws.objects
    assert aws.deleted == ["api:1"]


def test_parameters_that_the_template_lacks_are_left_out() -> None:
    """CloudFormation would refuse them."""
    template: dict[str, Any] = {"Parameters": {"Stage": {}}}
    assert declared(template, {"Stage": "local", "Other": "x"}) == [
        {"ParameterKey": "Stage", "ParameterValue": "local"}
    ]
