"""docs/system_map.md is the live app, and every function of it is named, bounded and limited."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def fresh_map(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Render the map in its own interpreter: an app is built once a process."""
    target = tmp_path_factory.mktemp("map") / "system_map.md"
    subprocess.run(
        [sys.executable, "-m", "tools.system_map", str(target)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return target.read_text()


def test_the_map_is_up_to_date(fresh_map: str) -> None:
    """What docs/system_map.md says is what the app does; `make map` writes it again."""
    assert (ROOT / "docs/system_map.md").read_text() == fresh_map


def test_every_route_says_who_may_call_it(fresh_map: str) -> None:
    """No route lacks the mark of its contract."""
    assert "| ? |" not in fresh_map


def test_every_function_has_its_own_policy_file(fresh_map: str) -> None:
    """No function runs under a generated or shared policy, and each policy file exists."""
    lines = fresh_map.partition("## Functions")[2].splitlines()
    rows = [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines if " | " in line
    ]
    policies = [row[4].strip("`") for row in rows[1:]]
    assert len(set(policies)) == len(policies)
    for policy in policies:
        assert (ROOT / ".chalice" / policy).exists(), policy
