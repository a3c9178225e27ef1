"""Run every bench/bench_*.py, or those named on the command line, and say which is over budget."""

import subprocess
import sys

from bench.measure import FIGURES, ROOT


def main(wanted: list[str]) -> int:
    """Run each benchmark in its own process; 1 if one is over its budget or fails."""
    names = sorted(path.stem for path in (ROOT / "bench").glob("bench_*.py"))
    chosen = [name for name in names if not wanted or name.removeprefix("bench_") in wanted]
    over = []
    for name in chosen:
        print(f"\n== {name.removeprefix('bench_')}", flush=True)
        finished = subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=ROOT, check=False)
        if finished.returncode:
            over.append(name.removeprefix("bench_"))
    print(f"\nfigures appended to {FIGURES.relative_to(ROOT)}")
    if over:
        print("over budget or failed:", ", ".join(over))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
