"""REST routes of the operations desk: queues, dead letters, workflows, the journal, replays."""

from dataclasses import asdict
from typing import Final

from chalicelib.aws.workflows import workflows
from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.http import HttpBlueprint
from chalicelib.edge.replies import Reply
from chalicelib.kernel.clock import SystemClock, instant, later
from chalicelib.kernel.domain_events import Actor
from chalicelib.kernel.errors import Conflict, Invalid, NotFound
from chalicelib.kernel.pagination import Page
from chalicelib.ops import executions, replays, service, wiring
from chalicelib.ops.replays import Span, named_moment
from chalicelib.ops.rules import WORKFLOWS, NotRedrivable, Replay, ReplayStatus, month_of
from chalicelib.ops.schemas import (
    DeadLetterDetail,
    DeadLetterPage,
    DeadLetterParameters,
    DeadLetterReply,
    DeadLetterView,
    EventActor,
    EventPage,
    EventParameters,
    Execution,
    ExecutionDetail,
    ExecutionPage,
    ExecutionParameters,
    ExecutionStep,
    JournalEvent,
    Queue,
    QueueList,
    ReplayReply,
    ReplayRequest,
    ReplayView,
    Workflow,
    WorkflowList,
)
from chalicelib.ops.service import Origin, Wanted
from chalicelib.ops.store_journal import JournalEntry
from chalicelib.users.authorizer import staff

SPAN_DEFAULT_S: Final = 3_600
SPAN_MAX_S: Final = 86_400

blueprint: Final = HttpBlueprint(__name__)


def _origin(call: Call) -> Origin:
    return Origin(Actor("staff", call.caller.user_id), call.correlation_id)


@blueprint.route("/ops/queues", methods=["GET"], access=staff("ops"))
@documented(replies={200: QueueList})
def get_queues(_call: Call) -> Reply:
    """How full every queue is."""
    listed = [
        Queue(
            name=name,
            kind="queue" if kind == "queue" else "dead_letter",
            source=source,
            visible=visible,
            in_flight=in_flight,
            delayed=delayed,
        )
        for name, kind, source, (visible, in_flight, delayed) in wiring.depths()
    ]
    return Reply(200, QueueList(items=listed))


@blueprint.route("/ops/dead-letters", methods=["GET"], access=staff("ops"))
@documented(replies={200: DeadLetterPage}, query=DeadLetterParameters)
def get_dead_letters(call: Call) -> Reply:
    """Dead letters of one status, newest first."""
    asked = call.query(DeadLetterParameters)
    month = asked.month or month_of(instant(SystemClock().now()))
    wanted = Wanted(asked.status, month, asked.source)
    page = wiring.letter_deps().letters.listed(wanted, call.page())
    return Reply(200, DeadLetterPage(**call.listed(page, DeadLetterView.of)))


@blueprint.route("/ops/dead-letters/{dead_letter_id}", methods=["GET"], access=staff("ops"))
@documented(replies={200: DeadLetterDetail})
def get_dead_letter(_call: Call, dead_letter_id: str) -> Reply:
    """One dead letter with its body."""
    letter = service.dead_letter(dead_letter_id, wiring.letter_deps())
    return Reply(200, DeadLetterDetail.of(letter))


@blueprint.route(
    "/ops/dead-letters/{dead_letter_id}/redrive",
    methods=["POST"],
    access=staff("ops", step_up=True),
)
@documented(replies={202: DeadLetterReply}, errors=[NotRedrivable, Conflict])
def post_redrive(call: Call, dead_letter_id: str) -> Reply:
    """Start again what the dead letter stands for."""
    letter = service.request_redrive(dead_letter_id, _origin(call), wiring.letter_deps())
    return Reply(202, DeadLetterReply(dead_letter=DeadLetterView.of(letter)))


@blueprint.route(
    "/ops/dead-letters/{dead_letter_id}", methods=["DELETE"], access=staff("ops", step_up=True)
)
@documented(replies={204: None}, errors=[Conflict])
def delete_dead_letter(call: Call, dead_letter_id: str) -> Reply:
    """Put an open dead letter away."""
    service.delete(dead_letter_id, _origin(call), wiring.letter_deps())
    return Reply(204)


