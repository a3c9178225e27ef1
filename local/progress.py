"""Tells a developer what happens, step by step, each with the time it took."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL_WIDTH = 44


class Progress(Protocol):
    """Where the steps of a start are told."""

    def step(self, label: str) -> contextlib.AbstractContextManager[None]:
        """Tell that `label` begins, and how long it took when it ends."""

    def note(self, text: str) -> None:
        """Tell one thing, which may have several lines."""


class Terminal:
    """Lines on standard output."""

    @contextlib.contextmanager
    def step(self, label: str) -> Iterator[None]:
        """Print the label at once and its time at the end; a failed step ends its line too."""
        began = time.monotonic()
        sys.stdout.write(f"  {label + ' ':.<{LABEL_WIDTH}} ")
        sys.stdout.flush()
        try:
            yield
        except BaseException:
            self.note("failed")
            raise
        self.note(f"{time.monotonic() - began:.1f} s")

    def note(self, text: str) -> None:
        """Print the text and show it at once, also through a pipe."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


class Silence:
    """Says nothing: for tests."""

    @contextlib.contextmanager
    def step(self, label: str) -> Iterator[None]:  # noqa: ARG002  (part of the protocol)
        """Run the step."""
        yield

    def note(self, text: str) -> None:
        """Drop the text."""
