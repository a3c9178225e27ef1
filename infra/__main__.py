"""The commands behind `make package`, `make check` and `make deploy`: `python -m infra ...`."""

import argparse
import json
import shutil
import sys
from pathlib import Path

from infra.code_zip import faults_of, finish_code
from infra.finish import finish, release
from infra.lint import complaints
from infra.packaging import CODE, ROOT, TEMPLATE, Package, PackagingFailed, packaged

DIST = ROOT / "dist"
PARAMETERS = ROOT / "infra" / "parameters"


def main(arguments: list[str]) -> int:
    """Run one command; 0 if all went well."""
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, told in (
        ("package", "make the finished template and zip in dist/"),
        ("finish", "finish what `chalice package` left in dist/"),
        ("lint", "lint the template before and after expansion"),
        ("deploy", "deploy dist/ to AWS"),
    ):
        command = commands.add_parser(name, help=told)
        command.add_argument("--stage", default="dev")
        if name == "deploy":
            command.add_argument("--bucket", help="for code and templates; made if not given")
            command.add_argument("--set", action="append", default=[], metavar="Name=value")
    chosen = parser.parse_args(arguments)
    try:
        return COMMANDS[chosen.command](chosen)
    except PackagingFailed as failed:
        print(failed, file=sys.stderr)
        return 1


def _package(chosen: argparse.Namespace) -> int:
    with packaged(chosen.stage, with_libraries=True) as package:
        DIST.mkdir(exist_ok=True)
        for name in (TEMPLATE, CODE):
            shutil.copy2(package.folder / name, DIST / name)
    return _finish(chosen)


def _finish(chosen: argparse.Namespace) -> int:
    del chosen
    package = Package(DIST)
    finish_code(package.code_file)
    given = [file.read_bytes() for file in sorted(PARAMETERS.glob("*.json"))]
    template = release(finish(package.template()), package.code_file.read_bytes(), *given)
    package.write(template)
    runtime = template["Resources"]["APIHandler"]["Properties"]["Runtime"]
    faults = faults_of(package.code_file, runtime)
    for fault in faults:
        print(f"not fit for Lambda: {fault}", file=sys.stderr)
    size_mb = package.code_file.stat().st_size / 1e6
    print(f"{_shown(package.template_file)}, {_shown(package.code_file)} ({size_mb:.1f} MB)")
    return 1 if faults else 0


def _lint(chosen: argparse.Namespace) -> int:
    with packaged(chosen.stage, with_libraries=False) as package:
        said = complaints(package)
    print(said, end="")
    return 1 if said else 0


def _deploy(chosen: argparse.Namespace) -> int:
    from infra.deployment import DeploymentFailed, artifact_bucket, deploy, parameters_of

    overrides = dict(pair.split("=", 1) for pair in chosen.set)
    try:
        bucket = chosen.bucket or artifact_bucket()
        parameters = parameters_of(chosen.stage, overrides)
        outputs = deploy(Package(DIST), chosen.stage, bucket, parameters)
    except DeploymentFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    print(json.dumps(outputs, indent=2))
    return 0


def _shown(file: Path) -> str:
    return str(file.relative_to(ROOT))


COMMANDS = {"package": _package, "finish": _finish, "lint": _lint, "deploy": _deploy}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
