"""What each `python -m local` command does; every one returns its exit code."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.failures import NotRunning
from local.functions import Functions, local_environment, scheduled_event
from local.instance import ROOT, Instance
from local.journey import play
from local.progress import Terminal
from local.seed import seed_if_empty
from local.shop import Shop
from local.stack import Stack, client, running_stack
from local.watch import SourceWatch, reload_on_save

if TYPE_CHECKING:
    from argparse import Namespace
    from types import FrameType


def up(instance: Instance, options: Namespace) -> int:
    """Start, seed, announce, then reload on every save until Ctrl-C."""
    progress = Terminal()
    # Also where a shell starts it in the background, which ignores Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    source = Path(options.source or ROOT).resolve()
    stack = Stack(
        instance, progress=progress, source=source, overrides=dict(options.parameter or [])
    )
    progress.note(f"Souk starts in {instance.home} on port {instance.port}")
    source_watch = SourceWatch(source)
    try:
        stack.start()
        if options.seed:
            with progress.step("load the demo data, unless it is there"):
                seed_if_empty(stack)
        stack.announce()
        progress.note(summary(stack))
        reload_on_save(stack, progress, source_watch)
    except KeyboardInterrupt:
        progress.note("")
    finally:
        # The end is bounded; a second Ctrl-C would only lose state.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        source_watch.close()
        if stack.is_started:
            with progress.step("stop everything"):
                stack.stop()
    return 0


def demo(instance: Instance, _options: Namespace) -> int:
    """Play the buyer journey and tell it; exit code 1 if a step fails."""
    running = _running(instance)
    return play(Shop(running["api_url"]), running["logins"])


def clean(instance: Instance, _options: Namespace) -> int:
    """Forget the saved state, unless a stack works in the folder."""
    if not instance.home.exists():
        return 0
    with instance.locked("clean"):
        instance.forget()
    sys.stdout.write(f"Forgot the state in {instance.home}\n")
    return 0


def status(instance: Instance, _options: Namespace) -> int:
    """Print stack.json of the running stack; exit code 1 if there is none."""
    sys.stdout.write(json.dumps(_running(instance), indent=2) + "\n")
    return 0


def grants(instance: Instance, _options: Namespace) -> int:
    """List what the policies allow and nothing has used since the state was last forgotten."""
    from local.grants import FILE, unused

    _running(instance)
    for grant in unused(ROOT / ".chalice" / "policies", instance.folder("state") / FILE):
        sys.stdout.write("  ".join(grant) + "\n")
    return 0


def logs(instance: Instance, options: Namespace) -> int:
    """Print log lines of one function or of all, and follow them if asked."""
    try:
        for line in _functions(instance).log_lines(options.function, follow=options.follow):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 0
    return 0


def invoke(instance: Instance, options: Namespace) -> int:
    """Call a function with an event from a file or standard input; exit code 1 if it fails."""
    written = sys.stdin.read() if options.event == "-" else Path(options.event).read_text()
    return _call(instance, options.function, json.loads(written))


def chat(instance: Instance, options: Namespace) -> int:
    """Talk in a conversation until the input ends."""
    from local.chat import converse

    return converse(_running(instance), options.role, options.conversation)


def tick(instance: Instance, options: Namespace) -> int:
    """Call the function of a schedule as if it were `--at`."""
    at = datetime.fromisoformat(options.at) if options.at else datetime.now(UTC)
    return _call(instance, options.name, scheduled_event(at))


def env(instance: Instance, _options: Namespace) -> int:
    """Print the environment for `chalice local`, to be read by a shell."""
    running = _running(instance)
    variables = local_environment(running["aws_endpoint"], _functions(instance))
    for name, value in sorted(variables.items()):
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    return 0


def summary(stack: Stack) -> str:
    """What a developer wants to know once everything answers."""
    info = stack.info
    addresses = [
        (label, info[key])
        for label, key in (
            ("API", "api_url"),
            ("OpenAPI", "openapi_url"),
            ("shop", "web_url"),
            ("documentation", "docs_url"),
            ("mailbox", "mail_url"),
            ("sockets", "websocket_url"),
            ("embedded AWS", "aws_endpoint"),
        )
        if info[key]
    ]
    people = [(role, login["email"]) for role, login in info["logins"].items()]
    password = info["logins"]["admin"]["password"]
    rows = [f"  {name:<14} {value}" for name, value in (*addresses, *people)]
    return "\n".join(["", *rows, f"  {'password':<14} {password}", "", "Ready. Ctrl-C stops it."])


def _call(instance: Instance, name: str, event: object) -> int:
    answer, failed, log = _functions(instance).invoke(name, event)
    sys.stderr.write(log.rstrip() + "\n" if log.strip() else "")
    sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    return 1 if failed else 0


def _functions(instance: Instance) -> Functions:
    # Logs are wanted most while a start hangs, before stack.json is there.
    endpoint = str(instance.holder()["endpoint"]) if instance.is_held() else ""
    if not endpoint:
        raise _nothing_runs(instance)
    return Functions(lambda service: client(endpoint, service))


def _running(instance: Instance) -> dict[str, Any]:
    running = running_stack(instance)
    if running is None:
        raise _nothing_runs(instance)
    return running


def _nothing_runs(instance: Instance) -> NotRunning:
    return NotRunning(f"No stack runs in {instance.home}: start one with `make run`.")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
