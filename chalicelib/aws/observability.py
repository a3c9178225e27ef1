"""One JSON object a log line, and metrics as such lines; no personal data in either.

Only fields on the allow-list are written, and of an exception only its type and the places it
came through: messages of foreign exceptions quote what they choke on. Metrics use CloudWatch's
embedded metric format, which costs no call.
"""

import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final, Literal, TextIO

from chalicelib.aws.settings import settings

ALLOWED_FIELDS: Final = frozenset(
    {
        "aggregate_id",
        "attempt",
        "batch_size",
        "cause",
        "channel",
        "client_ip_hash",
        "code",
        "conversation_id",
        "correlation_id",
        "count",
        "dead_letter_id",
        "duration_ms",
        "error_type",
        "event_id",
        "event_type",
        "execution",
        "lag_ms",
        "media_id",
        "message_id",
        "method",
        "order_id",
        "outcome",
        "parked",
        "payment_id",
        "product_id",
        "queue",
        "reason",
        "receives",
        "refund_id",
        "request_id",
        "role",
        "route",
        "rule",
        "session_id",
        "socket_id",
        "source",
        "state",
        "status",
        "step",
        "template",
        "ticket_id",
        "topic",
        "trigger",
        "user_id",
        "variant_id",
        "version",
        "workflow",
    }
)
NAMESPACE: Final = "Souk"
FRAMES_MAX: Final = 12

Unit = Literal["Count", "Milliseconds"]

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_bound: ContextVar[Mapping[str, Any]] = ContextVar("bound", default=_NOTHING)
_logger: Final = logging.getLogger("souk")


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; control characters are escaped, so it stays one."""
        line: dict[str, Any] = {
            "level": record.levelname,
            "message": record.getMessage(),
            "at": _written_time(record.created),
            "function": settings().function,
            "stage": settings().stage,
            "logger": record.name,
            **_bound.get(),
        }
        fields = record.__dict__
        line |= {name: fields[name] for name in sorted(ALLOWED_FIELDS & fields.keys())}
        if record.exc_info and record.exc_info[1] is not None:
            line |= _told(record.exc_info[1])
        return json.dumps(line, separators=(",", ":"), default=str)


def _written_time(created: float) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(created))}.{created % 1 * 1000:03.0f}Z"


def _told(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    told: dict[str, Any] = {
        "error_type": type(error).__name__,
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if error.__cause__ is not None:
        told["cause_type"] = type(error.__cause__).__name__
    return told


def configure_logging(stream: TextIO | None = None) -> None:
    """Send every record to one JSON handler; called once per process by the edge."""
    root = logging.getLogger()
    if any(isinstance(handler.formatter, JsonLines) for handler in root.handlers):
        return
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines())
    # Lambda's runtime (and the embedded one) install a plain-text handler: one format is enough.
    root.handlers[:] = [handler]
    root.setLevel(settings().log_level)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)


@contextmanager
def bound(**fields: str | None) -> Iterator[None]:
    """Put fields on every line within; only names on the allow-list."""
    token = _bound.set({**_bound.get(), **_allowed(fields)})
    try:
        yield
    finally:
        _bound.reset(token)


def bind(**fields: str | None) -> None:
    """Put fields on every further line of the present `bound` block."""
    _bound.set({**_bound.get(), **_allowed(fields)})


def _allowed(fields: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value and name in ALLOWED_FIELDS}


def correlation() -> str | None:
    """The correlation id of the call at hand."""
    return _bound.get().get("correlation_id")


def measure(name: str, value: float = 1, unit: Unit = "Count", **dimensions: str) -> None:
    """One metric value, as a line CloudWatch reads; dimensions have few distinct values."""
    described = {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": NAMESPACE,
                "Dimensions": [["stage", *dimensions]],
                "Metrics": [{"Name": name, "Unit": unit}],
            }
        ],
    }
    place = {"function": settings().function, "stage": settings().stage}
    line = {"_aws": described, **place, **_bound.get(), **dimensions, name: value}
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
