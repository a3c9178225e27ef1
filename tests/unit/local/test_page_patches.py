"""P7: where the links of mails lead on this machine."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from local import page_patches
from local.worker_patches import UnknownEngine


def answer(method: str, path: str) -> tuple[int, str]:
    """Status and Location of one request; 299 if it went on to the engine."""
    told: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    async def serve(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})

    engine = SimpleNamespace(app=serve)
    page_patches.install(engine)
    asyncio.run(engine.app({"type": "http", "method": method, "path": path}, None, send))
    return told[0]["status"], dict(told[0]["headers"]).get(b"location", b"").decode()


@pytest.mark.parametrize("page", ["verify-email", "reset-password", f"orders/ord_{'0' * 26}"])
def test_links_of_mails_lead_to_the_mailbox_page(page: str) -> None:
    """Each page of a mail's link is played by the mailbox page."""
    assert answer("GET", f"/{page}") == (302, f"/souk-local-mail/index.html?page={page}")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/verify-email"),
        ("GET", "/verify-email/"),
        ("GET", "/orders"),
        ("GET", "/orders/ord_1"),
        ("GET", f"/v1/orders/ord_{'0' * 26}"),
        ("GET", "/"),
    ],
)
def test_everything_else_is_the_engines(method: str, path: str) -> None:
    """No call to AWS and no route of the API is taken away."""
    assert answer(method, path) == (299, "")


def test_another_engine_is_refused() -> None:
    """A server without such an application is not patched blindly."""
    with pytest.raises(UnknownEngine):
        page_patches.install(SimpleNamespace())
