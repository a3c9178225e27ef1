"""The embedded AWS itself: MiniStack with our patches, in a process of its own.

Run as `python -m local.engine` by engine_process.py, with a clean environment and a pipe as
standard input. When the pipe closes, because the parent wants it or because it died, the engine
saves its state and takes its whole process group with it: nothing is ever left behind.

Every few seconds a forked copy writes the state, as Redis does: the copy is consistent, because
tables change only on the event loop on which the fork happens, and no request waits for it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ministack import app as ministack_app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime, persistence
from ministack.services import apigateway, lambda_svc

from local import (
    grants,
    page_patches,
    policy_patches,
    socket_patches,
    stream_patches,
    worker_patches,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# With the time a save takes this keeps the promise that a kill -9 loses 30 s at most.
SAVE_EVERY_S = float(os.environ.get("LOCAL_SAVE_EVERY_S", "15"))
SAVE_MAX_S = 10.0
# Ctrl-C promises an end within 10 s: this for calls that still run, SAVE_AT_END_MAX_S for a copy
# if they do not end, and a reserve for the parent.
LAST_CALLS_S = 2.5
SAVE_AT_END_MAX_S = 3.0


class StateSaver:
    """Writes the state of every service: now and then by a forked copy, finally in place."""

    def __init__(self, save_all: Callable[[dict[str, object]], None]) -> None:
        """Save with the server's own function."""
        self._save_all = save_all
        self._copy = 0
        self._collecting = threading.Lock()
        self.finished = threading.Event()

    def save_in_background(self) -> None:
        """Fork on the event loop; the copy writes and ends, this process goes on."""
        if self._copy or self.finished.is_set():
            return
        child = os.fork()
        if child:
            self._copy = child
            return
        # In the copy: nothing but the files may be touched, and no cleanup of the parent may run.
        try:
            self._save_all(ministack_app._build_persistence_save_dict())  # noqa: SLF001
        finally:
            os._exit(0)

    def await_copy(self, seconds: float) -> None:
        """Collect the copy; one that hangs on a lock of a vanished thread is ended."""
        with self._collecting:
            if not self._copy:
                return
            end = time.monotonic() + seconds
            while os.waitpid(self._copy, os.WNOHANG) == (0, 0):
                if time.monotonic() > end:
                    os.kill(self._copy, signal.SIGKILL)
                    os.waitpid(self._copy, 0)
                    break
                time.sleep(0.02)
            self._copy = 0

    def save_finally(self, services: dict[str, object]) -> None:
        """Called by the server as it shuts down; two writers would share temporary files."""
        self.await_copy(2.0)
        self._save_all(services)
        self.finished.set()

    def run(self) -> None:
        """Save every SAVE_EVERY_S until the server has shut down."""
        while not self.finished.wait(SAVE_EVERY_S):
            self.save_now(SAVE_MAX_S)

    def save_now(self, seconds: float) -> None:
        """Save by a copy and wait for it; the server goes on."""
        loop = ministack_app._MAIN_LOOP  # noqa: SLF001
        if loop is None:
            return
        self.await_copy(seconds)
        forked = threading.Event()

        def fork() -> None:
            self.save_in_background()
            forked.set()

        loop.call_soon_threadsafe(fork)
        if forked.wait(seconds):
            self.await_copy(seconds)


def main() -> None:
    """Serve until standard input closes or a signal arrives."""
    worker_patches.install(lambda_runtime, lambda_svc, int(os.environ["LOCAL_LAMBDA_WORKERS"]))
    policy_patches.install(iam_actions)
    grants.install(iam_evaluator, Path(os.environ["STATE_DIR"]) / grants.FILE)
    stream_patches.install(lambda_svc)
    socket_patches.install(apigateway)
    page_patches.install(ministack_app)
    saver = StateSaver(persistence.save_all)
    ministack_app.save_all = saver.save_finally
    if persistence.PERSIST_STATE:
        threading.Thread(target=saver.run, daemon=True, name="save").start()
    threading.Thread(target=end_with_parent, args=(saver,), daemon=True).start()
    # MiniStack reads its own options from here.
    sys.argv = ["ministack"]
    try:
        ministack_app.main()
    finally:
        end_group()


def end_with_parent(saver: StateSaver) -> None:
    """When the parent's pipe closes, save and end, whatever still runs."""
    while os.read(0, 1024):
        pass
    if persistence.PERSIST_STATE:
        # The server saves once its last call has ended, and no call can be ended from outside.
        os.kill(os.getpid(), signal.SIGTERM)
        if not saver.finished.wait(LAST_CALLS_S):
            saver.save_now(SAVE_AT_END_MAX_S)
    end_group()


def end_group() -> None:
    """End this process and every Lambda worker it started, busy or not."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
