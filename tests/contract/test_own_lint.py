"""The own lint of the design: nothing is evaluated, unpickled, guessed or swallowed, nobody called.

Most of it is ruff's work; here stands that ruff is asked, that nobody passes it by, and who may
speak to the outside.
"""

import re
import tomllib

import pytest

from tests.contract.test_tidy import ROOT, imported_modules, is_about, named, sources

# They forbid exec, silent except (two), pickle, eval, weak random, unsafe YAML, blind except.
FORBIDDING = {"S102", "S110", "S112", "S301", "S307", "S311", "S506", "BLE001"}
HTTP_CLIENTS = {
    "aiohttp", "ftplib", "http.client", "httpx", "requests", "smtplib", "socket", "telnetlib",
    "urllib.request", "urllib3", "websockets", "xmlrpc",
}  # fmt: skip
# Who speaks to the outside beside the SDK, and with whom.
ADAPTERS = {"chalicelib/live/posting.py": "the management address of open sockets, signed by hand"}
UNSAFE_MODULES = {"dill", "marshal", "pickle", "shelve", "yaml"}
# Chance that is no secret: how long to wait, whom to ask first.
WEAK_CHANCE = {
    "chalicelib/aws/table.py": "the pause before a contended write is tried again",
    "chalicelib/chat/service.py": "the same",
}
_NOQA = re.compile(r"#\s*noqa:\s*([A-Z0-9, ]+)")


def test_ruff_is_asked_for_all_of_it() -> None:
    """No rule that forbids a dangerous thing is switched off for code that is shipped."""
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert lint["select"] == ["ALL"]
    assert set(lint["ignore"]) & FORBIDDING == set()
    shipped = [rules for place, rules in lint["per-file-ignores"].items() if "chalicelib" in place]
    assert shipped == []


def test_nobody_passes_ruff_by() -> None:
    """In shipped code only the listed uses of chance carry an exception to those rules."""
    passing = {
        named(path)
        for path in sources("chalicelib")
        for said in _NOQA.findall(path.read_text())
        if FORBIDDING & {rule.strip() for rule in said.split(",")}
    }
    assert passing <= set(WEAK_CHANCE)


@pytest.mark.parametrize(
    ("modules", "allowed"),
    [(HTTP_CLIENTS, ADAPTERS), (UNSAFE_MODULES, {}), ({"random"}, WEAK_CHANCE)],
    ids=["http clients", "unsafe readers", "weak chance"],
)
def test_only_listed_files_import(modules: set[str], allowed: dict[str, str]) -> None:
    """Each file that may is listed with its reason, and each that is listed does."""
    importing = {
        named(path)
        for path in sources("chalicelib")
        for module in imported_modules(path)
        if any(is_about(module, one) for one in modules)
    }
    assert importing == set(allowed)
