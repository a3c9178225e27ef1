"""Dead letters, replays and the queues of the shop: what they are and how they may change."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Literal

from chalicelib.kernel.errors import Conflict

CAUSE_MAX: Final = 300
BODY_BYTES_MAX: Final = 256 * 1024
CUT: Final = "cut"
SLICE_EVENTS: Final = 500
REPLAY_SPAN_S: Final = 86_400
REPLAY_AGE_S: Final = 13 * 86_400
WORK_QUEUES: Final = (
    "order-signals",
    "payments-inbox",
    "email",
    "sms",
    "push",
    "ops-commands",
)
OTHER_DEAD_ENDS: Final = ("workflow-dlq", "streams-dlq", "async-dlq", "bus-dlq")
WORKFLOWS: Final = MappingProxyType(
    {
        "order-fulfilment": "Reserves stock, takes the payment and confirms or fails an order.",
        "order-refund": "Gives money back and closes the order where nothing is left.",
        "media-pipeline": "Inspects an uploaded picture, renders its sizes and announces it.",
    }
)
REDRIVABLE_FUNCTIONS: Final = ("media_uploaded", "sweeper", "daily_report", "rotate_secrets")
NAME_MAX: Final = 80
_RERUN: Final = re.compile(r"-[0-9]{12}$")
_PARTITIONS: Final = MappingProxyType(
    {
        "usr": "USER#",
        "prd": "PROD#",
        "var": "STOCK#",
        "ord": "ORDER#",
        "med": "MEDIA#",
        "tkt": "TICKET#",
        "ded": "DEAD#",
        "rpl": "REPLAY#",
    }
)
_NAMED_PARTITIONS: Final = MappingProxyType({"cat": "CAT#", "report": "REPORT#"})


RunStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


class Kind(StrEnum):
    """What kind of dead end a message came from; it decides how it is redriven."""

    QUEUE = "queue"
    WORKFLOW = "workflow"
    STREAM = "stream"
    ASYNC = "async"
    BUS = "bus"


class Status(StrEnum):
    """OPEN → REDRIVING → REDRIVEN; OPEN → DELETED."""

    OPEN = "OPEN"
    REDRIVING = "REDRIVING"
    REDRIVEN = "REDRIVEN"
    DELETED = "DELETED"


CLOSED: Final = frozenset({Status.REDRIVEN, Status.DELETED})


class NotRedrivable(Conflict):
    """There is nothing that a redrive could start again."""

    code = "not_redrivable"
    message = "This dead letter cannot be redriven."


@dataclass(frozen=True, slots=True)
class Finding:
    """What a dead message turned out to be; `seen_as` is what it is recognised by."""

    source: str
    kind: Kind
    cause: str
    body: str
    receive_count: int
    seen_as: str
    reference: str | None
    correlation_id: str | None
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message or run that the shop could not deal with, kept for a person."""

    id: str
    source: str
    kind: Kind
    status: Status
    cause: str
    body: str
    receive_count: int
    first_seen_at: str
    updated_at: str
    version: int
    reference: str | None = None
    correlation_id: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def is_redrivable(self) -> bool:
        """Whether starting it again can mean anything."""
        if CUT in self.attributes:
            return False
        match self.kind:
            case Kind.QUEUE:
                return self.source in WORK_QUEUES
            case Kind.WORKFLOW:
                return self.source in WORKFLOWS
            case Kind.STREAM:
                # Readers of live catch up by themselves; a position alone names no row.
                return self.source == "core" and "event_id" in self.attributes
            case Kind.ASYNC:
                return self.source in REDRIVABLE_FUNCTIONS
            case Kind.BUS:
                return "event_id" in self.attributes


class ReplayStatus(StrEnum):
    """REQUESTED → DONE."""

    REQUESTED = "REQUESTED"
    DONE = "DONE"


@dataclass(frozen=True, slots=True)
class Replay:
    """Events of a span of time, counted or published once more."""

    id: str
    status: ReplayStatus
    from_at: str
    to_at: str
    types: tuple[str, ...]
    dry_run: bool
    matched: int
    published: int
    slices: int
    position: dict[str, str] | None
    version: int


def rerun_name(first: str, now: datetime) -> str:
    """The name of a run that starts again: the first run's name and the minute."""
    return f"{_RERUN.sub('', first)[: NAME_MAX - 13]}-{now:%Y%m%d%H%M}"


def aggregate_partition(aggregate_id: str) -> str | None:
    """Where the events of an aggregate stand; None for an id of no kind that has events."""
    prefix, separator, name = aggregate_id.partition("_")
    if not separator or not name:
        return None
    if prefix in _NAMED_PARTITIONS:
        return _NAMED_PARTITIONS[prefix] + name
    return _PARTITIONS[prefix] + aggregate_id if prefix in _PARTITIONS else None


def month_of(instant: str) -> str:
    """The month of an instant: closed records are listed by it."""
    return instant[:7]


Json = dict[str, Any]  # Any: JSON of many shapes
