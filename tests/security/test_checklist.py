"""The security checklist tells the truth: its tests exist, and most rows have one."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHECKLIST = ROOT / "docs/security-checklist.md"
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| (.+?) \| (.+) \|$", re.MULTILINE)
SHARE_MIN = 0.75


def rows() -> list[tuple[str, ...]]:
    """Every row of the checklist."""
    return ROW.findall(CHECKLIST.read_text())


def test_every_named_test_exists() -> None:
    """A function that pytest collects from a file that it finds, and nothing less than that."""
    missing = []
    for number, _, _, shown in rows():
        for named in re.findall(r"`(tests/[^`]*)`", shown):
            file, _, name = named.partition("::")
            if name not in collected(file):
                missing.append((number, named))
    assert missing == []


def collected(file: str) -> set[str]:
    """The names of a file's tests."""
    path = ROOT / file
    if not (path.exists() and path.name.startswith("test_")):
        return set()
    functions = (
        one for one in ast.parse(path.read_text()).body if isinstance(one, ast.FunctionDef)
    )
    return {one.name for one in functions if one.name.startswith("test_")}


def test_three_quarters_of_the_rows_are_shown_by_a_test() -> None:
    """The others say why not."""
    listed = rows()
    shown = [row for row in listed if "`tests/" in row[3]]
    assert len(listed) > 90
    assert len(shown) / len(listed) >= SHARE_MIN
    assert all(row in shown or row[3].startswith("none: ") for row in listed)
    assert len({row[0] for row in listed}) == len(listed)
    share = (
        f"**{len(shown)} of {len(listed)} rows have a test ({100 * len(shown) // len(listed)} %).**"
    )
    assert share in CHECKLIST.read_text()
