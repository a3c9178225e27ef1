"""A warm process that runs `chalice package`: importing the libraries once saves a second a reload.

Run as `python -m local.packager`: each line on standard input names a staging folder, each line on
standard output tells how the command ended. Every run happens in a fork that has imported nothing
of the app, so it sees the files as they are; afterwards the libraries it needed are imported here.
"""

import importlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import yaml
from chalice.cli import main as chalice

# PyYAML's parser in C reads and writes the template ten times as fast as the one in Python, which
# takes a second of every reload; Chalice asks for both classes by these names.
if hasattr(yaml, "CSafeLoader"):
    yaml.SafeLoader = yaml.CSafeLoader  # type: ignore[misc, assignment]
    yaml.SafeDumper = yaml.CSafeDumper  # type: ignore[misc, assignment]

OWN = ("app", "chalicelib", "local", "__main__")


def serve() -> None:
    """Answer requests until standard input closes."""
    for line in sys.stdin:
        request = json.loads(line)
        output, libraries = Path(request["log"]), Path(request["log"] + ".libraries")
        for left_over in (output, libraries):
            left_over.unlink(missing_ok=True)
        child = os.fork()
        if not child:
            _run(request["arguments"], Path(request["folder"]), output, libraries)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        reply = {"code": code, "output": output.read_text(errors="replace")}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
        _import_libraries(libraries)


def _run(arguments: list[str], folder: Path, output: Path, libraries: Path) -> None:
    """In the fork: run the command in its folder; never returns."""
    code: object = 1
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT, 0o644)
        os.dup2(descriptor, sys.stdout.fileno())
        os.dup2(descriptor, sys.stderr.fileno())
        os.chdir(folder)
        # The app must come from the staging folder, which Chalice puts first itself.
        here = str(Path(__file__).resolve().parent.parent)
        sys.path[:] = [path for path in sys.path if path not in ("", here)]
        sys.argv = ["chalice", *arguments]
        try:
            code = chalice()
        except SystemExit as end:
            code = end.code
        names = [name for name in sys.modules if name.split(".")[0] not in OWN]
        libraries.write_text("\n".join(names))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _import_libraries(written: Path) -> None:
    with suppress(OSError):
        for name in written.read_text().splitlines():
            if name not in sys.modules:
                # Some modules exist only where they were made; the next run imports them again.
                with suppress(Exception):
                    importlib.import_module(name)


if __name__ == "__main__":
    serve()
