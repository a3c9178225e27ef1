"""Packages the app exactly as for AWS: same command, same template, an empty requirements.txt.

Libraries come from the virtual environment in which the workers run, so the zip holds code only.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
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
from local.instance import ROOT

STAGE = "local"
SOURCES = ("app.py", "chalicelib", ".chalice", "stepfunctions", "infra", "vendor")
IGNORED = shutil.ignore_patterns(
    "__pycache__", "*.pyc", "deployments", "deployed", "venv", ".*.sw?", "*~"
)
PACKAGE_MAX_S = 120
STOP_MAX_S = 1
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
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


class Packager:
    """Packages the app as often as wished; a process that has the libraries imported does it."""

    def __init__(self, source: Path, build: Path) -> None:
        """Package `source` in a folder below `build`."""
        self._source = source
        self._staging = build / "app"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Let the process import its libraries while the caller does something else."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "local.packager"],
            cwd=ROOT,
            env=packaging_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C reaches the whole foreground group; this process ends with its input.
            start_new_session=True,
        )

    def package(self) -> Package:
        """Copy the app to the staging folder and package it; raise PackagingFailed."""
        staging, output = self._staging, self._staging / "dist"
        shutil.rmtree(staging, ignore_errors=True)
        copy_sources(self._source, staging)
        self._run_chalice(output)
        # The C loader is five times as fast, and this template has thousands of lines.
        template = yaml.load((output / "sam.yaml").read_text(), Loader=YAML_LOADER)  # noqa: S506
        require_known_functions(template)
        return Package(output, template, content_hash(output / "deployment.zip"))

    def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        try:
            process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _run_chalice(self, output: Path) -> None:
        arguments = ["package", "--stage", STAGE]
        arguments += ["--merge-template", "infra/resources.yaml", str(output)]
        request = {
            "folder": str(self._staging),
            "arguments": arguments,
            "log": str(self._staging.with_suffix(".log")),
        }
        reply = self._ask(json.dumps(request))
        if reply["code"] != 0:
            detail = readable(reply["output"], self._staging)
            raise PackagingFailed("The app cannot be packaged:", detail)

    def _ask(self, request: str) -> dict[str, Any]:
        if self._process is None or self._process.poll() is not None:
            self.start()
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise PackagingFailed("The packaging process could not be started.")
        process.stdin.write(request + "\n")
        process.stdin.flush()
        answers, _, _ = select.select([process.stdout], [], [], PACKAGE_MAX_S)
        line = process.stdout.readline() if answers else ""
        if not line:
            process.kill()
            raise PackagingFailed(f"Packaging did not end within {PACKAGE_MAX_S} s, or crashed.")
        reply: dict[str, Any] = json.loads(line)
        return reply


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
