"""The three changes to MiniStack's Lambda workers; each refuses to meet code it does not know.

P1 real error types: a handler's exception keeps its class, its trace and a warm process.
P2 log drain: a call ends when its logs have ended, not after a silence of 50 ms.
P3 bounded pool: at most N processes a function; further calls wait for a free one, as long as
   an API caller would wait.

Quotes lines of MiniStack to match them, see NOTICE.
"""

from __future__ import annotations

import inspect
import queue
import threading
import time
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

END_OF_CALL = "\x1eend-of-call"
DRAIN_MAX_S = 0.25
QUEUE_MAX_S = 25.0


class UnknownEngine(Exception):
    """MiniStack is not the version these patches were written for."""


OLD_REPLY = """\
            _real_stdout.write(json.dumps({"status": "ok", "result": result}) + "\\n")
        except Exception as e:
            _real_stdout.write(json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()}) + "\\n")
"""  # noqa: E501  (quoted as published)

NEW_REPLY = """\
            reply = json.dumps({"status": "ok", "result": result})
        except BaseException as fault:
            kind, trace = type(fault).__name__, traceback.format_tb(fault.__traceback__)[1:]
            print(json.dumps({"level": "ERROR", "message": "the call failed", "error_type": kind,
                "request_id": _ms_ctx.get("request_id", ""), "frames": [" ".join(line.split()) for line in trace]}))
            reply = json.dumps({"status": "ok", "result": None, "_fault": {
                "errorMessage": str(fault), "errorType": kind,
                "requestId": _ms_ctx.get("request_id", ""), "stackTrace": trace}})
        sys.stderr.write("@END@\\n")
        sys.stderr.flush()
        _real_stdout.write(reply + "\\n")
""".replace("@END@", END_OF_CALL.replace("\x1e", "\\x1e"))  # noqa: E501

OLD_INIT_FAULT = """\
    except Exception as e:
        _real_stdout.write(json.dumps({"status": "error", "error": str(e)}) + "\\n")
"""

NEW_INIT_FAULT = """\
    except BaseException as e:
        _real_stdout.write(json.dumps({"status": "error", "error": traceback.format_exc()}) + "\\n")
"""

OLD_START = '    init = json.loads(sys.stdin.readline())\n    code_dir = init["code_dir"]\n'

# The Lambda runtime gives the root logger a handler; without one logging.info would be lost.
NEW_START = (
    """\
    import logging
    root_handler = logging.StreamHandler(sys.stderr)
    root_handler.setFormatter(logging.Formatter("[%(levelname)s]\\t%(asctime)s\\t%(message)s"))
    logging.getLogger().addHandler(root_handler)
"""
    + OLD_START
)

REPLACEMENTS = ((OLD_START, NEW_START), (OLD_INIT_FAULT, NEW_INIT_FAULT), (OLD_REPLY, NEW_REPLY))

SIGNATURES = {
    "Worker.invoke": "(self, event, request_id: str, *, trace_id: str | None = None, depth=None, "
    "durable: dict | None = None, invoked_function_arn: str | None = None) -> dict",
    "Worker._drain_stderr_bounded": "(self, first_line_wait: float = 0.05, "
    "idle_confirm: float = 0.005, hard_cap: float = 0.25) -> str",
    "acquire_worker": "(func_name: str, config: dict, code_zip: bytes, "
    "qualifier: str = '$LATEST', max_concurrency: int | None = None)",
    "release_worker": "(worker: ministack.core.lambda_runtime.Worker) -> None",
    "_execute_function_warm": "(func: dict, event: dict, request_id: str) -> dict",
}


def install(runtime: Any, service: Any, workers_max: int) -> None:
    """Put P1, P2 and P3 into MiniStack's runtime and Lambda service, or raise UnknownEngine."""
    require_signatures(runtime, service)
    runtime._PYTHON_WORKER_SCRIPT = patched_script(runtime._PYTHON_WORKER_SCRIPT)  # noqa: SLF001
    _report_real_faults(runtime, service)
    _drain_to_the_end_of_the_call(runtime)
    _bound_the_pool(runtime, service, workers_max)


def patched_script(script: str) -> str:
    """The worker script with each known passage replaced exactly once."""
    for old, new in REPLACEMENTS:
        if script.count(old) != 1:
            first_line = old.strip().splitlines()[0].strip()
            raise UnknownEngine(f"MiniStack's worker script no longer holds: {first_line}")
        script = script.replace(old, new)
    return script


