"""The command line: every command is explained, failures are one block."""

from pathlib import Path

import pytest

from local.__main__ import main, parser

COMMANDS = ["up", "demo", "clean", "status", "logs", "invoke", "tick", "env"]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """And the two settings."""
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(f"    {command}" in text for command in COMMANDS)
    assert "SOUK_HOME" in text
    assert "SOUK_PORT" in text


def test_template_parameters_can_be_replaced() -> None:
    """As often as needed."""
    options = parser().parse_args(["up", "--parameter", "ReviewAbove=1", "--parameter", "X=a=b"])
    assert options.parameter == [("ReviewAbove", "1"), ("X", "a=b")]


def test_a_parameter_without_value_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The message shows the form."""
    with pytest.raises(SystemExit):
        parser().parse_args(["up", "--parameter", "ReviewAbove"])
    assert "is not NAME=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["status"], ["logs"], ["env"], ["tick", "sweeper"], ["demo"]])
def test_without_a_running_stack_one_line_says_how_to_start_it(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No trace."""
    monkeypatch.setenv("SOUK_HOME", str(tmp_path))
    assert main(command) == 1
    told = capsys.readouterr().err
    assert told == f"No stack runs in {tmp_path}: start one with `make run`.\n"


def test_cleaning_a_folder_that_does_not_exist_is_done_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make clean` may run first."""
    monkeypatch.setenv("SOUK_HOME", str(tmp_path / "none"))
    assert main(["clean"]) == 0
    assert not (tmp_path / "none").exists()


def test_a_stack_file_left_by_a_crash_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a held lock means running."""
    monkeypatch.setenv("SOUK_HOME", str(tmp_path))
    (tmp_path / "stack.json").write_text("{}")
    assert main(["status"]) == 1
