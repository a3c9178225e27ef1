"""What every tier shares: no sockets below e2e, no real AWS account, tiers marked by folder."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings

# A busy machine is not a bug; each tier has its own time limits.
settings.register_profile("souk", deadline=None)
settings.load_profile("souk")

TESTS = Path(__file__).parent
TIERS_WITH_SOCKETS = {"e2e"}
# An inherited profile or endpoint would let a test reach somebody's account.
FOREIGN_AWS = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_DATA_PATH",
    "AWS_CA_BUNDLE",
)
OWN_AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
}


class SocketUsed(BaseException):
    """A test below e2e tried to leave its process; a BaseException so that no retry hides it."""


DEFAULT_SEED = 4127


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a drawn sample be drawn again, or anew."""
    parser.addoption("--seed", type=int, default=DEFAULT_SEED, help="seed of draws and samples")


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """The seed of this run."""
    return int(pytestconfig.getoption("--seed"))


@pytest.fixture(scope="session")
def is_nightly() -> bool:
    """Whether everything is run, not only a sample."""
    return os.environ.get("SOUK_DEPTH", "test") == "nightly"


def _tier(path: Path) -> str:
    """Name the folder right below tests/ that `path` is in."""
    return path.relative_to(TESTS).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the costly tiers by their folder, so that nobody has to remember it."""
    for item in items:
        tier = _tier(item.path)
        if tier in {"e2e", "faults"}:
            item.add_marker(getattr(pytest.mark, tier))
        if tier == "e2e":
            item.add_marker(pytest.mark.timeout(600))


def _may_use_sockets(item: pytest.Item) -> bool:
    return _tier(item.path) in TIERS_WITH_SOCKETS or item.get_closest_marker("network") is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Close the network around set-up, call and tear-down of every test that must not use it."""
    if _may_use_sockets(item):
        return (yield)
    real = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex", "bind")}

    def guard(name: str) -> Any:
        def refuse(self: socket.socket, address: object, /) -> object:
            if self.family == socket.AF_UNIX:
                return real[name](self, address)
            # The caller's own clean-up expects an OSError; close for it.
            self.close()
            return _refuse(name, address)

        return refuse

    for name in real:
        setattr(socket.socket, name, guard(name))
    try:
        return (yield)
    finally:
        for name, method in real.items():
            setattr(socket.socket, name, method)


def _refuse(name: str, address: object) -> NoReturn:
    raise SocketUsed(f"{name} {address}: sockets are for the e2e tier")


@pytest.fixture(autouse=True, scope="session")
def _no_foreign_aws() -> Iterator[None]:
    """Point the SDK at nobody for the whole run."""
    with pytest.MonkeyPatch.context() as patch:
        for name in FOREIGN_AWS:
            patch.delenv(name, raising=False)
        for name, value in OWN_AWS.items():
            patch.setenv(name, value)
        yield
