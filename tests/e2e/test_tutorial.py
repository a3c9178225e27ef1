"""The tutorial is true: its commands run, in order, against a running shop."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import RunningShop

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXPECTED = re.compile(r"^# -> (.*)$", re.MULTILINE)
CHAPTERS = sorted(path.name for path in TUTORIAL.glob("[0-9]-*.md") if "```sh" in path.read_text())


@pytest.mark.covers(42, 119)
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_commands_of_a_chapter_work(chapter: str, shop: RunningShop) -> None:
    """Every command of a chapter succeeds and shows what the chapter says it shows."""
    if shutil.which("curl") is None:
        pytest.skip("the tutorial uses curl")
    blocks = BLOCK.findall((TUTORIAL / chapter).read_text())
    script = "\n".join(["set -eu", *blocks])
    # A clone has its environment in .venv; a test may run in another one.
    script = script.replace(".venv/bin/python", sys.executable)
    finished = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "SOUK_HOME": str(shop.home)},
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    unseen = [
        words for words in EXPECTED.findall(script) if words.lower() not in finished.stdout.lower()
    ]
    assert unseen == []
