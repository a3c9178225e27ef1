"""What the injector works with: the plan of a run, and what each thread is doing."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import botocore.exceptions

from tests.faults.harness.calls import Kind

Unanswered = botocore.exceptions.HTTPClientError
"""What a call to an outside party raises when no answer comes."""


class Crash(BaseException):
    """The sandbox died: no `except Exception` may see it."""


class Freezer(Protocol):
    """What an invocation offers so that it can be frozen in the middle of a call."""

    def freeze(self) -> None:
        """Block this thread until the driver wakes it."""


class Images(Protocol):
    """Tables that can be read as they were one write ago."""

    def before_write(self) -> None:
        """Remember the present state; a write follows."""

    def one_write_behind(self) -> Any:
        """A context in which reads see the remembered state."""


@dataclass(slots=True)
class FaultPlan:
    """Which calls of one run fail, and how."""

    faults: Mapping[int, Kind] = field(default_factory=dict)
    tokens_honoured: bool = True

    @property
    def freezes(self) -> bool:
        """Whether some invocation of this run will have to be frozen."""
        return any(kind.value.startswith("zombie") for kind in self.faults.values())


class Mark(threading.local):
    """What this thread is doing; unmarked threads are drivers and checkers."""

    freezer: Freezer | None = None
    function: str = ""
    in_request: bool = False
    inside: bool = False
    trigger: str = ""
    ordinal: int = 0
    kind: Kind | None = None
    attempts: int = 0
    parameters: dict[str, Any] | None = None
