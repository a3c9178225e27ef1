"""How everything here is measured: whole-process CPU, interleaved rounds, median of ratios."""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FIGURES: Final = ROOT / "dist" / "bench" / "figures.jsonl"
ROUNDS: Final = int(os.environ.get("SOUK_BENCH_ROUNDS", "5"))
PINNED: Final = ("boto3", "chalice", "pydantic")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took."""

    cpu_ms: float
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value beside what it may be at most; None means: shown, not gated."""

    budget_id: str
    name: str
    value: float
    budget: float | None
    unit: str = "x"

    @property
    def is_within(self) -> bool:
        """Tell whether the budget holds."""
        return self.budget is None or self.value <= self.budget


def lambda_environment(scratch: str, **more: str) -> dict[str, str]:
    """Make the environment of a function on Lambda, its bytecode kept as the zip keeps it."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": scratch,
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": scratch,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SOUK_STAGE": "local",
        "S3_WIRING": "template",
        **more,
    }


def process_cost(code: str, environment: Mapping[str, str]) -> Cost:
    """Run `code` in a fresh interpreter; raise if it fails."""
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=dict(environment), stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a measured process failed:\n{code}")
    cpu_ms = (usage.ru_utime + usage.ru_stime) * 1000
    # Linux counts in KiB, macOS in bytes.
    unit = 1024 if sys.platform == "linux" else 1024 * 1024
    return Cost(cpu_ms, usage.ru_maxrss / unit)


@contextmanager
def bytecode_folder() -> Iterator[str]:
    """Lend a folder for bytecode, shared by all cases of one benchmark."""
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as scratch:
        yield scratch


def interleaved(
    cases: Mapping[str, Callable[[], float]], rounds: int = ROUNDS
) -> dict[str, list[float]]:
    """Run A B C, A B C, ...; the first round only warms up."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(rounds + 1):
        for name, run in cases.items():
            value = run()
            if turn:
                taken[name].append(value)
    return taken


def ratio(numerator: Sequence[float], denominator: Sequence[float]) -> float:
    """Take the median of the ratios of each round."""
    return statistics.median(a / b for a, b in zip(numerator, denominator, strict=True))


def report(figures: Sequence[Figure]) -> int:
    """Print each figure beside its budget, append them to the figures file; 1 if one is over."""
    for figure in figures:
        budget = "" if figure.budget is None else f"budget {figure.budget:g}"
        verdict = "" if figure.budget is None else ("ok" if figure.is_within else "OVER")
        print(
            f"{figure.budget_id:<4} {figure.name:<52} {figure.value:>8.2f} {figure.unit:<4}"
            f" {budget:<13} {verdict}",
            flush=True,
        )
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    with FIGURES.open("a") as file:
        file.write(json.dumps(_line(figures)) + "\n")
    return 0 if all(figure.is_within for figure in figures) else 1


def _line(figures: Sequence[Figure]) -> dict[str, object]:
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": platform.platform(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PINNED},
        "rounds": ROUNDS,
        "figures": [asdict(figure) for figure in figures],
    }
