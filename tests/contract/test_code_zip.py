"""The zip that Lambda gets: bytecode inside, the same bytes each time, nothing strange in it."""

import sys
import zipfile
from pathlib import Path

import pytest

from infra.code_zip import faults_of, finish_code

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
OURS = {"app.py": "import chalicelib\n", "chalicelib/__init__.py": '"""Ours."""\n'}


def a_zip(folder: Path, files: dict[str, str | bytes]) -> Path:
    """A zip as Chalice leaves it: in any order, dated now, without bytecode."""
    path = folder / "deployment.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_finished_zip_has_bytecode_that_is_taken_as_it_is(tmp_path: Path) -> None:
    """A cold start compiles nothing and looks at no time stamp."""
    path = a_zip(tmp_path, {**OURS})
    finish_code(path)
    with zipfile.ZipFile(path) as archive:
        compiled = archive.read(
            f"chalicelib/__pycache__/__init__.{sys.implementation.cache_tag}.pyc"
        )
    assert int.from_bytes(compiled[4:8], "little") == 0b01
    assert faults_of(path, RUNTIME) == []


def test_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    """A package without changes deploys nothing."""
    (tmp_path / "again").mkdir()
    first = a_zip(tmp_path, {**OURS})
    second = a_zip(tmp_path / "again", dict(reversed(OURS.items())))
    finish_code(first)
    finish_code(second)
    finish_code(second)
    assert first.read_bytes() == second.read_bytes()


def test_files_that_nobody_imports_may_be_uncompilable(tmp_path: Path) -> None:
    """A library's template with the ending of a module does not stop the package."""
    path = a_zip(tmp_path, {**OURS, "somelib/template.py": "class {{ name }}:\n"})
    finish_code(path)
    assert faults_of(path, RUNTIME) == []


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("botocore/__init__.py", "", "no place"),
        ("tests/test_order.py", "", "no place"),
        ("x-1.dist-info/WHEEL", "Tag: cp311-cp311-linux_x86_64", "built on this machine"),
        ("x/native.so", b"\0GLIBC_2.5\0GLIBC_2.34\0", "glibc 2.34"),
        ("chalicelib/keys.py", 'KEY = "AKIA' + "ABCDEFGHIJKLMNOP" + '"', "secret"),
        ("PIL/Image.py", "", "compiled on this machine"),
    ],
)
def test_what_lambda_must_not_get_is_told(
    tmp_path: Path, name: str, content: str | bytes, told: str
) -> None:
    """Each way in which a package was wrong before is found before it is shipped."""
    path = a_zip(tmp_path, {**OURS, name: content})
    finish_code(path)
    assert any(told in fault for fault in faults_of(path, RUNTIME))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x-1.dist-info/WHEEL", "Tag: cp311-cp311-manylinux_2_17_x86_64"),
        ("x/native.so", b"\0GLIBC_2.26\0GLIBC_2.4\0"),
    ],
)
def test_what_lambda_can_run_is_let_through(
    tmp_path: Path, name: str, content: str | bytes
) -> None:
    """Wheels of the index and symbols of the runtime's own libc are no faults."""
    path = a_zip(tmp_path, {**OURS, name: content})
    finish_code(path)
    assert faults_of(path, RUNTIME) == []


def test_zip_of_another_python_is_refused(tmp_path: Path) -> None:
    """Bytecode and native code of one version are useless to another."""
    path = a_zip(tmp_path, {**OURS})
    finish_code(path)
    assert faults_of(path, "python3.99") == [f"packaged by {RUNTIME} for python3.99"]
