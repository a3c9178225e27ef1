"""Reads what lies in a dead-letter queue: where it came from, why, and what it is about.

Four writers fill those queues: our own consumers (with the cause as an attribute), the redrive
policy of a queue (without), workflows that hand themselves over, and AWS services that gave up.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from chalicelib.kernel.event_forms import is_text, is_word
from chalicelib.ops.rules import BODY_BYTES_MAX, CAUSE_MAX, CUT, NAME_MAX, Finding, Kind

ATTRIBUTES_BYTES_MAX: Final = 32 * 1024
REFERENCE_MAX: Final = 300
_COUNT: Final = re.compile(r"[0-9]{1,6}")
UNTOLD: Final = "no cause was told"
STATUS_CHANGE: Final = "Step Functions Execution Status Change"
# Attributes that describe the parking itself and would mislead a second consumer.
PARKING_ATTRIBUTES: Final = frozenset({"cause", "source", "source_message_id", "receives"})


class DeadMessage(Protocol):
    """A message in a dead-letter queue."""

    @property
    def id(self) -> str:
        """The queue's own id of it."""
        ...

    @property
    def body(self) -> str:
        """What it says."""
        ...

    @property
    def receives(self) -> int:
        """How often it was received."""
        ...

    @property
    def attributes(self) -> Mapping[str, str]:
        """What was told beside it."""
        ...


def read(queue: str, message: DeadMessage) -> Finding:
    """The finding in one message of the dead-letter queue called `queue`."""
    told = _json(message.body)
    known = message.attributes
    finding = Finding(
        source=known.get("source", ""),
        kind=Kind.QUEUE,
        cause=known.get("cause", ""),
        body=message.body,
        receive_count=int(known["receives"])
        if _COUNT.fullmatch(known.get("receives", ""))
        else message.receives,
        seen_as=known.get("source_message_id", message.id),
        reference=known.get("reference") or _text(_path(told, "detail", "event_id")),
        correlation_id=_id(known.get("correlation_id")) or _correlation(told),
        attributes={name: known[name] for name in known if name not in PARKING_ATTRIBUTES},
    )
    finding = _READERS.get(queue, _of_queue)(finding, told, queue)
    return _bounded(replace(finding, cause=(finding.cause or UNTOLD)[:CAUSE_MAX]))


def _bounded(finding: Finding) -> Finding:
    """What no item could hold is cut, and then says so: there is no further end for a letter."""
    finding = replace(
        finding,
        source=finding.source[:NAME_MAX],
        seen_as=_recognised(finding.seen_as),
        reference=finding.reference[:REFERENCE_MAX] if finding.reference else None,
        correlation_id=_id(finding.correlation_id),
    )
    if len(json.dumps(dict(finding.attributes))) > ATTRIBUTES_BYTES_MAX:
        finding = replace(finding, attributes={CUT: "true"})
    written = finding.body.encode()
    if len(written) <= BODY_BYTES_MAX:
        return finding
    cut = written[:BODY_BYTES_MAX].decode(errors="ignore")
    return replace(finding, body=cut, attributes={**finding.attributes, CUT: "true"})


def _recognised(seen_as: str) -> str:
    """What a letter is recognised by is part of a key, which has its limits."""
    return seen_as if is_word(seen_as) else hashlib.sha256(seen_as.encode()).hexdigest()


def _of_queue(finding: Finding, _told: Mapping[str, Any], queue: str) -> Finding:
    source = finding.source or queue.removesuffix("-dlq")
    cause = finding.cause or f"received {finding.receive_count} times without success"
    return replace(finding, source=source, cause=cause)


def _of_workflow(finding: Finding, told: Mapping[str, Any], _queue: str) -> Finding:
    if told.get("detail-type") == STATUS_CHANGE:
        return _of_stopped_run(finding, told)
    execution = _text(told.get("execution"))
    given = told.get("input")
    return replace(
        finding,
        kind=Kind.WORKFLOW,
        source=_text(told.get("workflow")) or "unknown",
        cause=finding.cause or _text(told.get("cause")) or _state_cause(told.get("state")),
        seen_as=execution or finding.seen_as,
        reference=execution or finding.reference or _named(given),
        correlation_id=finding.correlation_id or _id(_path(given, "correlation_id")),
    )