@blueprint.route("/ops/workflows", methods=["GET"], access=staff("ops"))
@documented(replies={200: WorkflowList})
def get_workflows(_call: Call) -> Reply:
    """The workflows of the shop."""
    listed = [Workflow(name=name, description=told) for name, told in WORKFLOWS.items()]
    return Reply(200, WorkflowList(items=listed))


@blueprint.route("/ops/workflows/{name}/executions", methods=["GET"], access=staff("ops"))
@documented(replies={200: ExecutionPage}, query=ExecutionParameters)
def get_executions(call: Call, name: str) -> Reply:
    """The runs of a workflow, newest first."""
    status = call.query(ExecutionParameters).status
    page = executions.runs(name, status, call.page(), workflows())
    listed = call.listed(page, lambda run: Execution.model_validate(asdict(run)))
    return Reply(200, ExecutionPage(**listed))


@blueprint.route(
    "/ops/workflows/{name}/executions/{execution}", methods=["GET"], access=staff("ops")
)
@documented(replies={200: ExecutionDetail})
def get_execution(_call: Call, name: str, execution: str) -> Reply:
    """One run with its steps."""
    found = executions.run(name, execution, workflows())
    steps = [ExecutionStep(**asdict(step)) for step in found.steps]
    detail = {"input": found.input, "error": found.error, "cause": found.cause, "steps": steps}
    return Reply(200, ExecutionDetail.model_validate({**asdict(found.run), **detail}))


@blueprint.route("/ops/events", methods=["GET"], access=staff("ops"))
@documented(replies={200: EventPage}, query=EventParameters)
def get_events(call: Call) -> Reply:
    """The journal of a span of time, or the history of one aggregate, oldest first."""
    asked = call.query(EventParameters)
    if asked.aggregate_id is not None:
        if asked.begins or asked.ends or asked.type:
            raise Invalid.field("query.aggregate_id", "exclusive", "Ask by aggregate or by time.")
        found = wiring.journal().of_aggregate(asked.aggregate_id, call.page())
    else:
        found = _by_time(call, asked)
    return Reply(200, EventPage(**call.listed(found, _journal_event)))


def _by_time(call: Call, asked: EventParameters) -> Page[JournalEntry]:
    page = call.page()
    # The span of the first page stands in the cursor: "the last hour" must not move on.
    after = dict(page.after) if page.after else {}
    ends = after.pop("ends", asked.ends or instant(SystemClock().now()))
    begins = after.pop(
        "begins", asked.begins or instant(later(named_moment("query.to", ends), -SPAN_DEFAULT_S))
    )
    length = named_moment("query.to", ends) - named_moment("query.from", begins)
    if not 0 < length.total_seconds() <= SPAN_MAX_S:
        raise Invalid.field("query.to", "span_too_long", "A span of more than 0, at most 24 hours.")
    types = (asked.type,) if asked.type else ()
    request = type(page)(page.limit, after or None)
    found = wiring.journal().entries(Span(begins, ends, types), request)
    if found.next is None:
        return found
    return Page(found.items, {**found.next, "begins": begins, "ends": ends})


def _journal_event(entry: JournalEntry) -> JournalEvent:
    told = asdict(entry)
    actor = EventActor.model_validate(told.pop("actor"))
    return JournalEvent(schema_=told.pop("schema"), actor=actor, **told)


@blueprint.route("/ops/events/replay", methods=["POST"], access=staff("ops", step_up=True))
@documented(request=ReplayRequest, replies={202: ReplayReply})
def post_replay(call: Call) -> Reply:
    """Publish the events of a span once more, or count them."""
    asked = call.body(ReplayRequest)
    span = Span(asked.begins, asked.ends, tuple(asked.types or ()))
    deps = wiring.replay_deps()
    replay = replays.request(span, _origin(call), deps, dry_run=asked.dry_run)
    return Reply(202, _replay(replay))


@blueprint.route("/ops/events/replays/{replay_id}", methods=["GET"], access=staff("ops"))
@documented(replies={200: ReplayReply}, errors=[NotFound])
def get_replay(_call: Call, replay_id: str) -> Reply:
    """One replay as it stands."""
    return Reply(200, _replay(replays.find(replay_id, wiring.replay_deps())))


def _replay(replay: Replay) -> ReplayReply:
    is_done = replay.status is ReplayStatus.DONE
    view = ReplayView(
        id=replay.id,
        status=replay.status,
        matched=replay.matched if is_done else None,
        published=replay.published if is_done else None,
    )
    return ReplayReply(replay=view)
