"""The zip that Lambda runs: bytecode put in, made reproducible, and checked before it leaves.

Lambda's code folder is read-only, so code without bytecode is compiled on every cold start.
"""

import importlib.util
import py_compile
import re
import stat
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# Zip files know no earlier moment; the same content always gives the same bytes.
EPOCH: Final = (1980, 1, 1, 0, 0, 0)
ZIPPED_BYTES_MAX: Final = 50 * 1024**2
UNZIPPED_BYTES_MAX: Final = 250 * 1024**2
# Lambda's python3.11 runs on Amazon Linux 2.
GLIBC_MAX: Final = (2, 26)
GLIBC_SYMBOL: Final = re.compile(rb"GLIBC_(\d+)\.(\d+)")
# Lambda brings boto3; tests and tools stay at home.
FOREIGN: Final = ("boto3/", "botocore/", "tests/", "local/", "infra/", "tools/", "bench/", ".env")
OURS: Final = ("app.py", "chalicelib/")
SECRETS: Final = re.compile(rb"AKIA[0-9A-Z]{16}|-----BEGIN (?:RSA |EC )?PRIVATE KEY-----\n[A-Za-z]")
PICTURE_CODECS: Final = ("PIL/_webp.", "PIL/_avif.")


def finish_code(path: Path) -> None:
    """Compile every module of the zip at `path` and write it again, sorted and undated."""
    with zipfile.ZipFile(path) as archive:
        files = {
            name: archive.read(name) for name in archive.namelist() if not _is_bytecode_or_dir(name)
        }
    files |= dict(_compiled(files))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])


def _is_bytecode_or_dir(name: str) -> bool:
    return name.endswith(("/", ".pyc"))


def _compiled(files: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch) / "module.py", Path(scratch) / "module.pyc"
        for name, content in files.items():
            if not name.endswith(".py"):
                continue
            source.write_bytes(content)
            try:
                # Checked by nobody: the zip never changes after this, and times are not kept.
                py_compile.compile(
                    str(source),
                    str(target),
                    dfile=f"/var/task/{name}",
                    doraise=True,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )
            except py_compile.PyCompileError:
                # Libraries carry templates and code for other versions that are never imported.
                continue
            yield importlib.util.cache_from_source(name), target.read_bytes()


def faults_of(path: Path, runtime: str) -> list[str]:
    """Everything that forbids shipping the zip at `path` to `runtime`; empty if nothing does."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        faults = [
            *_faults_of_size(path.stat().st_size, sum(entry.file_size for entry in entries)),
            *_faults_of_names(names),
        ]
        for name in names:
            faults += _faults_of_file(name, archive.read(name))
    running = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if runtime != running:
        faults.append(f"packaged by {running} for {runtime}")
    return faults


def _faults_of_size(zipped: int, unzipped: int) -> Iterator[str]:
    if zipped > ZIPPED_BYTES_MAX:
        yield f"{zipped} bytes zipped, at most {ZIPPED_BYTES_MAX}"
    if unzipped > UNZIPPED_BYTES_MAX:
        yield f"{unzipped} bytes unzipped, at most {UNZIPPED_BYTES_MAX}"


def _faults_of_names(names: list[str]) -> Iterator[str]:
    packed = set(names)
    for name in names:
        if name.startswith(FOREIGN):
            yield f"{name} has no place in the zip"
        if _is_ours(name) and importlib.util.cache_from_source(name) not in packed:
            yield f"{name} has no bytecode"
    if any(name.startswith("PIL/") for name in names):
        yield from _faults_of_pillow(names)


def _is_ours(name: str) -> bool:
    return name.startswith(OURS) and name.endswith(".py")


def _faults_of_pillow(names: list[str]) -> Iterator[str]:
    for codec in PICTURE_CODECS:
        if not any(name.startswith(codec) for name in names):
            yield f"{codec}* is missing: Pillow was not installed from its wheel"
    if not any(name.lower().startswith("pillow.libs/") for name in names):
        yield "pillow.libs/ is missing: Pillow was compiled on this machine"


def _faults_of_file(name: str, content: bytes) -> Iterator[str]:
    # Wheels from the index are tagged manylinux; a bare linux tag is a local build.
    if name.endswith(".dist-info/WHEEL") and b"-linux_x86_64" in content:
        yield f"{name}: built on this machine"
    if ".so" in name:
        newest = max(
            ((int(m[1]), int(m[2])) for m in GLIBC_SYMBOL.finditer(content)), default=(0, 0)
        )
        if newest > GLIBC_MAX:
            yield f"{name} needs glibc {newest[0]}.{newest[1]}"
    # Libraries carry base64 that looks like anything; what they ship was pinned by hash.
    if name.startswith(OURS) and SECRETS.search(content):
        yield f"{name} holds what looks like a secret"
