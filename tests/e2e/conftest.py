"""One running shop for the whole tier: the production template on the embedded AWS."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.instance import Instance
from local.seed import seed_if_empty
from local.shop import Shop
from local.stack import Stack, client


@dataclass(frozen=True, slots=True)
class RunningShop:
    """What a test needs to know: the content of stack.json, and clients with all rights."""

    info: dict[str, Any]
    home: Path
    client: Callable[[str], Any]

    @property
    def anonymous(self) -> Shop:
        """The public API as somebody who is not signed in."""
        return Shop(self.info["api_url"])

    def signed_in(self, role: str) -> Shop:
        """The public API as one of the demo logins."""
        login = self.info["logins"][role]
        return self.anonymous.sign_in(login["email"], login["password"])


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """A shop with demo data on a free port, gone afterwards.

    With SOUK_E2E_STACK=<path to stack.json> the tests use a shop that already runs, which spares
    a developer the start; it is left as the tests leave it.
    """
    if running := os.environ.get("SOUK_E2E_STACK"):
        info = json.loads(Path(running).read_text())
        yield RunningShop(
            info, Path(running).parent, lambda service: client(info["aws_endpoint"], service)
        )
        return
    home = tmp_path_factory.mktemp("souk")
    with Stack(Instance(home, _free_port()), persist=False) as stack:
        seed_if_empty(stack)
        stack.announce()
        yield RunningShop(stack.info, home, stack.client)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
