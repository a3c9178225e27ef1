"""`make run` as a developer meets it: start, reload, stop, restart, `chalice local` beside it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.instance import ROOT
from local.package import copy_sources
from local.stack import client

START_MAX_S = 120
NOVELTY = """

@app.route("/novelty")
def novelty() -> dict[str, str]:
    return {"is": "new"}
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _get(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, timeout=30) as reply:  # noqa: S310  (our own loopback URL)
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refusal:
        return refusal.code, None
    except OSError:
        return 0, None


class _Developer:
    """Someone with a copy of the project, a home and a port of their own."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "source"
        copy_sources(ROOT, self.source)
        self.home = folder / "home"
        self.port = _free_port()
        self._printed = folder / "printed"
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """As in a shell."""
        return os.environ | {"SOUK_HOME": str(self.home), "SOUK_PORT": str(self.port)}

    @property
    def printed(self) -> str:
        """All that was told."""
        return self._printed.read_text()

    @property
    def stack_file(self) -> Path:
        """What clients read."""
        return self.home / "stack.json"

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of the laptop."""
        return subprocess.run(
            [sys.executable, "-m", "local", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self) -> dict[str, Any]:
        """Start and wait for stack.json."""
        with self._printed.open("ab") as printed:
            self._running = subprocess.Popen(
                [sys.executable, "-m", "local", "up", "--no-seed", "--source", str(self.source)],
                cwd=ROOT,
                env=self.environment,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
        end = time.monotonic() + START_MAX_S
        while not self.stack_file.exists():
            assert self._running.poll() is None, self.printed
            assert time.monotonic() < end, self.printed
            time.sleep(0.1)
        info: dict[str, Any] = json.loads(self.stack_file.read_text())
        return info

    def stop(self, number: signal.Signals = signal.SIGINT) -> tuple[int, float]:
        """Ctrl-C: exit code and seconds."""
        assert self._running
        began = time.monotonic()
        self._running.send_signal(number)
        code = self._running.wait(30)
        self._running = None
        return code, time.monotonic() - began

    def is_running(self) -> bool:
        """It was started and did not end."""
        return self._running is not None and self._running.poll() is None


@pytest.fixture(scope="module")
def developer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Developer]:
    """With a running shop."""
    someone = _Developer(tmp_path_factory.mktemp("developer"))
    someone.start()
    yield someone
    if someone.is_running():
        someone.stop()


def _answers(url: str, wanted: object, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if _get(url) == wanted:
            return True
        time.sleep(0.2)
    return False


def test_stack_file_tells_clients_everything(developer: _Developer) -> None:
    """URLs that answer, names that exist."""
    info = json.loads(developer.stack_file.read_text())
    assert _get(info["api_url"] + "/health")[0] == 200
    assert _get(info["openapi_url"])[1]["openapi"].startswith("3.1")
    tables = client(info["aws_endpoint"], "dynamodb").list_tables()["TableNames"]
    assert set(info["tables"].values()) <= set(tables)
    assert info["bus"] == "souk-local"
    assert info["logins"]["customer"]["email"] == "amina@souk.example"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", info["started_at"])


def test_a_second_one_in_the_same_home_is_refused_in_one_line(developer: _Developer) -> None:
    """And forgetting is, too."""
    for command in ("up", "clean"):
        refused = developer.command(command)
        assert refused.returncode == 1
        assert "already works in" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_saved_file_is_live_and_a_broken_one_is_not(developer: _Developer) -> None:
    """The API keeps its URL although a new route gives it a new id."""
    info = json.loads(developer.stack_file.read_text())
    app = developer.source / "app.py"
    written = app.read_text()
    app.write_text(written + NOVELTY)
    assert _answers(info["api_url"] + "/novelty", (200, {"is": "new"}), 60)
    app.write_text(written + NOVELTY + "def broken(:\n")
    end = time.monotonic() + 60
    while "The version before it keeps running." not in developer.printed:
        assert time.monotonic() < end, developer.printed
        time.sleep(0.2)
    assert "SyntaxError" in developer.printed
    assert _get(info["api_url"] + "/novelty") == (200, {"is": "new"})
    reloads = developer.printed.count("reloaded (")
    app.write_text(written)
    end = time.monotonic() + 60
    # The engine ends calls that run during an update; the next test must not be one of them.
    while developer.printed.count("reloaded (") == reloads:
        assert time.monotonic() < end, developer.printed
        time.sleep(0.2)
    assert "changed: app.py" in developer.printed


@pytest.mark.covers(38)
def test_the_schedule_of_a_function_can_be_ticked(developer: _Developer) -> None:
    """The sweeper finds nothing to do at any time."""
    ticked = developer.command("tick", "sweeper", "--at", "2026-03-01T12:00:00Z")
    assert ticked.returncode == 0, ticked.stderr + ticked.stdout


def test_chalice_local_serves_rest_on_the_running_stack(developer: _Developer) -> None:
    """With nothing but the printed environment."""
    port = _free_port()
    exports = developer.command("env").stdout
    serve = f"{exports}\nexec chalice local --stage local --port {port} --no-autoreload"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = shutil.which("sh")
    assert shell
    with subprocess.Popen(
        [shell, "-c", serve],
        cwd=developer.source,
        env=os.environ | {"PATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            ready = (
                200,
                {"status": "ok", "checks": dict.fromkeys(("core", "live", "secrets"), "ok")},
            )
            assert _answers(f"http://127.0.0.1:{port}/ready", ready, 40)
        finally:
            server.terminate()


@pytest.mark.covers(118)
def test_ctrl_c_ends_everything_and_the_state_is_there_again(developer: _Developer) -> None:
    """Within 10 s, without a trace, and with nothing left behind."""
    info = json.loads(developer.stack_file.read_text())
    row = {"pk": {"S": "PROBE#1"}, "sk": {"S": "PROBE"}}
    table = {"TableName": info["tables"]["core"]}
    client(info["aws_endpoint"], "dynamodb").put_item(**table, Item=row)
    code, seconds = developer.stop()
    assert (code, seconds < 10) == (0, True), developer.printed
    assert "Traceback" not in developer.printed
    assert not developer.stack_file.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", developer.port)) != 0
    again = developer.start()
    tables = client(again["aws_endpoint"], "dynamodb")
    assert tables.get_item(**table, Key=row)["Item"] == row
    tables.delete_item(**table, Key=row)