def _of_stopped_run(finding: Finding, told: Mapping[str, Any]) -> Finding:
    """The status rule's event, brought into the form in which workflows park themselves."""
    found = told.get("detail")
    detail: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    execution = _text(detail.get("name")) or finding.seen_as
    machine = (_text(detail.get("stateMachineArn")) or "").rsplit(":", 1)[-1]
    workflow = machine.split("-", 2)[-1] if machine.startswith("souk-") else machine
    given = _json(_text(detail.get("input")) or "{}")
    error = ": ".join(filter(None, (_text(detail.get("error")), _text(detail.get("cause")))))
    body = {"workflow": workflow, "execution": execution, "input": given, "state": None}
    return replace(
        finding,
        kind=Kind.WORKFLOW,
        source=workflow,
        cause=error or f"execution {str(detail.get('status', 'failed')).lower()}",
        body=json.dumps(body, separators=(",", ":")),
        seen_as=execution,
        reference=execution,
        correlation_id=_id(given.get("correlation_id")),
    )


def _of_stream(finding: Finding, told: Mapping[str, Any], _queue: str) -> Finding:
    finding = replace(finding, kind=Kind.STREAM)
    if finding.source:
        event_id = _text(told.get("event_id"))
        more = {"event_id": event_id} if event_id else {}
        return replace(finding, attributes={**finding.attributes, **more})
    arn = _text(_path(told, "DDBStreamBatchInfo", "streamArn")) or ""
    table = arn.partition(":table/")[2].partition("/")[0].rsplit("-", 1)[-1]
    condition = _text(_path(told, "requestContext", "condition")) or UNTOLD
    return replace(finding, source=table or "unknown", cause=condition)


def _of_async(finding: Finding, told: Mapping[str, Any], _queue: str) -> Finding:
    arn = _text(_path(told, "requestContext", "functionArn")) or ""
    function = arn.partition(":function:")[2].partition(":")[0].split("-", 2)[-1]
    error = _text(_path(told, "responsePayload", "errorType"))
    condition = _text(_path(told, "requestContext", "condition"))
    request_id = _text(_path(told, "requestContext", "requestId"))
    return replace(
        finding,
        kind=Kind.ASYNC,
        source=finding.source or function or "unknown",
        cause=finding.cause or ": ".join(filter(None, (condition, error))),
        reference=request_id,
        seen_as=request_id or finding.seen_as,
    )


def _of_bus(finding: Finding, told: Mapping[str, Any], _queue: str) -> Finding:
    attributes = finding.attributes
    rule = attributes.get("RULE_ARN", "").rsplit("/", 1)[-1]
    told_cause = (attributes.get("ERROR_CODE"), attributes.get("ERROR_MESSAGE"))
    event_id = _text(_path(told, "detail", "event_id"))
    more = {"event_id": event_id} if event_id else {}
    return replace(
        finding,
        kind=Kind.BUS,
        source=rule or "unknown",
        cause=": ".join(filter(None, told_cause)),
        reference=event_id,
        attributes={**attributes, **more},
    )


_READERS: Final[Mapping[str, Callable[[Finding, Mapping[str, Any], str], Finding]]] = {
    "workflow-dlq": _of_workflow,
    "streams-dlq": _of_stream,
    "async-dlq": _of_async,
    "bus-dlq": _of_bus,
}


def _state_cause(state: object) -> str:
    """Why a run parked itself: its error, or the last answer it could not go on with."""
    name = _text(_path(state, "error", "Error"))
    if name:
        told = _json(_text(_path(state, "error", "Cause")) or "")
        return ": ".join(filter(None, (name, _text(told.get("errorMessage")))))
    reason, outcome = _text(_path(state, "last", "reason")), _text(_path(state, "last", "outcome"))
    return reason or outcome or ""


def _named(given: object) -> str | None:
    """The record that a run is about, from its input."""
    for name in ("refund_id", "order_id", "media_id"):
        if found := _text(_path(given, name)):
            return found
    return None


def _correlation(told: Mapping[str, Any]) -> str | None:
    for place in ((), ("detail",), ("input",)):
        if found := _id(_path(told, *place, "correlation_id")):
            return found
    return None


def _path(value: object, *names: str) -> object:
    for name in names:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and is_text(value) and value else None


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and is_word(value) else None


def _json(text: str) -> dict[str, Any]:
    try:
        read_ = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return read_ if isinstance(read_, dict) else {}
