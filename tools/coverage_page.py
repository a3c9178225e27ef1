"""Reads docs/coverage.md and finds the proof of each of its rows in tests and pages."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path("docs/coverage.md")
STATUSES = ("open", "working", "templated", "documented")
CELLS = 7
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """One item of the mission: when it is due and how it stands."""

    number: int
    item: str
    waves: frozenset[str]
    runs: str
    status: str

    def is_due(self, finished_waves: frozenset[str]) -> bool:
        """Tell whether a wave that this row belongs to has been declared finished."""
        return bool(self.waves & finished_waves)


@dataclass(frozen=True, slots=True)
class Page:
    """The whole table and the waves declared finished at its top."""

    rows: tuple[Row, ...]
    finished_waves: frozenset[str]


def _front_matter(text: str, key: str) -> list[str]:
    """Read a comma-separated front-matter value; empty if it is not there."""
    matter = FRONT_MATTER.match(text)
    if not matter:
        return []
    for line in matter.group(1).splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return [part.strip() for part in value.strip(" []").split(",") if part.strip()]
    return []


def read_page(page: Path = PAGE) -> Page:
    """Read every table row that starts with a number."""
    text = page.read_text()
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == CELLS and cells[0].isdigit():
            waves = frozenset(wave.strip() for wave in cells[4].split(","))
            rows.append(Row(int(cells[0]), cells[1], waves, cells[5], cells[6]))
    return Page(tuple(rows), frozenset(_front_matter(text, "finished_waves")))


def _marked_rows(test: Path) -> Iterator[int]:
    """List the rows that `pytest.mark.covers(...)` names anywhere in a test module."""
    for node in ast.walk(ast.parse(test.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "covers"
            and isinstance(node.func.value, ast.Attribute)
            and node.func.value.attr == "mark"
        ):
            for argument in node.args:
                number = ast.literal_eval(argument)
                if not isinstance(number, int):
                    message = f"{test}: covers() takes row numbers"
                    raise TypeError(message)
                yield number


def proofs(tests: Path = Path("tests"), docs: Path = Path("docs")) -> dict[int, set[str]]:
    """Map each proven row to the files that prove it."""
    found: dict[int, set[str]] = {}
    for test in sorted(tests.rglob("test_*.py")):
        for number in _marked_rows(test):
            found.setdefault(number, set()).add(test.as_posix())
    for page in sorted(docs.rglob("*.md")):
        for value in _front_matter(page.read_text(), "covers"):
            found.setdefault(int(value), set()).add(page.as_posix())
    return found


def main() -> int:
    """Print the open rows, then how many are closed."""
    rows = read_page().rows
    for row in rows:
        if row.status == "open":
            print(f"{row.number:>4}  wave {', '.join(sorted(row.waves)):<12} {row.item}")
    print(f"closed {sum(row.status != 'open' for row in rows)} of {len(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
