"""Runs of the workflows, seen from outside: lists, and the steps of one run."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from chalicelib.kernel.clock import instant
from chalicelib.kernel.errors import NotFound
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.ops.rules import WORKFLOWS, RunStatus

HISTORY_PAGE: Final = 1000
HISTORY_PAGES_MAX: Final = 5
TOKEN_CHUNK: Final = "token"
Json = dict[str, Any]  # Any: JSON of many shapes


class Workflows(Protocol):
    """The state machines, as the service tells of them."""

    def describe(self, workflow: str, name: str) -> dict[str, Any] | None:
        """What is said of one run, None if there is none."""
        ...

    def runs(self, workflow: str, **request: Any) -> dict[str, Any]:
        """One page of the runs of a workflow, newest first."""
        ...

    def history(self, workflow: str, name: str, **request: Any) -> dict[str, Any]:
        """One page of the history of a run, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a workflow."""

    workflow: str
    name: str
    status: str
    started_at: str
    stopped_at: str | None


@dataclass(slots=True)
class Step:
    """One state that a run went through."""

    state: str
    type: str
    entered_at: str
    exited_at: str | None = None
    outcome: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with what it was given, how it ended and the way it took."""

    run: Run
    input: Json
    error: str | None
    cause: str | None
    steps: tuple[Step, ...] = field(default_factory=tuple)


def runs(
    workflow: str, status: RunStatus | None, page: PageRequest, workflows: Workflows
) -> Page[Run]:
    """The runs of a workflow, newest first; NotFound for a workflow that is none."""
    _require(workflow)
    request: Json = {"maxResults": page.limit}
    if status is not None:
        request["statusFilter"] = status
    if page.after is not None:
        request["nextToken"] = page.after[TOKEN_CHUNK]
    reply = workflows.runs(workflow, **request)
    found = tuple(_run(workflow, told) for told in reply["executions"])
    token = reply.get("nextToken")
    return Page(found, {TOKEN_CHUNK: token} if token else None)


def run(workflow: str, name: str, workflows: Workflows) -> RunDetail:
    """One run with its steps; NotFound otherwise."""
    _require(workflow)
    told = workflows.describe(workflow, name)
    if told is None:
        raise NotFound
    return RunDetail(
        run=_run(workflow, told),
        input=_object(told.get("input")),
        error=told.get("error"),
        cause=told.get("cause"),
        steps=tuple(_steps(_history(workflow, name, workflows))),
    )


def _require(workflow: str) -> None:
    if workflow not in WORKFLOWS:
        raise NotFound


def _run(workflow: str, told: Mapping[str, Any]) -> Run:
    stopped: datetime | None = told.get("stopDate")
    return Run(
        workflow=workflow,
        name=told["name"],
        status=told["status"],
        started_at=instant(told["startDate"]),
        stopped_at=instant(stopped) if stopped else None,
    )


def _history(workflow: str, name: str, workflows: Workflows) -> Iterable[Mapping[str, Any]]:
    request: Json = {"maxResults": HISTORY_PAGE}
    for _ in range(HISTORY_PAGES_MAX):
        reply = workflows.history(workflow, name, **request)
        yield from reply["events"]
        if not reply.get("nextToken"):
            return
        request["nextToken"] = reply["nextToken"]


def _steps(history: Iterable[Mapping[str, Any]]) -> list[Step]:
    steps: list[Step] = []
    for event in history:
        kind, at = event["type"], instant(event["timestamp"])
        if kind.endswith("StateEntered"):
            name = event["stateEnteredEventDetails"]["name"]
            steps.append(Step(name, kind.removesuffix("StateEntered"), at))
        elif kind.endswith("StateExited"):
            details = event["stateExitedEventDetails"]
            _leave(steps, details["name"], at, _object(details.get("output")))
        elif error := _error_of(event):
            for one in reversed(steps):
                if one.exited_at is None:
                    one.error = error
                    break
    return steps


def _leave(steps: list[Step], name: str, at: str, output: Json) -> None:
    for one in reversed(steps):
        if one.state == name and one.exited_at is None:
            one.exited_at = at
            last = output.get("last")
            if one.type == "Task" and isinstance(last, dict):
                one.outcome = last.get("outcome")
            return


def _error_of(event: Mapping[str, Any]) -> str | None:
    """The error that a failed, timed out or aborted event carries."""
    for name, details in event.items():
        if name.endswith("EventDetails") and isinstance(details, Mapping) and "error" in details:
            return str(details["error"])
    return "TimedOut" if str(event["type"]).endswith("TimedOut") else None


def _object(written: object) -> Json:
    try:
        read = json.loads(written) if isinstance(written, str) else {}
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
