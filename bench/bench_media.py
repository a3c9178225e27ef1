"""B9 and B10: pictures against sharp, naive Pillow and Pillow's default AVIF; memory; likeness.

sharp is installed from npm into dist/ and runs in the same rounds; without npm its part is
skipped, loudly. One process for each engine and round, one thread.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench.measure import ROOT, Cost, Figure, interleaved, ratio, report
from bench.picture_corpus import NAMES
from bench.picture_engines import SIZES, TYPES, similarity

FOLDER = ROOT / "dist" / "bench"
SHARP = "sharp@0.34.5"
SIMILARITY_MIN = 0.995
LIKENESS_FILES = ("jpeg-12mp.jpg", "jpeg-24mp.jpg", "progressive.jpg", "rgb.png")


def main() -> int:
    """Measure every engine over the corpus and print the ratios."""
    files = corpus()
    python = [sys.executable, "-m", "bench.picture_engines"]
    engines = ("ours", "naive", "ours-three", "default-avif")
    commands = {name: [*python, name, *map(str, files)] for name in engines}
    if sharp := sharp_command():
        commands["sharp"] = [*sharp, *map(str, files)]
    else:
        print("!! sharp is not here and npm cannot install it: its part of B9 is SKIPPED")
    peaks: dict[str, float] = {}
    taken = interleaved({name: _run(name, line, peaks) for name, line in commands.items()})
    figures = []
    if sharp:
        figures.append(Figure("B9", "JPEG + WebP against sharp", _of(taken, "ours", "sharp"), 1.0))
        figures.append(Figure("B9", "memory against sharp", peaks["ours"] / peaks["sharp"], None))
    figures += [
        Figure("B9", "JPEG + WebP against naive Pillow", _of(taken, "ours", "naive"), 0.45),
        Figure("B10", "with AVIF, defaults", _of(taken, "ours-three", "default-avif"), 0.5),
    ]
    largest = [*python, "pipeline", str(FOLDER / "pictures" / "jpeg-48mp.jpg")]
    _run("48 MP", largest, peaks)()
    figures.append(Figure("B10", "all steps on 48 MP, memory", peaks["48 MP"], 200.0, "MB"))
    figures += likeness()
    return report(figures)


def corpus() -> list[Path]:
    """The files, made once, in a process of its own.

    A child counts its parent's peak memory as its own, so this process must stay small.
    """
    files = [FOLDER / "pictures" / name for name in NAMES]
    if not all(file.exists() for file in files):
        command = [sys.executable, "-m", "bench.picture_corpus", str(FOLDER / "pictures")]
        subprocess.run(command, cwd=ROOT, check=True)
    return files


def likeness() -> list[Figure]:
    """How unlike a full decode the chain is at worst; gated as distance from 1."""
    worst = min(
        similarity((FOLDER / "pictures" / name).read_bytes(), TYPES[name[-3:]], size)
        for name in LIKENESS_FILES
        for size in SIZES[:3]
    )
    budget = (1 - SIMILARITY_MIN) * 1000
    return [Figure("B9", "1 - SSIM against full decode, worst", (1 - worst) * 1000, budget, "e-3")]


def sharp_command() -> list[str] | None:
    """How sharp is run; installed on first use, None where that cannot be."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    home = FOLDER / "sharp"
    if not (home / "node_modules" / "sharp").is_dir():
        home.mkdir(parents=True, exist_ok=True)
        install = [npm, "install", "--prefix", str(home), "--no-audit", "--no-fund", SHARP]
        done = subprocess.run(install, cwd=home, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr[-400:])
            return None
    script = home / "sharp_engine.mjs"
    shutil.copy2(Path(__file__).with_name(script.name), script)
    return [node, str(script)]


def _run(name: str, command: list[str], peaks: dict[str, float]) -> Callable[[], float]:
    def run() -> float:
        cost = _cost(command)
        peaks[name] = max(peaks.get(name, 0), cost.rss_mb)
        return cost.cpu_ms

    return run


def _cost(command: list[str]) -> Cost:
    process = subprocess.Popen(command, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a measured process failed: {command[:4]}")
    unit = 1024 if sys.platform == "linux" else 1024 * 1024
    return Cost((usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / unit)


def _of(taken: dict[str, list[float]], one: str, other: str) -> float:
    return ratio(taken[one], taken[other])


if __name__ == "__main__":
    sys.exit(main())
