"""Run the test tiers in order of cost, with one line of progress each and a total at the end."""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

TIERS = ("unit", "property", "contract", "integration", "security", "faults", "e2e")
NOTHING_COLLECTED = 5


@dataclass(frozen=True, slots=True)
class TierResult:
    """What one tier did."""

    tier: str
    tests: int
    failed: int
    skipped: int
    seconds: float
    exit_code: int

    @property
    def is_green(self) -> bool:
        """Tell whether the tier passed; a tier without tests has nothing to fail."""
        return self.exit_code in {0, NOTHING_COLLECTED}


def unlisted() -> list[str]:
    """Folders of tests that no tier runs; there must be none."""
    holding = {path.relative_to("tests").parts[0] for path in Path("tests").rglob("test_*.py")}
    return sorted(holding - set(TIERS))


def _counts(report: Path) -> tuple[int, int, int]:
    """Read (tests, failed, skipped) from a junit report; zeros if pytest never wrote one."""
    if not report.exists():
        return 0, 0, 0
    suites = ET.parse(report).getroot().iter("testsuite")  # noqa: S314 - our own pytest wrote it
    tests = failed = skipped = 0
    for suite in suites:
        tests += int(suite.get("tests", "0"))
        failed += int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
        skipped += int(suite.get("skipped", "0"))
    return tests, failed, skipped


def run_tier(tier: str, options: list[str]) -> TierResult:
    """Run `pytest tests/<tier>` in its own process."""
    folder = Path("tests") / tier
    if not any(folder.rglob("test_*.py")):
        return TierResult(tier, 0, 0, 0, 0.0, NOTHING_COLLECTED)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "junit.xml"
        command = [sys.executable, "-m", "pytest", str(folder), "-q", "--no-header"]
        finished = subprocess.run([*command, f"--junitxml={report}", *options], check=False)
        tests, failed, skipped = _counts(report)
    seconds = time.monotonic() - started
    return TierResult(tier, tests, failed, skipped, seconds, finished.returncode)


def _line(result: TierResult) -> str:
    verdict = "ok" if result.is_green else "FAILED"
    if not result.tests and result.is_green:
        verdict = "no tests"
    return (
        f"{result.tier:<12} {result.tests:>5} tests {result.failed:>4} failed"
        f" {result.skipped:>4} skipped {result.seconds:>7.1f} s  {verdict}"
    )


def main(arguments: list[str]) -> int:
    """Run all tiers, or those named before `--`; pass the rest to pytest."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    tiers, options = arguments[:split] or list(TIERS), arguments[split + 1 :]
    if forgotten := unlisted():
        print(f"no tier runs tests/{', tests/'.join(forgotten)}; name them in TIERS")
        return 1
    results = []
    for place, tier in enumerate(tiers, 1):
        print(f"\n== [{place}/{len(tiers)}] {tier}", flush=True)
        results.append(run_tier(tier, options))
        print(_line(results[-1]), flush=True)
    print("\n== total")
    for result in results:
        print(_line(result))
    total = TierResult(
        "all",
        sum(result.tests for result in results),
        sum(result.failed for result in results),
        sum(result.skipped for result in results),
        sum(result.seconds for result in results),
        0 if all(result.is_green for result in results) else 1,
    )
    print(_line(total), flush=True)
    return total.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
