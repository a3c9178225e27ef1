"""One running copy of Souk: its folder, its port, the lock that keeps a second one out."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from local.failures import AlreadyRunning, PortInUse, StaleState, WrongSetting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
PORT_DEFAULT = 8400
PORT_MAX = 65535
LAMBDA_WORKERS_DEFAULT = 4
LAMBDA_WORKERS_MAX = 64
# A stopped predecessor may still be saving its state for a few seconds.
LOCK_WAIT_S = 8.0

# Raise when the layout of SOUK_HOME changes, so that an old folder is refused in one line.
STATE_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Instance:
    """Where one copy of Souk lives: SOUK_HOME, SOUK_PORT and the bound on its processes."""

    home: Path
    port: int = PORT_DEFAULT
    lambda_workers: int = LAMBDA_WORKERS_DEFAULT

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read SOUK_HOME, SOUK_PORT and LOCAL_LAMBDA_WORKERS; every one has a default."""
        return cls(
            home=Path(environment.get("SOUK_HOME") or ROOT / ".local").resolve(),
            port=_number(environment, "SOUK_PORT", PORT_DEFAULT, PORT_MAX),
            lambda_workers=_number(
                environment, "LOCAL_LAMBDA_WORKERS", LAMBDA_WORKERS_DEFAULT, LAMBDA_WORKERS_MAX
            ),
        )

    @property
    def endpoint(self) -> str:
        """The one URL on which the embedded AWS answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def stack_file(self) -> Path:
        """What a client needs to know; present only while everything answers."""
        return self.home / "stack.json"

    @property
    def log_file(self) -> Path:
        """What the embedded AWS itself printed since it started."""
        return self.home / "engine.log"

    @property
    def build_dir(self) -> Path:
        """The staging copy of the app and the package made from it."""
        return self.home / "build"

    @property
    def lock_file(self) -> Path:
        """Held while a process works in this folder; tells who holds it."""
        return self.home / "lock"

    @property
    def marker_file(self) -> Path:
        """Names the versions that wrote the state."""
        return self.home / "versions.json"

    def folder(self, name: str) -> Path:
        """A folder of the embedded AWS: state, s3 or tmp."""
        return self.home / name

    @contextlib.contextmanager
    def locked(self, purpose: str) -> Iterator[int]:
        """Hold the folder for `purpose`; yields the lock's descriptor, or raises AlreadyRunning."""
        self.home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._wait_for_lock(descriptor)
            os.ftruncate(descriptor, 0)
            holder = {"pid": os.getpid(), "purpose": purpose, "endpoint": self.endpoint}
            os.pwrite(descriptor, json.dumps(holder).encode(), 0)
            yield descriptor
        finally:
            os.close(descriptor)

    def _wait_for_lock(self, descriptor: int) -> None:
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = self.holder()
                if process_exists(holder.get("pid", 0)) or time.monotonic() > deadline:
                    raise self._already_running(holder) from None
                time.sleep(0.1)
            else:
                return

    def _already_running(self, holder: Mapping[str, object]) -> AlreadyRunning:
        return AlreadyRunning(
            f"Souk already works in {self.home} (process {holder.get('pid', '?')}, "
            f"{holder.get('endpoint', '?')}): stop it with Ctrl-C there, or run a second one "
            "with SOUK_HOME=.local-2 SOUK_PORT=8500 make run."
        )

    def holder(self) -> dict[str, Any]:
        """Who wrote the lock last: pid, purpose, endpoint; empty if nobody did."""
        try:
            written: dict[str, Any] = json.loads(self.lock_file.read_text())
        except (OSError, ValueError):
            return {}
        return written

    def is_held(self) -> bool:
        """A process works in this folder right now."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)

    def require_free_port(self) -> None:
        """Raise PortInUse if any program listens on the port."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                raise PortInUse(
                    f"Port {self.port} is used by another program: stop that, "
                    "or choose another port with SOUK_PORT=8500 make run."
                ) from None

    def require_readable_state(self) -> None:
        """Raise StaleState if the folder was written by other versions; mark a fresh one."""
        installed = {"format": STATE_FORMAT, "ministack": version("ministack")}
        if not self.folder("state").exists():
            self.marker_file.write_text(json.dumps(installed))
            return
        try:
            written = json.loads(self.marker_file.read_text())
        except (OSError, ValueError):
            written = None
        if written != installed:
            raise StaleState(
                f"The state in {self.home} was written by {_versions(written)}, installed is "
                f"{_versions(installed)}: `make clean` forgets it, then start again."
            )

    def forget(self) -> None:
        """Delete everything in the folder except the lock, which the caller holds."""
        for entry in self.home.iterdir():
            if entry == self.lock_file:
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def _versions(marker: dict[str, object] | None) -> str:
    if not marker:
        return "an unknown version"
    return f"MiniStack {marker.get('ministack')} (format {marker.get('format')})"


def _number(environment: Mapping[str, str], name: str, default: int, greatest: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isdecimal() and 0 < int(text) <= greatest):
        raise WrongSetting(f"{name} must be a number from 1 to {greatest}, not {text!r}.")
    return int(text)


def process_exists(pid: int) -> bool:
    """A process with this id is alive."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0
