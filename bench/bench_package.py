"""B4: what the bytecode in the zip saves of importing the zip.

The zip holds our code, the data of vendor/, Chalice and the pinned libraries as they are installed
here, and is finished as a packaged one is. It is unpacked twice, once without bytecode; nothing is
written into either copy, as on Lambda. There the SDK is the runtime's: its import is taken off.
"""

import re
import shutil
import statistics
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from bench.measure import (
    ROOT,
    ROUNDS,
    Figure,
    interleaved,
    lambda_environment,
    process_cost,
    ratio,
    report,
)
from infra.code_zip import finish_code

PINNED: Final = re.compile(r"^([A-Za-z0-9_.-]+)==", re.MULTILINE)
SDK: Final = "import botocore.session, botocore.client, botocore.handlers, botocore.config"
# Every slice: what a day of calls loads, not the first alone.
EVERYTHING: Final = "import app; from chalicelib.edge.mounting import complete; complete(app.app)"


def contents() -> Iterator[tuple[str, Path]]:
    """Yield every file of the zip: its name there, and where it is here."""
    yield "app.py", ROOT / "app.py"
    for folder, root in (("chalicelib", ROOT), ("vendor", ROOT / "vendor")):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                yield path.relative_to(root).as_posix(), path
    for library in ("chalice", *PINNED.findall((ROOT / "requirements.txt").read_text())):
        for file in distribution(library).files or ():
            if file.suffix != ".pyc" and ".." not in file.parts:
                yield file.as_posix(), Path(str(file.locate()))


def unpacked(archive: Path, target: Path) -> Path:
    """Unpack the zip into a folder."""
    with zipfile.ZipFile(archive) as files:
        files.extractall(target)
    return target


def main() -> int:
    """Measure the start of both copies, interleaved."""
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as scratch:
        archive = Path(scratch, "code.zip")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
            for name, path in contents():
                files.write(path, name)
        finish_code(archive)
        compiled = unpacked(archive, Path(scratch, "compiled"))
        plain = unpacked(archive, Path(scratch, "plain"))
        for folder in list(plain.rglob("__pycache__")):
            shutil.rmtree(folder)

        def measured(code: str, tree: Path) -> Callable[[], float]:
            environment = lambda_environment(
                scratch,
                PYTHONPATH=str(tree),
                PYTHONDONTWRITEBYTECODE="1",
                AWS_LAMBDA_FUNCTION_NAME="souk-local-api_handler",
            )
            del environment["PYTHONPYCACHEPREFIX"]
            return lambda: process_cost(code, environment).cpu_ms

        cases = {
            "sdk": measured(SDK, compiled),
            "compiled": measured(EVERYTHING, compiled),
            "plain": measured(EVERYTHING, plain),
        }
        taken = interleaved(cases, ROUNDS)
    compiled_ms, plain_ms = (
        [cpu - sdk for cpu, sdk in zip(taken[name], taken["sdk"], strict=True)]
        for name in ("compiled", "plain")
    )
    spent = statistics.median(compiled_ms)
    return report(
        [
            Figure("B4", "import of every slice, compiled", spent, None, "ms"),
            Figure("B4", "beside the same without bytecode", ratio(compiled_ms, plain_ms), 0.67),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
