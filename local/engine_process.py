"""Starts the embedded AWS as a child process, waits until it answers, and ends it for certain."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from local.failures import EngineStopped
from local.instance import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.instance import Instance

REGION = "us-east-1"
START_MAX_S = 30.0
STOP_MAX_S = 9.0
LOG_TAIL_LINES = 15

# Root of the embedded account; every Lambda gets a session of its own role instead.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
}


class EngineProcess:
    """The embedded AWS of one instance."""

    def __init__(
        self, instance: Instance, *, persist: bool, settings: Mapping[str, str] | None = None
    ) -> None:
        """`settings` are further variables for the server, such as SFN_WAIT_SCALE."""
        self._instance = instance
        self._environment = engine_environment(instance, persist=persist) | dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id, also of its group; 0 before the start."""
        return self._process.pid if self._process else 0

    def start(self, lock_descriptor: int) -> None:
        """Spawn the server; it shares the folder's lock, so a dying one still keeps others out."""
        instance = self._instance
        # Left over only after a kill -9: unpacked code of workers that are gone.
        shutil.rmtree(instance.folder("tmp"), ignore_errors=True)
        for name in ("state", "s3", "tmp"):
            instance.folder(name).mkdir(parents=True, exist_ok=True)
        with instance.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.engine"],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(lock_descriptor,),
                # Ctrl-C reaches the whole foreground group; the server must outlive it to save.
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Return once the server answers; raise EngineStopped if it ends or stays silent."""
        end = time.monotonic() + START_MAX_S
        while time.monotonic() < end:
            self.require_alive()
            try:
                with urllib.request.urlopen(  # noqa: S310  (our own loopback URL)
                    f"{self._instance.endpoint}/_ministack/ready", timeout=2
                ):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise EngineStopped(
            f"The embedded AWS did not answer within {START_MAX_S:.0f} s.", self._log_tail()
        )

    def require_alive(self) -> None:
        """Raise EngineStopped with the end of its log if the server has ended."""
        code = self._process.poll() if self._process else None
        if code is not None:
            raise EngineStopped(
                f"The embedded AWS ended by itself (exit {code}); its log is "
                f"{self._instance.log_file}. Start again; if that fails too, `make clean` "
                "forgets the saved state.",
                self._log_tail(),
            )

    def stop(self) -> None:
        """End the server within STOP_MAX_S, its workers with it; harmless when it has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            _kill_group(process.pid)
            process.wait()

    def _log_tail(self) -> str:
        try:
            lines = self._instance.log_file.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-LOG_TAIL_LINES:])


def engine_environment(instance: Instance, *, persist: bool) -> dict[str, str]:
    """All the server sees: Lambdas inherit it, so no key or proxy of the developer is in it."""
    own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    switch = "1" if persist else "0"
    return (
        own
        | CREDENTIALS
        | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(instance.port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AUTH": "true",
            "LOG_LEVEL": "WARNING",
            "PERSIST_STATE": switch,
            "S3_PERSIST": switch,
            "STATE_DIR": str(instance.folder("state")),
            "S3_DATA_DIR": str(instance.folder("s3")),
            "TMPDIR": str(instance.folder("tmp")),
            "LOCAL_LAMBDA_WORKERS": str(instance.lambda_workers),
            # Extra processes of a burst are given back after a minute.
            "LAMBDA_WARM_TTL_SECONDS": "60",
        }
    )


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
