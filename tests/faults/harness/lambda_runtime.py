"""The function runtime: loads handlers by their handler string, and lets them crash or freeze."""

from __future__ import annotations

import importlib
import json
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

from tests.faults.harness.clock import SimulatedClock
from tests.faults.harness.cold_start import ModuleState
from tests.faults.harness.fault_plan import Crash
from tests.faults.harness.injector import Injector

PATIENCE_S = 30.0
_ID = re.compile(r"[a-z]{3}_[0-9A-Z]{26}")
DEFAULT_TIMEOUT_S = 30
TIMED_OUT = "Sandbox.Timedout"


class Ending(StrEnum):
    """How one invocation ended, as its trigger sees it."""

    RETURNED = "returned"
    RAISED = "raised"
    CRASHED = "crashed"
    FROZEN = "frozen"


@dataclass(slots=True)
class Outcome:
    """What the trigger gets back."""

    ending: Ending
    value: Any = None
    error: BaseException | None = None

    @property
    def is_success(self) -> bool:
        """Whether the trigger may consider its event consumed."""
        return self.ending is Ending.RETURNED

    @property
    def error_name(self) -> str:
        """The error name a workflow sees."""
        match self.ending:
            case Ending.RAISED:
                return type(self.error).__name__
            case Ending.FROZEN:
                return TIMED_OUT
            case _:
                return "Lambda.Unknown"


class Frozen:
    """A thread that may stop in the middle of a call until somebody wakes it."""

    def __init__(self, work: Callable[[Frozen], Outcome]) -> None:
        self._work = work
        self._changed, self._resumed = threading.Semaphore(0), threading.Semaphore(0)
        self.outcome: Outcome | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self.outcome = self._work(self)
        self._changed.release()

    def freeze(self) -> None:
        """Called on the thread itself: tell the driver, then wait."""
        self._changed.release()
        if not self._resumed.acquire(timeout=PATIENCE_S * 6):
            raise RuntimeError("a frozen invocation was never woken")

    def run_until_still(self) -> Outcome | None:
        """Start; returns the outcome, or nothing when the thread froze."""
        self._thread.start()
        return self._await()

    def wake(self) -> Outcome | None:
        """Let a frozen thread run on to its end (or to its next freeze)."""
        self._resumed.release()
        return self._await()

    def _await(self) -> Outcome | None:
        if not self._changed.acquire(timeout=PATIENCE_S):
            raise RuntimeError("an invocation neither ended nor froze")
        return self.outcome


def trigger_of(identity: str) -> str:
    """What kind of work an identity stands for, without the ids of this run."""
    kind, _, rest = identity.partition(":")
    if kind in {"client", "auth client"}:
        return _ID.sub("*", " ".join(rest.split(" ")[:2]))
    if kind in {"queue", "stream", "tick", "async"}:
        return kind
    # A workflow: machine/execution/state/entered.
    parts = identity.split("/")
    return parts[2] if len(parts) > 2 else kind


class LambdaRuntime:
    """Runs functions one at a time, as the service would; frozen ones stay behind."""

    def __init__(
        self,
        injector: Injector,
        clock: SimulatedClock,
        *,
        packages: tuple[str, ...],
    ) -> None:
        self._injector, self._clock = injector, clock
        self._state = ModuleState(packages)
        self.wipes_on_crash = False
        self.handlers: dict[str, str | Callable[..., Any]] = {}
        self.timeouts_s: dict[str, int] = {}
        self.invocations: list[tuple[str, Ending]] = []
        self._frozen: list[tuple[str, Frozen]] = []
        self.wakes_after_retry = True
        self.skew_s = 0.0

    def begin(self) -> None:
        """A new point: nothing is frozen, nothing counted."""
        if self._frozen:
            raise RuntimeError("the point before left an invocation frozen")
        self.invocations = []
        # Nothing of an earlier point may be remembered in a cache.
        self._state.forget()

    def cold_start(self) -> None:
        """Forget all module state: the next invocation imports anew."""
        self._state.wipe()

    def invoke(
        self,
        function: str,
        event: Any,
        *,
        identity: str,
        in_request: bool = False,
        settle: Callable[[Outcome], None] | None = None,
    ) -> Outcome:
        """Invoke a function; `identity` is what a retry of this very work has in common."""
        payload = json.dumps(event)

        def work(freezer: Frozen | None) -> Outcome:
            with self._injector.inside(
                function, freezer=freezer, in_request=in_request, trigger=trigger_of(identity)
            ):
                return self._run(function, json.loads(payload))

        if self.skew_s and in_request:
            self._clock.skew(self.skew_s)
        try:
            outcome = self._maybe_freezing(work, identity)
        finally:
            self._clock.skew(0)
        self.invocations.append((function, outcome.ending))
        if settle is not None:
            settle(outcome)
        if self.wakes_after_retry and outcome.ending is not Ending.FROZEN:
            self._wake(lambda parked: parked == identity)
        return outcome

    def _maybe_freezing(self, work: Callable[[Frozen | None], Outcome], identity: str) -> Outcome:
        if not self._injector.plan.freezes:
            return work(None)
        invocation = Frozen(work)
        outcome = invocation.run_until_still()
        if outcome is not None:
            return outcome
        self._frozen.append((identity, invocation))
        # Its locks and half-made caches stay with it: the service starts another sandbox.
        self._state.change_sandbox()
        return Outcome(Ending.FROZEN)

    def wake_all(self) -> bool:
        """Wake whatever is frozen; says whether anything was."""
        return self._wake(lambda _identity: True)

    def abandon(self) -> None:
        """After a failed run: let frozen threads end, whatever they do."""
        for _identity, frozen in self._frozen:
            frozen.wake()
        self._frozen.clear()

    def _wake(self, chosen: Callable[[str], bool]) -> bool:
        woken = [pair for pair in self._frozen if chosen(pair[0])]
        for pair in woken:
            self._frozen.remove(pair)
            outcome = pair[1].wake()
            self.invocations.append(("(woken)", outcome.ending if outcome else Ending.FROZEN))
        return bool(woken)

    def _run(self, function: str, event: Any) -> Outcome:
        try:
            value = self.load(function)(event, self._context(function))
            return Outcome(Ending.RETURNED, json.loads(json.dumps(value)))
        except Crash as crash:
            self._crash()
            return Outcome(Ending.CRASHED, error=crash)
        except Exception as error:  # noqa: BLE001 - the service reports any of them to the trigger
            return Outcome(Ending.RAISED, error=error)

    def _crash(self) -> None:
        if self.wipes_on_crash:
            self._state.wipe()
        else:
            self._state.forget()

    def load(self, function: str) -> Callable[..., Any]:
        """The handler object behind a function's name or handler string."""
        handler = self.handlers.get(function, function)
        if not isinstance(handler, str):
            return handler
        module, _, attribute = handler.rpartition(".")
        loaded: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
        self._state.note_imports()
        return loaded

    def _context(self, function: str) -> Any:
        deadline = time.monotonic() + self.timeouts_s.get(function, DEFAULT_TIMEOUT_S)
        return SimpleNamespace(
            function_name=function,
            function_version="$LATEST",
            memory_limit_in_mb=512,
            invoked_function_arn=f"arn:aws:lambda:eu-central-1:123456789012:function:{function}",
            aws_request_id=str(uuid.uuid4()),
            log_group_name=f"/aws/lambda/{function}",
            log_stream_name="stream",
            get_remaining_time_in_millis=lambda: max(0, int((deadline - time.monotonic()) * 1000)),
        )
