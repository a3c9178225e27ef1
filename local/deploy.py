"""Deploys a package by CloudFormation on the embedded AWS, as a deployment to AWS would."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.failures import DeploymentFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from local.package import Package

STACK_NAME = "souk-local"
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
DEPLOY_MAX_S = 120.0
# A stack that never came up cannot be updated; on AWS too it must be deleted first.
NEVER_CREATED = ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED")


@dataclass(frozen=True, slots=True)
class Deployed:
    """The stack after a deployment."""

    changed: bool
    outputs: dict[str, str]
    resources: tuple[dict[str, Any], ...]  # as DescribeStackResources gives them

    def physical_ids(self, kind: str) -> list[str]:
        """Physical ids of the resources of one type."""
        return [
            entry["PhysicalResourceId"] for entry in self.resources if entry["ResourceType"] == kind
        ]


class Deployer:
    """Creates and updates the one stack of an instance."""

    def __init__(self, client: Callable[[str], Any], endpoint: str) -> None:
        """`client` makes a boto3 client of a service, for which boto3 has no types."""
        self._s3 = client("s3")
        self._formation = client("cloudformation")
        self._lambda = client("lambda")
        self._bucket = "souk-local-deployments"
        self._endpoint = endpoint

    def deploy(self, package: Package, parameters: Mapping[str, str]) -> Deployed:
        """Upload, create or update, wait; raise DeploymentFailed with each resource's reason."""
        template, uploaded = self._upload(package)
        request = {
            "StackName": STACK_NAME,
            "TemplateURL": f"{self._endpoint}/{self._bucket}/{template}",
            "Parameters": declared(package.template, parameters),
            "Capabilities": CAPABILITIES,
        }
        changed = self._create_or_update(request)
        deployed = self._result(changed=changed)
        if changed:
            self._forget_old_code(uploaded, deployed)
        return deployed

    def _upload(self, package: Package) -> tuple[str, set[str]]:
        """Put code, workflows and template under keys made of their content."""
        self._s3.create_bucket(Bucket=self._bucket)
        code = self._put(package.code_zip, f"{package.code_hash}.zip")
        for function in package.resources_of("AWS::Serverless::Function").values():
            function["Properties"]["CodeUri"] = {"Bucket": self._bucket, "Key": code}
        keys = {code}
        for machine in package.resources_of("AWS::Serverless::StateMachine").values():
            definition = package.folder / machine["Properties"]["DefinitionUri"]
            key = self._put(definition, f"{_hash(definition.read_bytes())}-{definition.name}")
            machine["Properties"]["DefinitionUri"] = {"Bucket": self._bucket, "Key": key}
            keys.add(key)
        body = json.dumps(package.template).encode()
        template = f"{_hash(body)}-template.json"
        self._s3.put_object(Bucket=self._bucket, Key=template, Body=body)
        return template, keys | {template}

    def _put(self, file: Path, key: str) -> str:
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=file.read_bytes())
        return key

    def _create_or_update(self, request: dict[str, Any]) -> bool:
        """Start the operation and wait for its end; False when there was nothing to change."""
        status = self._status()
        if status in NEVER_CREATED:
            self._formation.delete_stack(StackName=STACK_NAME)
            self._wait()
            status = None
        known = self._event_ids()
        try:
            if status in (None, "DELETE_COMPLETE"):
                self._formation.create_stack(**request)
            else:
                self._formation.update_stack(**request)
        except ClientError as refusal:
            message = refusal.response["Error"]["Message"]
            if "No updates are to be performed" in message:
                return False
            raise DeploymentFailed("CloudFormation refused the template:", message) from None
        final = self._wait()
        if final not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise DeploymentFailed(
                f"The deployment ended as {final}; the version before it stays:",
                self._failures(known),
            )
        return True

    def _status(self) -> str | None:
        try:
            stacks = self._formation.describe_stacks(StackName=STACK_NAME)["Stacks"]
        except ClientError:
            return None
        return str(stacks[0]["StackStatus"]) if stacks else None

    def _wait(self) -> str | None:
        end = time.monotonic() + DEPLOY_MAX_S
        while time.monotonic() < end:
            status = self._status()
            if status is None or not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(0.03)
        raise DeploymentFailed(f"The deployment did not end within {DEPLOY_MAX_S:.0f} s.")

    def _events(self) -> list[dict[str, Any]]:
        try:
            return list(self._formation.describe_stack_events(StackName=STACK_NAME)["StackEvents"])
        except ClientError:
            return []

    def _event_ids(self) -> set[str]:
        return {event["EventId"] for event in self._events()}

    def _failures(self, known: set[str]) -> str:
        """One line for each resource that failed in this operation, the first failure first."""
        return "\n".join(
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
            for event in reversed(self._events())
            if "FAILED" in event["ResourceStatus"] and event["EventId"] not in known
        )

    def _result(self, *, changed: bool) -> Deployed:
        stack = self._formation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        resources = self._formation.describe_stack_resources(StackName=STACK_NAME)
        return Deployed(
            changed=changed,
            outputs={out["OutputKey"]: out["OutputValue"] for out in stack.get("Outputs", [])},
            resources=tuple(resources["StackResources"]),
        )

    def _forget_old_code(self, uploaded: set[str], deployed: Deployed) -> None:
        """Keep only the code now running: hours of hot reloads would fill the saved state."""
        listed = self._s3.list_objects_v2(Bucket=self._bucket).get("Contents", [])
        for key in {entry["Key"] for entry in listed} - uploaded:
            self._s3.delete_object(Bucket=self._bucket, Key=key)
        for function in deployed.physical_ids("AWS::Lambda::Function"):
            aliases = self._lambda.list_aliases(FunctionName=function)["Aliases"]
            kept = {alias["FunctionVersion"] for alias in aliases} | {"$LATEST"}
            versions = self._lambda.list_versions_by_function(FunctionName=function)["Versions"]
            for published in {entry["Version"] for entry in versions} - kept:
                self._lambda.delete_function(FunctionName=function, Qualifier=published)


def declared(template: Mapping[str, Any], parameters: Mapping[str, str]) -> list[dict[str, str]]:
    """Those of `parameters` that the template knows, in CloudFormation's form."""
    known = template.get("Parameters", {})
    return [
        {"ParameterKey": name, "ParameterValue": value}
        for name, value in sorted(parameters.items())
        if name in known
    ]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:24]
