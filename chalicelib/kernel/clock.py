"""Time: a port for now, and the one written form of an instant."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; every use case gets one through its Deps."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)


def instant(moment: datetime) -> str:
    """`moment` as UTC ISO 8601 with milliseconds: 2026-03-01T12:00:00.000Z."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def moment(written: str) -> datetime:
    """The aware instant that `written` (the form of `instant`) names; ValueError otherwise."""
    return datetime.strptime(written, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def epoch_s(moment_: datetime) -> int:
    """Whole seconds since 1970, as TTL attributes and token claims want them."""
    return int(moment_.timestamp())


def later(start: datetime, seconds: float) -> datetime:
    """The instant `seconds` after `start`."""
    return start + timedelta(seconds=seconds)
