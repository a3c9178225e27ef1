"""The patches by themselves; tests/contract/test_local_engine.py shows them at work."""

import queue
import threading

import pytest

from local import worker_patches
from local.worker_patches import END_OF_CALL, UnknownEngine, drained, patched_script, queued


def test_an_unknown_worker_script_is_refused() -> None:
    """Another release must be looked at before it is patched."""
    with pytest.raises(UnknownEngine, match="no longer holds"):
        patched_script("import sys\n")


def test_a_passage_that_occurs_twice_is_refused() -> None:
    """Nobody knows which of the two is meant."""
    old = worker_patches.OLD_START
    with pytest.raises(UnknownEngine):
        patched_script(old + old)


def _lines(*texts: str) -> queue.Queue[str]:
    lines: queue.Queue[str] = queue.Queue()
    for text in texts:
        lines.put(text)
    return lines


def test_a_call_ends_at_its_mark() -> None:
    """Lines of the next call stay for the next call."""
    lines = _lines("one", "two", END_OF_CALL, "next call")
    assert drained(lines) == "one\ntwo"
    assert lines.get_nowait() == "next call"


def test_text_without_a_line_break_is_kept() -> None:
    """A handler may end in the middle of a line."""
    assert drained(_lines("unfinished" + END_OF_CALL)) == "unfinished"


def test_a_worker_that_died_leaves_what_it_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a mark the wait is bounded."""
    monkeypatch.setattr(worker_patches, "DRAIN_MAX_S", 0.02)
    assert drained(_lines("last words")) == "last words"


class _Pool:
    """As many leases as `max_concurrency` says."""

    def __init__(self) -> None:
        self.leased = 0
        self.most = 0

    def acquire(
        self,
        func_name: str,
        config: object,
        code_zip: bytes,
        *,
        qualifier: str,
        max_concurrency: int,
    ) -> tuple[object, str]:
        """A lease, or the reason why not."""
        del func_name, config, code_zip, qualifier
        if self.leased >= max_concurrency:
            return None, "func_cap"
        self.leased += 1
        self.most = max(self.most, self.leased)
        return object(), "spawn"


def test_callers_above_the_bound_wait_for_a_free_process() -> None:
    """Nobody is throttled as long as the others finish."""
    pool, freed = _Pool(), threading.Condition()
    acquire = queued(pool.acquire, freed, 2)
    outcomes: list[str] = []

    def call() -> None:
        _, reason = acquire("f", {}, b"")
        with freed:
            pool.leased -= 1
            freed.notify_all()
        outcomes.append(reason)

    callers = [threading.Thread(target=call) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert outcomes == ["spawn"] * 8
    assert pool.most <= 2


def test_a_caller_is_throttled_when_nobody_finishes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on AWS, only later."""
    monkeypatch.setattr(worker_patches, "QUEUE_MAX_S", 0.01)
    pool = _Pool()
    acquire = queued(pool.acquire, threading.Condition(), 1)
    acquire("f", {}, b"")
    assert acquire("f", {}, b"") == (None, "func_cap")


def test_reserved_concurrency_below_the_bound_counts() -> None:
    """A function that reserved one process gets one."""
    pool = _Pool()
    queued(pool.acquire, threading.Condition(), 4)("f", {}, b"", max_concurrency=1)
    assert pool.leased == 1
