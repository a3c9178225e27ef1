"""Starting workflows under names that make a second start harmless, and waking waiting ones."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.clients import client
from chalicelib.aws.faults import unavailable_on_failure
from chalicelib.aws.settings import settings
from chalicelib.kernel.errors import Unavailable

_NOBODY_WAITS: Final = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


@dataclass(frozen=True, slots=True)
class Arns:
    """How the workflows of a stage and their runs are addressed."""

    workflow: Callable[[str], str]
    execution: Callable[[str, str], str]


class Workflows:
    """The state machines of one stage."""

    def __init__(self, stepfunctions: Any, arns: Arns) -> None:
        """`stepfunctions` is a botocore client (Any: botocore builds classes at run time)."""
        self._stepfunctions = stepfunctions
        self._arns = arns

    def start(self, workflow: str, name: str, given: Mapping[str, Any]) -> bool:
        """Start a run called `name`; False if a run of that name exists already.

        A lost reply and a repeated message both end here a second time, and harmlessly.
        """
        try:
            self._stepfunctions.start_execution(
                stateMachineArn=self._arns.workflow(workflow),
                name=name,
                input=json.dumps(given, separators=(",", ":")),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
                return False
            raise Unavailable from error
        except BotoCoreError as error:
            raise Unavailable from error
        return True

    def resume(self, token: str, outcome: Mapping[str, Any]) -> bool:
        """Answer a waiting task; False if nobody waits for this token any more."""
        try:
            self._stepfunctions.send_task_success(taskToken=token, output=json.dumps(outcome))
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOBODY_WAITS:
                return False
            raise Unavailable from error
        except BotoCoreError as error:
            raise Unavailable from error
        return True

    def is_running(self, workflow: str, name: str) -> bool | None:
        """Whether the run called `name` still goes on; None if there is none."""
        described = self.describe(workflow, name)
        return None if described is None else described["status"] == "RUNNING"

    def describe(self, workflow: str, name: str) -> dict[str, Any] | None:
        """What the service says of one run, None if there is none."""
        try:
            reply: dict[str, Any] = self._stepfunctions.describe_execution(
                executionArn=self._arns.execution(workflow, name)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return None
            raise Unavailable from error
        except BotoCoreError as error:
            raise Unavailable from error
        return reply

    def runs(self, workflow: str, **request: Any) -> dict[str, Any]:
        """One page of the runs of a workflow, newest first, as the service lists them."""
        with unavailable_on_failure():
            reply: dict[str, Any] = self._stepfunctions.list_executions(
                stateMachineArn=self._arns.workflow(workflow), **request
            )
        return reply

    def history(self, workflow: str, name: str, **request: Any) -> dict[str, Any]:
        """One page of the history of a run, oldest first, as the service tells it."""
        with unavailable_on_failure():
            reply: dict[str, Any] = self._stepfunctions.get_execution_history(
                executionArn=self._arns.execution(workflow, name), **request
            )
        return reply


@lru_cache(maxsize=1)
def workflows() -> Workflows:
    """The workflows of this process' stage."""
    chosen = settings()
    return Workflows(client("stepfunctions"), Arns(chosen.workflow_arn, chosen.execution_arn))
