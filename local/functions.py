"""Talks to single functions of a running stack: logs, direct calls, and time."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local.deploy import STACK_NAME
from local.engine_process import CREDENTIALS, REGION
from local.failures import UnknownFunction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What the Lambda service itself writes around the lines of a call.
PLATFORM_LINES = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ")
FOLLOW_EVERY_S = 0.5
LOOK_BACK_MS = 60 * 60 * 1000


class Functions:
    """The deployed functions by the names they have in the app."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        """`client` makes a boto3 client of a service, for which boto3 has no types."""
        self._lambda = client("lambda")
        self._logs = client("logs")
        formation = client("cloudformation")
        resources = formation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
        self.deployed: dict[str, str] = {  # physical id by logical id
            entry["LogicalResourceId"]: entry["PhysicalResourceId"]
            for entry in resources
            if entry["ResourceType"] == "AWS::Lambda::Function"
        }

    def physical_id(self, name: str) -> str:
        """The deployed name of `api_handler`, `order-stock` or `OrderStock`."""
        for logical, physical in self.deployed.items():
            if _plain(name) in (_plain(logical), _plain(physical)):
                return physical
        known = ", ".join(sorted(snake(logical) for logical in self.deployed))
        raise UnknownFunction(f"There is no function {name}; there are {known}.")

    def invoke(self, name: str, event: object) -> tuple[Any, bool, str]:
        """Call a function and wait: its answer, whether it failed, and the end of its log."""
        reply = self._lambda.invoke(
            FunctionName=self.physical_id(name), Payload=json.dumps(event), LogType="Tail"
        )
        log = base64.b64decode(reply.get("LogResult", "")).decode(errors="replace")
        answer = json.loads(reply["Payload"].read() or b"null")
        return answer, "FunctionError" in reply, log

    def environment(self, name: str) -> dict[str, str]:
        """The variables with which a function runs."""
        configuration = self._lambda.get_function_configuration(FunctionName=self.physical_id(name))
        variables: dict[str, str] = configuration.get("Environment", {}).get("Variables", {})
        return variables

    def log_lines(self, name: str | None, *, follow: bool) -> Iterator[str]:
        """Lines of one function, or of all with their names, oldest first; `follow` never ends."""
        wanted = [self.physical_id(name)] if name else sorted(self.deployed.values())
        titles = {physical: snake(logical) for logical, physical in self.deployed.items()}
        since_ms = int(time.time() * 1000) - LOOK_BACK_MS
        shown: Counter[tuple[str, str]] = Counter()  # events per log stream
        while True:
            fresh = [
                (event["timestamp"], titles[function], event["message"])
                for function in wanted
                for event in self._events_after(function, since_ms, shown)
                if not event["message"].startswith(PLATFORM_LINES)
            ]
            for at_ms, title, message in sorted(fresh, key=lambda entry: entry[0]):
                yield _line(at_ms, title if name is None else "", message)
            if not follow:
                return
            time.sleep(FOLLOW_EVERY_S)

    def _events_after(
        self, function: str, since_ms: int, shown: Counter[tuple[str, str]]
    ) -> Iterator[dict[str, Any]]:
        """Events not yet `shown`; the embedded service gives them no id, so they are counted."""
        passed: Counter[tuple[str, str]] = Counter()
        for event in self._events(function, since_ms):
            stream = (function, event["logStreamName"])
            passed[stream] += 1
            if passed[stream] > shown[stream]:
                yield event
        shown |= passed

    def _events(self, function: str, since_ms: int) -> Iterator[dict[str, Any]]:
        request = {"logGroupName": f"/aws/lambda/{function}", "startTime": since_ms}
        while True:
            try:
                page = self._logs.filter_log_events(**request)
            except self._logs.exceptions.ResourceNotFoundException:
                # The group appears with the first call of the function.
                return
            yield from page["events"]
            if "nextToken" not in page:
                return
            request["nextToken"] = page["nextToken"]


def scheduled_event(at: datetime) -> dict[str, Any]:
    """What EventBridge sends to the function of a schedule."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [],
        "detail": {},
    }


def local_environment(endpoint: str, functions: Functions) -> dict[str, str]:
    """All that `chalice local --stage local` needs to serve REST on the running stack."""
    return (
        functions.environment("api_handler")
        | CREDENTIALS
        | {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION}
    )


def snake(logical_id: str) -> str:
    """`OrderStock` as the app names it: order_stock."""
    if logical_id == "APIHandler":
        return "api_handler"
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in logical_id)[
        1:
    ]


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _line(at_ms: int, title: str, message: str) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
    return f"{at} {title + ' ' if title else ''}{message.rstrip()}"
