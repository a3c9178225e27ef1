"""What Lambda ships is pinned with hashes, and this environment is what the pins say."""

import re
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[0-9][A-Za-z0-9.]*)( \\)?$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def pins(file: str) -> dict[str, str]:
    """Read the pinned versions of a requirements file."""
    matches = map(PIN.match, (ROOT / file).read_text().splitlines())
    return {match["name"]: match["version"] for match in matches if match}


def wanted(file: str) -> set[str]:
    """Read the names that a requirements source asks for."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / file).read_text().splitlines())
    return {re.split(r"[<>=~!;\[ ]", line)[0].lower() for line in lines if line}


def test_every_shipped_line_is_an_exact_pin_or_its_hash() -> None:
    """Nothing else stands in the file: no range, no option, no registry host."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not PIN.match(line) and not HASH.match(line)] == []


def test_every_shipped_pin_has_hashes() -> None:
    """Pip refuses a file that was exchanged behind the same version."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    bare = [
        line
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if PIN.match(line) and not HASH.match(following)
    ]
    assert bare == []


def test_every_development_line_is_an_exact_pin() -> None:
    """A fresh clone installs what everybody has."""
    lines = (ROOT / "requirements-dev.txt").read_text().splitlines()
    assert [line for line in lines if not PIN.match(line)] == []


@pytest.mark.parametrize("file", ["requirements", "requirements-dev"])
def test_pins_follow_their_source(file: str) -> None:
    """What is asked for is pinned; `make requirements` writes the pins again."""
    assert wanted(f"{file}.in") <= set(pins(f"{file}.txt"))


def test_both_files_agree() -> None:
    """A library is developed with in the version that ships."""
    shipped, development = pins("requirements.txt"), pins("requirements-dev.txt")
    shared = shipped.keys() & development.keys()
    assert {name: shipped[name] for name in shared} == {name: development[name] for name in shared}


def test_lambda_brings_the_sdk_and_chalice_vendors_itself() -> None:
    """Neither is shipped twice."""
    assert {"boto3", "botocore", "chalice"} & pins("requirements.txt").keys() == set()


def test_pictures_have_a_wheel_for_the_runtime() -> None:
    """Pillow 12.3 would be compiled on the developer's machine and shipped with its libraries."""
    assert tuple(map(int, pins("requirements.txt")["pillow"].split("."))) < (12, 3)


def test_this_environment_is_the_pinned_one() -> None:
    """Tests run on the versions that ship."""
    shipped = pins("requirements.txt")
    assert {name: version(name) for name in shipped} == shipped


def test_no_shipped_library_was_compiled_here() -> None:
    """A wheel tagged plain linux was built on this machine and may not run on Lambda."""
    home_made = [
        name
        for name in pins("requirements.txt")
        if "-linux_" in (distribution(name).read_text("WHEEL") or "")
    ]
    assert home_made == []
