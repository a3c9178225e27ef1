"""Packaging: what is copied, what equal code means, what a developer reads on an error."""

import zipfile
from pathlib import Path

import pytest

from local.failures import PackagingFailed
from local.package import (
    content_hash,
    copy_sources,
    packaging_environment,
    readable,
    require_known_functions,
)


def test_only_sources_are_staged_and_no_requirements(tmp_path: Path) -> None:
    """Bytecode, build results and libraries stay out of the zip."""
    source = tmp_path / "source"
    (source / "chalicelib" / "__pycache__").mkdir(parents=True)
    (source / "chalicelib" / "money.py").write_text("")
    (source / "chalicelib" / "__pycache__" / "money.cpython-311.pyc").write_text("")
    (source / ".chalice" / "deployments").mkdir(parents=True)
    (source / ".chalice" / "config.json").write_text("{}")
    (source / "app.py").write_text("")
    (source / "requirements.txt").write_text("pydantic\n")
    copy_sources(source, tmp_path / "staging")
    staged = {
        str(path.relative_to(tmp_path / "staging"))
        for path in (tmp_path / "staging").rglob("*")
        if path.is_file()
    }
    assert staged == {".chalice/config.json", "app.py", "chalicelib/money.py", "requirements.txt"}
    assert (tmp_path / "staging" / "requirements.txt").read_text() == ""


def _archive(path: Path, contents: dict[str, str], year: int) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in contents.items():
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), text)
    return path


def test_equal_code_has_an_equal_hash_whatever_its_dates(tmp_path: Path) -> None:
    """A start without changes deploys nothing."""
    first = _archive(tmp_path / "1.zip", {"app.py": "a", "b.py": "b"}, 2024)
    again = _archive(tmp_path / "2.zip", {"b.py": "b", "app.py": "a"}, 2025)
    other = _archive(tmp_path / "3.zip", {"app.py": "A", "b.py": "b"}, 2024)
    assert content_hash(first) == content_hash(again)
    assert content_hash(first) != content_hash(other)


def test_an_error_in_the_app_starts_at_its_first_own_line() -> None:
    """Chalice's frames are left out, staging paths read as project paths."""
    errors = (
        "Traceback (most recent call last):\n"
        '  File "/venv/chalice/cli/__init__.py", line 1, in main\n    cli()\n'
        '  File "/staging/app/app.py", line 3, in <module>\n    import chalicelib.orders\n'
        "ModuleNotFoundError: No module named 'chalicelib.orders'\n"
    )
    assert readable(errors, Path("/staging/app")).splitlines() == [
        '  File "app.py", line 3, in <module>',
        "    import chalicelib.orders",
        "ModuleNotFoundError: No module named 'chalicelib.orders'",
    ]


def test_an_error_outside_the_app_is_shown_without_frames() -> None:
    """A broken template fails inside the parser, whose frames help nobody."""
    errors = (
        "Traceback (most recent call last):\n"
        '  File "/venv/yaml/parser.py", line 483, in parse\n    raise ParserError()\n'
        'yaml.parser.ParserError: while parsing\n  in "<string>", line 1, column 13\n'
    )
    assert readable(errors, Path("/staging/app")).splitlines() == [
        "yaml.parser.ParserError: while parsing",
        '  in "<string>", line 1, column 13',
    ]


def test_a_template_that_speaks_of_a_missing_function_is_refused() -> None:
    """An override for a function that the app lacks would deploy nonsense."""
    template = {"Resources": {"OrderStok": {"Properties": {}}, "Core": {"Type": "AWS::X"}}}
    with pytest.raises(PackagingFailed, match="OrderStok"):
        require_known_functions(template)


def test_the_developers_keys_cannot_change_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packaging reads files, not the developer's account or settings."""
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("SOUK_STAGE", "prod")
    environment = packaging_environment()
    assert "AWS_PROFILE" not in environment
    assert "SOUK_STAGE" not in environment
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"
