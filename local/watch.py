"""Reloads the running stack when a source file is saved, and says so."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from watchfiles import Change, DefaultFilter, watch

from local.failures import EngineStopped, LocalFailure

if TYPE_CHECKING:
    from local.progress import Progress
    from local.stack import Stack

FOLDERS = ("chalicelib", ".chalice", "stepfunctions", "infra")
FILES = ("app.py",)
# An editor writes several files within a moment; one reload answers them all.
SETTLE_MS = 120
NAMES_SHOWN_MAX = 5
KEPT = "\n  The version before it keeps running."
LOOK_AFTER_ENGINE_S = 0.5


class SourceFilter(DefaultFilter):
    """What an editor or Python leaves behind is no source; `.chalice` also holds build results."""

    ignore_dirs = (*DefaultFilter.ignore_dirs, "deployments", "deployed", "venv")

    def __call__(self, change: Change, path: str) -> bool:
        """A source has a suffix; the drafts of sed and of some editors have none."""
        return bool(Path(path).suffix) and super().__call__(change, path)


class SourceWatch:
    """Collects saved files in the background until it is closed."""

    def __init__(self, source: Path) -> None:
        """Watch the app's folders with all below them, and app.py beside them."""
        self._saved: queue.Queue[Path] = queue.Queue()
        self._closed = threading.Event()
        folders = [source / name for name in FOLDERS if (source / name).is_dir()]
        self._source = source
        # app.py is watched through its folder: editors replace the file, which ends a watch on it.
        self._follow(folders, SourceFilter(), recursive=True)
        self._follow([source], self._is_top_level_source, recursive=False)

    def _is_top_level_source(self, _change: Change, path: str) -> bool:
        return any(path == str(self._source / name) for name in FILES)

    def _follow(
        self, paths: list[Path], wanted: Callable[[Change, str], bool], *, recursive: bool
    ) -> None:
        def follow() -> None:
            for batch in watch(
                *paths,
                watch_filter=wanted,
                recursive=recursive,
                step=20,
                debounce=SETTLE_MS,
                stop_event=self._closed,
                rust_timeout=500,
                raise_interrupt=False,
            ):
                # From app.py's watch a batch may hold the same file twice, as added and modified.
                for name in sorted({name for _, name in batch}):
                    self._saved.put(self._source / name)

        threading.Thread(target=follow, daemon=True, name="watch").start()

    def next_batch(self, seconds: float) -> list[str]:
        """Names of the files saved since the last call, waiting at most `seconds` for the first."""
        try:
            saved = {self._saved.get(timeout=seconds)}
        except queue.Empty:
            return []
        while not self._saved.empty():
            saved.add(self._saved.get())
        return sorted(str(path.relative_to(self._source)) for path in saved)

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()


def reload_on_save(stack: Stack, progress: Progress, source_watch: SourceWatch) -> None:
    """Reload whenever a file is saved; returns never, raises EngineStopped if the server ends."""
    while True:
        changed = source_watch.next_batch(LOOK_AFTER_ENGINE_S)
        stack.require_alive()
        if changed:
            reload(stack, progress, changed)


def reload(stack: Stack, progress: Progress, changed: list[str]) -> None:
    """Deploy the changed files; on an error show it, and keep the version that runs."""
    shown = ", ".join(changed[:NAMES_SHOWN_MAX])
    more = f" and {len(changed) - NAMES_SHOWN_MAX} more" if len(changed) > NAMES_SHOWN_MAX else ""
    progress.note(f"\n{datetime.now():%H:%M:%S} changed: {shown}{more}")  # noqa: DTZ005  (wall clock)
    began = time.monotonic()
    try:
        is_new = stack.reload()
    except EngineStopped:
        raise
    except LocalFailure as failure:
        progress.note(report(failure) + KEPT)
        return
    except Exception as fault:  # noqa: BLE001  (whatever the files hold, the shop keeps running)
        progress.note(f"  Not reloaded, {type(fault).__name__}: {fault}{KEPT}")
        return
    took = time.monotonic() - began
    progress.note(f"  {'reloaded' if is_new else 'nothing to reload'} ({took:.1f} s)")


def report(failure: LocalFailure) -> str:
    """A failure as one readable block."""
    lines = [f"  {failure}", *(f"    | {line}" for line in failure.detail.splitlines())]
    return "\n".join(lines)