def require_signatures(runtime: ModuleType, service: ModuleType) -> None:
    """Raise UnknownEngine if a function to be wrapped takes other arguments than expected."""
    for name, expected in SIGNATURES.items():
        owner: Any = service if name == "_execute_function_warm" else runtime
        target = owner
        for part in name.split("."):
            target = getattr(target, part, None)
        found = str(inspect.signature(target)) if callable(target) else "nothing"
        if found != expected:
            raise UnknownEngine(f"MiniStack's {name} is {found}, expected {expected}")


def _report_real_faults(runtime: Any, service: Any) -> None:
    """P1, outside the worker: a reply that carries a fault becomes the error body of the call."""
    this_call = threading.local()
    original_invoke = runtime.Worker.invoke
    original_execute = service._execute_function_warm  # noqa: SLF001

    @wraps(original_invoke)
    def invoke(self: Any, *args: Any, **named: Any) -> dict[str, Any]:
        reply: dict[str, Any] = original_invoke(self, *args, **named)
        fault = reply.get("_fault")
        if fault is not None:
            # The status changes only here: the worker has already judged the process healthy.
            this_call.fault = fault
            reply.update(status="error", error=fault["errorMessage"], trace="")
        return reply

    @wraps(original_execute)
    def execute(func: dict[str, Any], event: object, request_id: str) -> dict[str, Any]:
        this_call.fault = None
        outcome: dict[str, Any] = original_execute(func, event, request_id)
        fault = this_call.fault
        if fault is not None and outcome.get("error"):
            outcome["body"] = fault
            outcome["log"] = outcome.get("log", "").removesuffix("\n" + fault["errorMessage"])
        return outcome

    runtime.Worker.invoke = invoke
    service._execute_function_warm = execute  # noqa: SLF001


def _drain_to_the_end_of_the_call(runtime: ModuleType) -> None:
    """P2: read the worker's stderr up to the mark that it prints after each call."""
    original = runtime.Worker._drain_stderr_bounded  # noqa: SLF001

    @wraps(original)
    def drain(self: Any, *args: Any, **named: Any) -> str:
        if not str(self.config.get("Runtime", "")).startswith("python"):
            return str(original(self, *args, **named))
        return drained(self._stderr_queue)

    runtime.Worker._drain_stderr_bounded = drain  # noqa: SLF001


def drained(lines: queue.Queue[str]) -> str:
    """The lines of one call, without the mark; gives up after DRAIN_MAX_S without it."""
    kept: list[str] = []
    end = time.monotonic() + DRAIN_MAX_S
    while (left := end - time.monotonic()) > 0:
        try:
            line = lines.get(timeout=left)
        except queue.Empty:
            break
        if line.endswith(END_OF_CALL):
            # A handler that wrote no line break leaves its text in front of the mark.
            kept += [line.removesuffix(END_OF_CALL)] if line != END_OF_CALL else []
            break
        kept.append(line)
    return "\n".join(kept)


def _bound_the_pool(runtime: ModuleType, service: ModuleType, workers_max: int) -> None:
    """P3: lease at most `workers_max` processes a function, and queue the other callers."""
    freed = threading.Condition()
    acquire = queued(runtime.acquire_worker, freed, workers_max)
    original_release = runtime.release_worker

    @wraps(original_release)
    def release(worker: object) -> None:
        original_release(worker)
        with freed:
            freed.notify_all()

    # The service imported both names, so both modules need them.
    for module in (runtime, service):
        module.acquire_worker = acquire  # type: ignore[attr-defined]
        module.release_worker = release  # type: ignore[attr-defined]


def queued(
    original: Callable[..., tuple[object, str]], freed: threading.Condition, workers_max: int
) -> Callable[..., tuple[object, str]]:
    """`original`, bounded to `workers_max` leases; waits QUEUE_MAX_S before it reports none."""

    @wraps(original)
    def acquire(
        func_name: str,
        config: dict[str, Any],
        code_zip: bytes,
        qualifier: str = "$LATEST",
        max_concurrency: int | None = None,
    ) -> tuple[object, str]:
        limit = min(workers_max, max_concurrency or workers_max)
        end = time.monotonic() + QUEUE_MAX_S
        with freed:
            while True:
                worker, reason = original(
                    func_name, config, code_zip, qualifier=qualifier, max_concurrency=limit
                )
                if worker is not None or time.monotonic() > end:
                    return worker, reason
                freed.wait(0.5)

    return acquire
