"""A real Chromium without a window, driven over its own protocol."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from websockets.sync.client import ClientConnection, connect

from local.shop import wait_for

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Sandboxed frames stay in the page's process, where the protocol sees their content.
OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=IsolateSandboxedIframes",
    "--remote-debugging-port=0",
    "--window-size=1280,900",
    "about:blank",
)
WITHIN_S: Final = 30.0


def chromium() -> str | None:
    """Where Chromium is installed, if it is."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Tab:
    """One page of the browser."""

    def __init__(self, socket: ClientConnection, identity: str) -> None:
        self._socket = socket
        self.identity = identity
        self._numbers = itertools.count(1)

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol; its result."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            told = json.loads(self._socket.recv(timeout=WITHIN_S))
            if told.get("id") == number:
                assert "error" not in told, told
                result: dict[str, Any] = told["result"]
                return result

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page (Any: JSON)."""
        found = self.command("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str) -> Any:
        """The value once it is true."""
        return wait_for(lambda: self.ask(expression) or None, expression, within_s=WITHIN_S)

    def press(self, text: str) -> None:
        """Press the first button of the page whose words contain `text`."""
        wanted = json.dumps(text)
        found = (
            f"[...document.querySelectorAll('button')].find(b => b.innerText.includes({wanted}))"
        )
        self.until(f"Boolean({found})")
        self.ask(f"{found}.click()")

    def frame(self) -> dict[str, Any]:
        """The document inside the page's frame."""

        def found() -> dict[str, Any] | None:
            root = self.command("DOM.getDocument", depth=-1, pierce=True)["root"]
            documents = [
                node["contentDocument"] for node in _all(root) if "contentDocument" in node
            ]
            return documents[0] if documents and list(_all(documents[0]))[2:] else None

        return wait_for(found, "the frame", within_s=WITHIN_S)

    def in_frame(self, name: str) -> list[dict[str, Any]]:
        """The elements of that name inside the frame."""
        return [node for node in _all(self.frame()) if node["nodeName"] == name.upper()]

    def click(self, node: dict[str, Any]) -> None:
        """Click in the middle of an element with the mouse."""
        self.command("DOM.scrollIntoViewIfNeeded", nodeId=node["nodeId"])
        quad = self.command("DOM.getContentQuads", nodeId=node["nodeId"])["quads"][0]
        place = {"x": sum(quad[0::2]) / 4, "y": sum(quad[1::2]) / 4}
        for kind in ("mousePressed", "mouseReleased"):
            self.command(
                "Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place
            )


def _all(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("children", []):
        yield from _all(child)


class Browser:
    """All pages of one running Chromium."""

    def __init__(self, port: int) -> None:
        self._endpoint = f"http://127.0.0.1:{port}/json"

    def urls(self) -> list[str]:
        """Where its pages are."""
        return [page["url"] for page in self._pages()]

    @contextmanager
    def opened(self, url: str) -> Iterator[Tab]:
        """A new page at an address, closed afterwards."""
        request = urllib.request.Request(f"{self._endpoint}/new?{url}", method="PUT")  # noqa: S310
        with urllib.request.urlopen(request, timeout=WITHIN_S) as reply:  # noqa: S310
            page = json.load(reply)
        with self._attached(page) as tab:
            yield tab

    @contextmanager
    def opened_by(self, opener: Tab) -> Iterator[Tab]:
        """The page that a click in another one has opened, closed afterwards."""

        def found() -> dict[str, Any] | None:
            others = [page for page in self._pages() if page["id"] != opener.identity]
            return next((page for page in others if page["url"] != "about:blank"), None)

        with self._attached(wait_for(found, "a new page", within_s=WITHIN_S)) as tab:
            yield tab

    @contextmanager
    def _attached(self, page: dict[str, Any]) -> Iterator[Tab]:
        with connect(page["webSocketDebuggerUrl"], max_size=None) as socket:
            tab = Tab(socket, page["id"])
            yield tab
            tab.command("Page.close")

    def _pages(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(self._endpoint, timeout=WITHIN_S) as reply:  # noqa: S310
            return [page for page in json.load(reply) if page["type"] == "page"]


@contextmanager
def browser(command: str, profile: Path) -> Iterator[Browser]:
    """Start Chromium with a fresh profile, and end it."""
    process = subprocess.Popen(
        [command, *OPTIONS[:-1], f"--user-data-dir={profile}", OPTIONS[-1]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        told = profile / "DevToolsActivePort"

        def port() -> int | None:
            lines = told.read_text().splitlines() if told.exists() else []
            return int(lines[0]) if lines else None

        yield Browser(wait_for(port, "Chromium", within_s=WITHIN_S))
    finally:
        process.terminate()
        process.wait(10)
