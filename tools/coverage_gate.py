"""Measures branch coverage over the in-process tiers and holds it to its floors.

Rules, services and the kernel carry the money: every branch of them is walked. Everything
shipped together reaches nine in ten.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

TIERS = ("unit", "property", "contract", "integration", "faults")
WHOLE_FLOOR = 90.0
NOTHING_COLLECTED = 5


def must_be_whole(file: str) -> bool:
    """Tell whether every branch of a file has to be walked."""
    path = Path(file)
    return path.parts[1:2] == ("kernel",) or path.name in {"rules.py", "service.py"}


def _run(*arguments: str) -> int:
    command = [sys.executable, "-m", "coverage", *arguments]
    return subprocess.run(command, check=False).returncode


def measure() -> int:
    """Run the tiers under measurement; 1 if a test fails."""
    _run("erase")
    worst = 0
    for tier in TIERS:
        folder = Path("tests") / tier
        if any(folder.rglob("test_*.py")):
            code = _run("run", "--append", "-m", "pytest", "-q", "--no-header", str(folder))
            worst = max(worst, 0 if code in {0, NOTHING_COLLECTED} else 1)
    return worst


def shortfalls() -> list[str]:
    """Name every file below its floor, and the whole if it is."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "coverage.json"
        _run("json", "-q", "--fail-under=0", "-o", str(report))
        told = json.loads(report.read_text())
    whole = told["totals"]["percent_covered"]
    print(f"branch coverage of everything shipped: {whole:.1f} % (floor {WHOLE_FLOOR:g} %)")
    short = [f"everything: {whole:.1f} %"] if whole < WHOLE_FLOOR else []
    for file, figures in sorted(told["files"].items()):
        percent = figures["summary"]["percent_covered"]
        if must_be_whole(file) and percent < 100:  # noqa: PLR2004 - all of it
            lines = ", ".join(map(str, figures["missing_lines"][:10])) or "branches only"
            short.append(f"{file}: {percent:.1f} % (missing {lines})")
    return short


def main() -> int:
    """Print what is short; 1 if anything is, or a test failed."""
    failed = measure()
    short = shortfalls()
    for line in short:
        print("below its floor:", line)
    return 1 if failed or short else 0


if __name__ == "__main__":
    sys.exit(main())
