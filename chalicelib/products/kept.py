"""What a process may remember of the catalogue for half a minute; stock never."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from chalicelib.kernel.clock import Clock

KEPT_S: Final = 30
ENTRIES_MAX: Final = 500

T = TypeVar("T")


class Kept(Generic[T]):
    """A bounded memory whose entries are good for 30 s; the oldest go first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: OrderedDict[str, tuple[datetime, T]] = OrderedDict()

    def get(self, name: str) -> T | None:
        """What was kept under `name` less than 30 s ago."""
        entry = self._entries.get(name)
        if entry is None or self._clock.now() - entry[0] >= timedelta(seconds=KEPT_S):
            return None
        return entry[1]

    def keep(self, name: str, value: T) -> T:
        """Remember `value`, and give it back."""
        self._entries[name] = (self._clock.now(), value)
        self._entries.move_to_end(name)
        while len(self._entries) > ENTRIES_MAX:
            self._entries.popitem(last=False)
        return value

    def forget(self, name: str) -> None:
        """Read `name` afresh next time: this process just changed it."""
        self._entries.pop(name, None)
