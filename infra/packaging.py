"""Runs `chalice package` on a clean copy of the app, so that nothing stray is shipped."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCES: Final = (
    "app.py",
    "chalicelib",
    "vendor",
    "stepfunctions",
    ".chalice/config.json",
    ".chalice/policies",
    "infra/resources.yaml",
)
TEMPLATE: Final = "sam.yaml"
CODE: Final = "deployment.zip"
TIMEOUT_S: Final = 600


class PackagingFailed(RuntimeError):
    """Chalice refused the app; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Package:
    """What `chalice package` made; DefinitionUri is relative to the folder."""

    folder: Path

    @property
    def template_file(self) -> Path:
        """The SAM template."""
        return self.folder / TEMPLATE

    @property
    def code_file(self) -> Path:
        """The zip that all functions share."""
        return self.folder / CODE

    def template(self) -> dict[str, Any]:
        """Read the template; intrinsics are in their long form."""
        loaded: dict[str, Any] = yaml.safe_load(self.template_file.read_text())
        return loaded

    def write(self, template: dict[str, Any]) -> None:
        """Replace the template; anchors are written out, CloudFormation knows none."""
        text = yaml.dump(template, Dumper=_Plain, allow_unicode=True, width=120)
        self.template_file.write_text(text)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Never write an alias."""
        del data
        return True


@contextmanager
def packaged(stage: str, *, with_libraries: bool) -> Iterator[Package]:
    """The app packaged for `stage` in a temporary folder.

    Without libraries the zip holds our code alone, which takes a second instead of a minute
    and leaves the template as it is.
    """
    with tempfile.TemporaryDirectory(prefix="souk-package-") as scratch:
        build = Path(scratch) / "build"
        _copy(build)
        requirements = ROOT / "requirements.txt"
        (build / "requirements.txt").write_text(requirements.read_text() if with_libraries else "")
        _run_chalice(build, stage)
        yield Package(build / "dist")


# Chalice's main returns its code instead of exiting with it.
CHALICE = "import sys; from chalice.cli import main; sys.exit(main())"


def _copy(build: Path) -> None:
    for name in SOURCES:
        source, target = ROOT / name, build / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def _run_chalice(build: Path, stage: str) -> None:
    arguments = ["package", "--stage", stage, "--merge-template", "infra/resources.yaml", "dist"]
    run = subprocess.run(
        [sys.executable, "-c", CHALICE, *arguments],
        cwd=build,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if run.returncode:
        raise PackagingFailed(run.stdout + run.stderr)
