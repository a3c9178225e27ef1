"""Reload on save: what counts as a save, and what happens on an error."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from local.failures import DeploymentFailed, EngineStopped
from local.stack import Stack
from local.watch import SourceWatch, reload


class _Notebook:
    """Progress that is read afterwards."""

    def __init__(self) -> None:
        self.text = ""

    @contextlib.contextmanager
    def step(self, label: str) -> Iterator[None]:
        """Write the label down."""
        self.note(label)
        yield

    def note(self, text: str) -> None:
        """Write the text down."""
        self.text += text + "\n"


class _Running:
    """A stack whose reload has this outcome."""

    def __init__(self, outcome: Any) -> None:
        self._outcome = outcome

    def reload(self) -> bool:
        """The outcome."""
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return bool(self._outcome)


def _told(*changed: str, outcome: object) -> str:
    notebook = _Notebook()
    reload(cast("Stack", _Running(outcome)), notebook, list(changed))
    return notebook.text


def test_a_reload_names_what_changed() -> None:
    """The first files are named, the rest counted."""
    names = [f"chalicelib/{number}.py" for number in range(7)]
    told = _told(*names, outcome=True)
    assert "changed: chalicelib/0.py" in told
    assert "and 2 more" in told
    assert "reloaded" in told


def test_a_save_without_a_difference_says_so() -> None:
    """Nothing is deployed for a new date of a file."""
    assert "nothing to reload" in _told("app.py", outcome=False)


def test_a_refused_template_is_one_block_and_the_old_version_stays() -> None:
    """The developer reads the reason and goes on."""
    failure = DeploymentFailed("The deployment ended as UPDATE_ROLLBACK_COMPLETE:", "Core: no")
    told = _told("infra/resources.yaml", outcome=failure)
    assert "    | Core: no" in told
    assert "The version before it keeps running." in told


def test_a_surprise_does_not_stop_the_shop() -> None:
    """Whatever a half-written file causes, it is told and survived."""
    assert "Not reloaded, KeyError: 'RestAPIId'" in _told("app.py", outcome=KeyError("RestAPIId"))


def test_a_dead_engine_ends_the_watch() -> None:
    """There is nothing left to reload."""
    with pytest.raises(EngineStopped):
        _told("app.py", outcome=EngineStopped("gone"))


def _project(tmp_path: Path) -> Path:
    (tmp_path / "chalicelib").mkdir()
    (tmp_path / "app.py").write_text("old")
    (tmp_path / "other.py").write_text("old")
    return tmp_path


def _first_batch(watch: SourceWatch, touch: Path) -> list[str]:
    """What is noticed; the watch needs a moment to begin, so the file is saved until it is."""
    for attempt in range(50):
        touch.write_text(f"new {attempt}")
        if batch := watch.next_batch(0.3):
            return batch
    return []


@pytest.mark.parametrize("name", ["app.py", "chalicelib/money.py"])
def test_a_saved_source_is_noticed(tmp_path: Path, name: str) -> None:
    """Existing or new, beside the app or below it."""
    watch = SourceWatch(_project(tmp_path))
    try:
        assert _first_batch(watch, tmp_path / name) == [name]
    finally:
        watch.close()


def test_what_is_no_source_is_ignored(tmp_path: Path) -> None:
    """Other files of the project, bytecode and drafts of editors."""
    source = _project(tmp_path)
    watch = SourceWatch(source)
    try:
        _first_batch(watch, source / "app.py")
        while watch.next_batch(0.3):
            pass
        (source / "other.py").write_text("new")
        (source / "chalicelib" / "money.pyc").write_text("new")
        (source / "chalicelib" / "sedX1Y2").write_text("new")
        assert watch.next_batch(0.5) == []
    finally:
        watch.close()
