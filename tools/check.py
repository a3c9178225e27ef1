"""Run every static check, all of them even if one fails, and say which failed."""

import subprocess
import sys
import time
from pathlib import Path

PACKAGED = Path("dist")
MYPY_PER_SHIPPED = ("app.py", "chalicelib")


def commands(code: list[str]) -> dict[str, list[str]]:
    """Name each check and the command behind it, run in this interpreter's environment."""
    tool = Path(sys.executable).parent
    return {
        "format": [str(tool / "ruff"), "format", "--check", "--quiet", *code],
        "lint": [str(tool / "ruff"), "check", "--quiet", *code],
        "types": [str(tool / "mypy"), *code],
        "imports": [str(tool / "lint-imports")],
        "dependencies": [str(tool / "deptry"), "."],
        "dead code": [str(tool / "vulture")],
        "spelling": [str(tool / "codespell")],
        "template": [sys.executable, "-m", "infra", "lint"],
    }


def main(code: list[str]) -> int:
    """Print one line a check; show a tool's output only when it objects."""
    failed = []
    for name, command in commands(code).items():
        if name == "template" and not Path("infra/__main__.py").exists():
            continue
        if name == "imports" and not Path("chalicelib").exists():
            continue
        started = time.monotonic()
        finished = subprocess.run(command, check=False, capture_output=True, text=True)
        verdict = "ok" if finished.returncode == 0 else "FAILED"
        print(f"{name:<14} {verdict:<7} {time.monotonic() - started:5.1f} s", flush=True)
        if finished.returncode:
            failed.append(name)
            print(finished.stdout + finished.stderr, flush=True)
    if failed:
        print("failed:", ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
