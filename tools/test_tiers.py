"""Run the test tiers in order of cost on two cores: each told as it ends, and a total."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

CORES = 2
NOTHING_COLLECTED = 5
FAULT_AREAS = ("tests/faults/selftest", "tests/faults/media", "tests/faults/chat")
# Opens shops of two kinds one after the other, which would stay in others' process.
RECORDER = "tests/faults/recorder"


@dataclass(frozen=True, slots=True)
class Tier:
    """Which tests it is, and how many of the two cores they keep busy."""

    name: str
    paths: tuple[str, ...]
    cores: int = 1
    without: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        """The pytest call of this tier."""
        ignored = [f"--ignore={path}" for path in self.without]
        return [sys.executable, "-m", "pytest", *self.paths, *ignored, "-q", "--no-header"]


# The end-to-end tier mostly waits for the running system, so another tier runs beside it.
TIERS = (
    Tier("unit", ("tests/unit",)),
    Tier("property", ("tests/property",)),
    Tier("e2e", ("tests/e2e",)),
    Tier("contract", ("tests/contract",)),
    Tier("integration", ("tests/integration",)),
    Tier("security", ("tests/security",)),
    Tier("fault-areas", FAULT_AREAS),
    Tier("recorder", (RECORDER,)),
    Tier("faults", ("tests/faults",), CORES, (*FAULT_AREAS, RECORDER)),
)


@dataclass(frozen=True, slots=True)
class TierResult:
    """What one tier did."""

    tier: str
    tests: int
    failed: int
    skipped: int
    seconds: float
    exit_code: int
    output: str = ""

    @property
    def is_green(self) -> bool:
        """Tell whether the tier passed; a tier without tests has nothing to fail."""
        return self.exit_code in {0, NOTHING_COLLECTED}


def unlisted() -> list[str]:
    """Folders of tests that no tier runs; there must be none."""
    holding = {path.parts[1] for path in Path("tests").rglob("test_*.py")}
    return sorted(holding - {Path(path).parts[1] for tier in TIERS for path in tier.paths})


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


def run_tier(tier: Tier, options: list[str]) -> TierResult:
    """Run a tier in its own process; one that has both cores prints as it goes."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        report, told = Path(scratch) / "junit.xml", Path(scratch) / "output"
        command = [*tier.command, f"--junitxml={report}", *options]
        # Neighbours must not share what pytest and hypothesis remember between runs.
        command += ["-o", f"cache_dir=.pytest_cache/{tier.name}"]
        with told.open("wb") as file:
            target = None if tier.cores == CORES else file
            finished = subprocess.run(command, check=False, stdout=target, stderr=target)
        tests, failed, skipped = _counts(report)
        output = told.read_text(errors="replace")
    seconds = time.monotonic() - started
    return TierResult(tier.name, tests, failed, skipped, seconds, finished.returncode, output)


def _line(result: TierResult) -> str:
    verdict = "ok" if result.is_green else "FAILED"
    if not result.tests and result.is_green:
        verdict = "no tests"
    return (
        f"{result.tier:<12} {result.tests:>5} tests {result.failed:>4} failed"
        f" {result.skipped:>4} skipped {result.seconds:>7.1f} s  {verdict}"
    )


def run_tiers(tiers: Sequence[Tier], options: list[str]) -> list[TierResult]:
    """Run them in order, two one-core tiers side by side; print each as it ends."""
    results = []
    running: dict[Future[TierResult], Tier] = {}
    width = min(CORES, os.cpu_count() or 1)

    def gather(free: int) -> None:
        while running and sum(tier.cores for tier in running.values()) > width - free:
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                del running[done]
                result = done.result()
                results.append(result)
                print(f"{result.output}{_line(result)}", flush=True)

    with ThreadPoolExecutor(width) as pool:
        for place, tier in enumerate(tiers, 1):
            gather(min(tier.cores, width))
            print(f"== [{place}/{len(tiers)}] {tier.name} ...", flush=True)
            running[pool.submit(run_tier, tier, options)] = tier
        gather(width)
    return results


def main(arguments: list[str]) -> int:
    """Run all tiers, or those named before `--`; pass the rest to pytest."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    names, options = arguments[:split], arguments[split + 1 :]
    if unknown := sorted(set(names) - {tier.name for tier in TIERS}):
        print(f"no such tier: {', '.join(unknown)}; there are {', '.join(t.name for t in TIERS)}")
        return 2
    if forgotten := unlisted():
        print(f"no tier runs tests/{', tests/'.join(forgotten)}; name them in TIERS")
        return 1
    started = time.monotonic()
    results = run_tiers([tier for tier in TIERS if not names or tier.name in names], options)
    print("\n== total")
    for result in results:
        print(_line(result))
    total = TierResult(
        "all",
        sum(result.tests for result in results),
        sum(result.failed for result in results),
        sum(result.skipped for result in results),
        time.monotonic() - started,
        0 if all(result.is_green for result in results) else 1,
    )
    print(_line(total), flush=True)
    return total.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
