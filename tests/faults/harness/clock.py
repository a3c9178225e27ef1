"""The simulated clock: it stands still until the driver moves it."""

from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import time_machine

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class SimulatedClock:
    """Every reader of the time in this process sees `now()`; nothing else moves it."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._travel = time_machine.travel(start, tick=False)
        # Any: the library does not export the type of what it starts.
        self._coordinates: Any = None
        self._now_s = start.timestamp()

    def __enter__(self) -> Self:
        self._coordinates = self._travel.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._travel.stop()
        self._coordinates = None

    def now(self) -> float:
        """Seconds since the epoch, without the skew of the function that runs."""
        return self._now_s

    def iso(self) -> str:
        """The time as domain records write it."""
        moment = datetime.fromtimestamp(self._now_s, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def advance_to(self, moment_s: float) -> None:
        """Move forward; a moment in the past leaves the clock where it is."""
        if moment_s > self._now_s:
            self._set(moment_s)

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        self.advance_to(self._now_s + seconds)

    def rewind(self, moment_s: float | None = None) -> None:
        """Back to the start (or to a remembered moment): a new point begins."""
        self._set(self._start.timestamp() if moment_s is None else moment_s)

    def skew(self, seconds: float) -> None:
        """Let the function that runs now read a clock that is wrong by `seconds`; 0 ends it."""
        if self._coordinates is not None:
            self._coordinates.move_to(datetime.fromtimestamp(self._now_s + seconds, UTC))

    def _set(self, moment_s: float) -> None:
        self._now_s = moment_s
        if self._coordinates is not None:
            self._coordinates.move_to(datetime.fromtimestamp(moment_s, UTC))
