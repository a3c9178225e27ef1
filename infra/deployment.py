"""Puts a finished package on AWS: uploads under content hashes, one change set, outputs back."""

import hashlib
import json
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError, WaiterError

from infra.finish import release
from infra.packaging import ROOT, Package

CAPABILITIES: Final = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
PUBLIC_ACCESS: Final = (
    "BlockPublicAcls",
    "BlockPublicPolicy",
    "IgnorePublicAcls",
    "RestrictPublicBuckets",
)
NO_CHANGE: Final = ("didn't contain changes", "No updates are to be performed")


class DeploymentFailed(RuntimeError):
    """CloudFormation refused the change set; the message holds its reasons."""


def parameters_of(stage: str, overrides: dict[str, str]) -> dict[str, str]:
    """The values of infra/parameters/<stage>.json, and over them what the command line says."""
    written = json.loads((ROOT / "infra" / "parameters" / f"{stage}.json").read_text())
    return {**written["Parameters"], **overrides}


def artifact_bucket() -> str:
    """The bucket of this account and region for code and templates, made on first use."""
    account = boto3.client("sts").get_caller_identity()["Account"]
    s3 = boto3.client("s3")
    region = s3.meta.region_name
    bucket = f"souk-artifacts-{account}-{region}"
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
            raise
        # S3 takes its oldest region as the absence of one.
        where = {} if region == "us-east-1" else {"LocationConstraint": region}
        s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": where} if where else {}))
        s3.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration=dict.fromkeys(PUBLIC_ACCESS, True),
        )
    return bucket


def deploy(package: Package, stage: str, bucket: str, parameters: dict[str, str]) -> dict[str, str]:
    """Create or update stack souk-<stage>; answers its outputs."""
    stack = f"souk-{stage}"
    uploads = _Uploads(bucket, stack)
    template = package.template()
    code = uploads.put(package.code_file)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = code
        if resource["Type"] == "AWS::Serverless::StateMachine":
            definition = package.folder / resource["Properties"]["DefinitionUri"]
            resource["Properties"]["DefinitionUri"] = uploads.put(definition)
    release(template, json.dumps(parameters, sort_keys=True).encode())
    # Beside the package, which stays as it was and may be deployed again.
    uploaded = package.folder / "uploaded.json"
    uploaded.write_text(json.dumps(template))
    url = uploads.url(uploads.put(uploaded))
    _change(stack, url, parameters)
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {entry["OutputKey"]: entry["OutputValue"] for entry in described.get("Outputs", [])}


class _Uploads:
    def __init__(self, bucket: str, prefix: str) -> None:
        self._s3 = boto3.client("s3")
        self._bucket = bucket
        self._prefix = prefix

    def put(self, file: Path) -> dict[str, str]:
        """Upload under a name made of the content, so that only changes are deployed."""
        content = file.read_bytes()
        key = f"{self._prefix}/{hashlib.sha256(content).hexdigest()[:32]}-{file.name}"
        self._s3.put_object(
            Bucket=self._bucket, Key=key, Body=content, ServerSideEncryption="AES256"
        )
        return {"Bucket": self._bucket, "Key": key}

    def url(self, uploaded: dict[str, str]) -> str:
        """Where CloudFormation reads an uploaded template."""
        return f"{self._s3.meta.endpoint_url}/{uploaded['Bucket']}/{uploaded['Key']}"


def _change(stack: str, template_url: str, parameters: dict[str, str]) -> None:
    cloudformation = boto3.client("cloudformation")
    is_new = _is_new(cloudformation, stack)
    named: dict[str, Any] = {"StackName": stack, "ChangeSetName": f"souk-{int(time.time())}"}
    cloudformation.create_change_set(
        **named,
        ChangeSetType="CREATE" if is_new else "UPDATE",
        TemplateURL=template_url,
        Capabilities=CAPABILITIES,
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    )
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(**named)
    except WaiterError as error:
        reason = cloudformation.describe_change_set(**named).get("StatusReason", "")
        if any(known in reason for known in NO_CHANGE):
            cloudformation.delete_change_set(**named)
            return
        raise DeploymentFailed(reason) from error
    cloudformation.execute_change_set(**named)
    done = "stack_create_complete" if is_new else "stack_update_complete"
    try:
        cloudformation.get_waiter(done).wait(StackName=stack)
    except WaiterError as error:
        raise DeploymentFailed(_reasons(cloudformation, stack)) from error


def _is_new(cloudformation: Any, stack: str) -> bool:
    try:
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return True
        raise
    return bool(described["StackStatus"] == "REVIEW_IN_PROGRESS")


def _reasons(cloudformation: Any, stack: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    return "\n".join(
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in reversed(failed)
    )
