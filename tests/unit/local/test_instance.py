"""One instance: its settings, its lock, its saved state."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local.failures import AlreadyRunning, PortInUse, StaleState, WrongSetting
from local.instance import Instance


def test_without_settings_it_lives_in_the_project_on_port_8400() -> None:
    """A newcomer sets nothing."""
    instance = Instance.from_environment({})
    assert instance.home.name == ".local"
    assert instance.endpoint == "http://127.0.0.1:8400"


def test_home_and_port_can_be_chosen(tmp_path: Path) -> None:
    """SOUK_HOME and SOUK_PORT let several run side by side."""
    instance = Instance.from_environment({"SOUK_HOME": str(tmp_path), "SOUK_PORT": "8501"})
    assert instance.stack_file == tmp_path / "stack.json"
    assert instance.port == 8501


@pytest.mark.parametrize("port", ["eighty", "0", "70000", "-1"])
def test_a_senseless_port_is_named(port: str) -> None:
    """The message names the variable and its range."""
    with pytest.raises(WrongSetting, match="SOUK_PORT must be a number from 1 to 65535"):
        Instance.from_environment({"SOUK_PORT": port})


def test_the_folder_admits_one_process(tmp_path: Path) -> None:
    """A second one is told who is there."""
    instance = Instance(tmp_path, 8502)
    holding = (
        "import sys; from pathlib import Path; from local.instance import Instance\n"
        f"with Instance(Path({str(tmp_path)!r}), 8502).locked('run'): print('held', flush=True); "
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        assert instance.is_held()
        with pytest.raises(AlreadyRunning, match=f"process {other.pid}"), instance.locked("clean"):
            pass
    assert not instance.is_held()
    with instance.locked("clean"):
        assert instance.holder()["pid"] == os.getpid()


def test_a_fresh_folder_is_marked_and_read_again(tmp_path: Path) -> None:
    """What this version wrote, this version reads."""
    instance = Instance(tmp_path)
    instance.require_readable_state()
    (tmp_path / "state").mkdir()
    instance.require_readable_state()


@pytest.mark.parametrize("marker", ['{"format": 1, "ministack": "0.0.1"}', "not json", None])
def test_state_of_other_versions_is_refused(tmp_path: Path, marker: str | None) -> None:
    """The one line says what to do."""
    instance = Instance(tmp_path)
    (tmp_path / "state").mkdir()
    if marker is not None:
        instance.marker_file.write_text(marker)
    with pytest.raises(StaleState, match="make clean"):
        instance.require_readable_state()


def test_forgetting_leaves_only_the_lock(tmp_path: Path) -> None:
    """State, logs and build results go."""
    instance = Instance(tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "dynamodb.json").write_text("{}")
    instance.log_file.write_text("log")
    with instance.locked("clean"):
        instance.forget()
    assert [entry.name for entry in tmp_path.iterdir()] == ["lock"]


@pytest.mark.network
def test_a_used_port_is_named(tmp_path: Path) -> None:
    """The message says which port, and how to choose another."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(PortInUse, match=f"Port {port} is used"):
            Instance(tmp_path, port).require_free_port()
