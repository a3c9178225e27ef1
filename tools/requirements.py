"""Pin requirements*.in: hashes for what Lambda ships, and no registry host in either file."""

import subprocess
import sys
from pathlib import Path

# A pin must not depend on where a developer's pip happens to look.
QUIET = (
    "--quiet",
    "--strip-extras",
    "--no-header",
    "--no-annotate",
    "--no-emit-options",
    "--no-emit-index-url",
    "--no-emit-trusted-host",
    "--no-emit-find-links",
)
SHIPPED = Path("requirements.txt")
DEVELOPMENT = Path("requirements-dev.txt")


def _compile(source: str, target: Path, *options: str) -> None:
    command = [sys.executable, "-m", "piptools", "compile", *QUIET, *options]
    subprocess.run([*command, f"--output-file={target}", source], check=True)


def _pins_only(target: Path) -> None:
    """Drop the remarks that the compiler leaves about packages it calls unsafe."""
    lines = [line for line in target.read_text().splitlines() if line and line[0] != "#"]
    target.write_text("\n".join(lines) + "\n")


def main() -> None:
    """Pin the shipped set first; the development set follows it."""
    _compile("requirements.in", SHIPPED, "--generate-hashes")
    # pip is whatever the virtual environment was made with; chalice also needs setuptools.
    _compile("requirements-dev.in", DEVELOPMENT, f"--constraint={SHIPPED}", "--unsafe-package=pip")
    for target in (SHIPPED, DEVELOPMENT):
        _pins_only(target)


if __name__ == "__main__":
    main()
