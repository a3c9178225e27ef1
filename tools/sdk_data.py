"""Writes vendor/aws_data: the SDK's endpoint list and service models, cut to what Souk calls.

The SDK reads the whole list (1.2 MB of JSON) before it makes its first client, which is a fifth of
a cold start, and all operations of a service before it makes a client of it. `AWS_DATA_PATH` sends
functions on AWS to this folder first; everything that is not here the SDK finds where it always is.
A test writes the files again and compares.
"""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import botocore.session
from botocore import xform_name

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "vendor" / "aws_data"
PARTITIONS: Final = ("aws", "aws-cn", "aws-us-gov")
CLIENT: Final = re.compile(r"""\bclient\(\s*["']([a-z0-9-]+)["']""")
DOCS: Final = "documentation"
WORD: Final = re.compile(r"\w+")
# What the SDK itself asks a model for: forms are signed as this operation's endpoint says.
OWN_OPERATIONS: Final = frozenset({"CreateBucket"})

Json = dict[str, Any]  # Any: models of many shapes


def _texts() -> list[str]:
    return [path.read_text() for path in (ROOT / "chalicelib").rglob("*.py")]


def services_in_use() -> set[str]:
    """List the services for which chalicelib makes a client."""
    return {service for text in _texts() for service in CLIENT.findall(text)}


def endpoint_prefixes(services: set[str]) -> set[str]:
    """Translate service names to the names that the endpoint list uses."""
    session = botocore.session.get_session()
    return {session.get_service_model(service).metadata["endpointPrefix"] for service in services}


def trimmed(endpoints: Json, prefixes: set[str]) -> Json:
    """Keep the partitions that Souk deploys to and the services it calls."""
    kept = [
        partition
        | {"services": {name: it for name, it in partition["services"].items() if name in prefixes}}
        for partition in endpoints["partitions"]
        if partition["partition"] in PARTITIONS
    ]
    return endpoints | {"partitions": kept}


def trimmed_model(model: Json, words: set[str]) -> Json:
    """Keep the operations whose method names chalicelib mentions anywhere, and their shapes."""
    operations = {
        name: operation
        for name, operation in model["operations"].items()
        if xform_name(name) in words or name in OWN_OPERATIONS
    }
    shapes: Json = {}
    waiting = list(_shapes_named(operations))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            waiting.extend(_shapes_named(shapes[name]))
    # Nothing else is touched: the SDK reads the words of some other parts.
    named = {"operations": operations, "shapes": dict(sorted(shapes.items()))}
    return {**model, **_undocumented(named)}


def _shapes_named(part: object) -> Iterator[str]:
    """Walk a part of a model; every reference to a shape is a `shape` with a name."""
    if isinstance(part, list):
        for one in part:
            yield from _shapes_named(one)
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "shape" and isinstance(value, str):
                yield value
            else:
                yield from _shapes_named(value)


def _undocumented(part: Any) -> Any:  # Any: see Json
    if isinstance(part, list):
        return [_undocumented(one) for one in part]
    if isinstance(part, dict):
        # A member may itself be called documentation; then it is no text.
        return {
            name: _undocumented(value)
            for name, value in part.items()
            if not (name == DOCS and isinstance(value, str))
        }
    return part


def rendered() -> dict[Path, str]:
    """Write every file, by its path below the folder, as the pinned SDK has it today."""
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    services = services_in_use()
    words = {word for text in _texts() for word in WORD.findall(text)}
    endpoints = trimmed(session.get_data("endpoints"), endpoint_prefixes(services))
    files = {Path("endpoints.json"): _written(endpoints)}
    for service in sorted(services):
        version = loader.determine_latest_version(service, "service-2")
        model = trimmed_model(loader.load_service_model(service, "service-2"), words)
        files[Path(service, version, "service-2.json")] = _written(model)
    return files


def _written(part: Json) -> str:
    return json.dumps(part, separators=(",", ":")) + "\n"


def kept() -> dict[Path, str]:
    """Read the files that are there."""
    found = (path for path in FOLDER.rglob("*") if path.is_file())
    return {path.relative_to(FOLDER): path.read_text() for path in found}


def main() -> int:
    """Write the files, or with --check say whether they are up to date."""
    if "--check" in sys.argv:
        return 0 if kept() == rendered() else 1
    shutil.rmtree(FOLDER, ignore_errors=True)
    for path, text in rendered().items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_text(text)
    print(f"wrote {FOLDER.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
