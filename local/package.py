"""Packages the app exactly as for AWS: same command, same template, an empty requirements.txt.

Libraries come from the virtual environment in which the workers run, so the zip holds code only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.failures import PackagingFailed

STAGE = "local"
SOURCES = ("app.py", "chalicelib", ".chalice", "stepfunctions", "infra", "vendor")
IGNORED = shutil.ignore_patterns(
    "__pycache__", "*.pyc", "deployments", "deployed", "venv", ".*.sw?", "*~"
)
PACKAGE_MAX_S = 120
DETAIL_LINES = 12


@dataclass(frozen=True, slots=True)
class Package:
    """What `chalice package` made: the template and the code zip beside it."""

    folder: Path
    template: dict[str, Any]  # CloudFormation has no narrower type than JSON
    code_hash: str

    @property
    def code_zip(self) -> Path:
        """The deployment zip."""
        return self.folder / "deployment.zip"

    def resources_of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The resources of one type, by logical id."""
        resources: dict[str, dict[str, Any]] = self.template["Resources"]
        return {name: it for name, it in resources.items() if it["Type"] == kind}


def package_app(source: Path, build: Path) -> Package:
    """Copy `source` to a staging folder under `build` and package it; raise PackagingFailed."""
    staging, output = build / "app", build / "app" / "dist"
    shutil.rmtree(staging, ignore_errors=True)
    copy_sources(source, staging)
    run_chalice(staging, output)
    template = yaml.safe_load((output / "sam.yaml").read_text())
    require_known_functions(template)
    return Package(output, template, content_hash(output / "deployment.zip"))


def copy_sources(source: Path, staging: Path) -> None:
    """Copy what the package is made of, and no requirements."""
    staging.mkdir(parents=True)
    for name in SOURCES:
        origin = source / name
        if origin.is_dir():
            shutil.copytree(origin, staging / name, ignore=IGNORED)
        elif origin.exists():
            shutil.copy2(origin, staging / name)
    (staging / "requirements.txt").write_text("")


def run_chalice(staging: Path, output: Path) -> None:
    """Run `chalice package` in the staging folder with this interpreter."""
    arguments = [
        "package",
        "--stage",
        STAGE,
        "--merge-template",
        "infra/resources.yaml",
        str(output),
    ]
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "from chalice.cli import main; raise SystemExit(main())",
            *arguments,
        ],
        cwd=staging,
        env=packaging_environment(),
        capture_output=True,
        text=True,
        timeout=PACKAGE_MAX_S,
        check=False,
    )
    if run.returncode != 0:
        raise PackagingFailed("The app cannot be packaged:", readable(run.stderr, staging))


def require_known_functions(template: Mapping[str, Any]) -> None:
    """Raise PackagingFailed if the merge template speaks of something that Chalice did not make."""
    unknown = [name for name, it in template["Resources"].items() if "Type" not in it]
    if unknown:
        raise PackagingFailed(
            "infra/resources.yaml changes resources that the app does not have, "
            f"or not under this name: {', '.join(unknown)}."
        )


def packaging_environment() -> dict[str, str]:
    """The developer's environment without anything that could change the package."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "SOUK_", "PYTHON"))
    }
    # Stray bytecode would be packed too. Chalice asks for a region, but calls nothing.
    return kept | {"PYTHONDONTWRITEBYTECODE": "1", "AWS_DEFAULT_REGION": "us-east-1"}


def readable(errors: str, staging: Path) -> str:
    """The part of an error output that concerns the app, with paths as the developer knows them."""
    lines = [line for line in errors.replace(f"{staging}{os.sep}", "").splitlines() if line.strip()]
    frames = [place for place, line in enumerate(lines) if line.startswith('  File "')]
    own = [place for place in frames if not lines[place].startswith('  File "/')]
    # Chalice's own frames come first; what matters starts at the first line of the app, or else
    # at the error itself.
    if own:
        lines = lines[own[0] :]
    elif frames:
        after = range(frames[-1] + 1, len(lines))
        lines = lines[next((at for at in after if not lines[at].startswith(" ")), 0) :]
    return "\n".join(lines[-DETAIL_LINES:])


def content_hash(archive: Path) -> str:
    """A hash of names and contents: equal code gets an equal key, whatever the file dates."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(archive) as contents:
        for entry in sorted(contents.infolist(), key=lambda entry: entry.filename):
            digest.update(f"{entry.filename}\0{entry.CRC:08x}\0{entry.file_size}\n".encode())
    return digest.hexdigest()[:24]
