"""Wire models of operations."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints

from chalicelib.ops.rules import DeadLetter, Kind, ReplayStatus, RunStatus, Status
from chalicelib.wire.models import (
    Instant,
    Month,
    PageParameters,
    Parameters,
    Request,
    View,
    line,
)


class Health(View):
    """The process answers."""

    status: Literal["ok"] = "ok"
    stage: str
    version: str


class HelloParameters(Parameters):
    """Whom to greet."""

    name: Annotated[str, line(1, 80)] = "World"


class Hello(View):
    """A greeting."""

    message: str


class ReadyChecks(View):
    """What a call needs before it can be served."""

    core: Literal["ok"] = "ok"
    live: Literal["ok"] = "ok"
    secrets: Literal["ok"] = "ok"


class Ready(View):
    """Tables and secrets answer."""

    status: Literal["ok"] = "ok"
    checks: ReadyChecks = ReadyChecks()


class OpenApi(View):
    """An OpenAPI 3.1 document; its own form is described elsewhere."""

    model_config = ConfigDict(extra="allow")

    openapi: Literal["3.1.0"]
    info: dict[str, Any]  # Any: the form of OpenAPI
    paths: dict[str, Any]


class Queue(View):
    """A queue and how full it is, approximately."""

    name: str
    kind: Literal["queue", "dead_letter"]
    source: str | None
    visible: int
    in_flight: int
    delayed: int


class QueueList(View):
    """Every queue of the shop."""

    items: list[Queue]
    next: None = None


class DeadLetterView(View):
    """A message or run that the shop could not deal with."""

    id: str
    source: str
    kind: Kind
    status: Status
    cause: str
    reference: str | None
    receive_count: int
    correlation_id: str | None
    first_seen_at: str
    updated_at: str
    version: int

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        """The view of a dead letter."""
        return cls(**{name: getattr(letter, name) for name in cls.model_fields})


class DeadLetterDetail(DeadLetterView):
    """A dead letter with what it held."""

    body: str
    attributes: dict[str, str]


class DeadLetterReply(View):
    """A dead letter after a change."""

    dead_letter: DeadLetterView


class DeadLetterPage(View):
    """Dead letters of one status, newest first."""

    items: list[DeadLetterView]
    next: str | None


class DeadLetterParameters(PageParameters):
    """Which dead letters; `month` is that of closed ones, the present one by default."""

    status: Status = Status.OPEN
    month: Month | None = None
    source: Annotated[str, line(1, 80)] | None = None


class Workflow(View):
    """A workflow of the shop."""

    name: str
    description: str


class WorkflowList(View):
    """Every workflow."""

    items: list[Workflow]
    next: None = None


class ExecutionParameters(PageParameters):
    """Which runs of a workflow."""

    status: RunStatus | None = None


class Execution(View):
    """One run of a workflow."""

    workflow: str
    name: str
    status: RunStatus
    started_at: str
    stopped_at: str | None


class ExecutionStep(View):
    """One state that a run went through."""

    state: str
    type: str
    entered_at: str
    exited_at: str | None
    outcome: str | None
    error: str | None


class ExecutionDetail(Execution):
    """A run with the way it took."""

    input: dict[str, Any]  # Any: JSON of many shapes
    error: str | None
    cause: str | None
    steps: list[ExecutionStep]


class ExecutionPage(View):
    """Runs, newest first."""

    items: list[Execution]
    next: str | None


EventName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{1,60}$")]


class EventParameters(PageParameters):
    """A span of the journal, or the history of one aggregate."""

    begins: Instant | None = Field(None, alias="from")
    ends: Instant | None = Field(None, alias="to")
    type: EventName | None = None
    aggregate_id: Annotated[str, line(1, 120)] | None = None


class EventActor(View):
    """Who caused an event."""

    type: Literal["customer", "staff", "system"]
    id: str


class JournalEvent(View):
    """An event as the bus carries it, with its type, source and relay."""

    type: str
    source: str
    event_id: str
    # `schema` would hide an old method of the models' base.
    schema_: int = Field(serialization_alias="schema")
    aggregate_id: str
    aggregate_version: int
    occurred_at: str
    correlation_id: str
    actor: EventActor
    data: dict[str, Any]  # Any: JSON of many shapes
    relayed_at: str | None


class EventPage(View):
    """Events, oldest first."""

    items: list[JournalEvent]
    next: str | None


class ReplayRequest(Request):
    """Which events to publish once more; `dry_run` only counts them."""

    begins: Instant = Field(alias="from")
    ends: Instant = Field(alias="to")
    types: Annotated[list[EventName], Field(min_length=1, max_length=20)] | None = None
    dry_run: bool = True


class ReplayView(View):
    """A replay; the counts are told once it is done."""

    id: str
    status: ReplayStatus
    matched: int | None
    published: int | None


class ReplayReply(View):
    """A replay as it stands."""

    replay: ReplayView
