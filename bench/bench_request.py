"""B6: a request without AWS, beside bare Chalice and FastAPI with Mangum; 100 routes beside 10."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable

from bench.measure import (
    ROUNDS,
    Figure,
    bytecode_folder,
    interleaved,
    lambda_environment,
    ratio,
    report,
)
from bench.request_stacks import STACKS

CALLS = 2000


def main() -> int:
    """Measure every stack in its own process, interleaved."""
    posts: dict[str, list[float]] = {name: [] for name in STACKS}
    with bytecode_folder() as scratch:
        environment = lambda_environment(scratch, SOUK_ALLOWED_ORIGINS="https://shop.example")

        def measured(stack: str) -> Callable[[], float]:
            def run() -> float:
                finished = subprocess.run(
                    [sys.executable, "-m", "bench.request_stacks", stack, str(CALLS)],
                    env=environment,
                    check=True,
                    capture_output=True,
                    text=True,
                )
                cpu = json.loads(finished.stdout)
                posts[stack].append(cpu["POST"])
                return float(cpu["GET"])

            return run

        gets = interleaved({name: measured(name) for name in STACKS}, ROUNDS)
    posts = {name: values[1:] for name, values in posts.items()}
    figures = []
    for stack in ("bare", "souk", "fastapi"):
        figures += [
            Figure("B6", f"{stack} GET", statistics.median(gets[stack]), None, "us"),
            Figure(
                "B6", f"{stack} POST, 5-line order", statistics.median(posts[stack]), None, "us"
            ),
        ]
    for method, taken in (("GET", gets), ("POST", posts)):
        figures += [
            Figure("B6", f"{method} beside bare Chalice", ratio(taken["souk"], taken["bare"]), 4.0),
            Figure("B6", f"{method} beside FastAPI", ratio(taken["souk"], taken["fastapi"]), 0.25),
        ]
    figures.append(
        Figure("B6", "100 routes beside 10", ratio(gets["souk-100"], gets["souk-10"]), 1.1)
    )
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
