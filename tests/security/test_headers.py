"""Security headers, caching and CORS of every kind of reply."""

from collections.abc import Iterator

import pytest

from tests.cloud import cloud
from tests.front_door import FrontDoor, member

SHOP, FOREIGN = "https://shop.example", "https://evil.example"
EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
}
CASES = [
    ("GET", "/health", None, 200),
    ("GET", "/users/me", None, 200),
    ("GET", "/users/me?x=1", None, 422),
    ("GET", "/users/usr_00000000000000000000000000", None, 404),
    ("GET", "/admin/users?role=admin", None, 403),
    ("POST", "/users/login", {"email": "nobody@souk.example", "password": "x"}, 401),
    ("POST", "/users/login", b"{", 400),
    ("POST", "/users/logout", None, 204),
]


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with cloud():
        yield


@pytest.mark.parametrize(("method", "path", "body", "status"), CASES)
@pytest.mark.covers(89)
def test_every_reply_has_the_headers(method: str, path: str, body: object, status: int) -> None:
    """Successes and refusals alike carry them, and private ones are never stored."""
    answer = member().door.call(method, path, body)
    assert answer.status == status
    assert {name: answer.headers.get(name) for name in EXPECTED} == EXPECTED
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-Id"]
    assert answer.headers["X-Correlation-Id"]
    assert "Server" not in answer.headers


@pytest.mark.parametrize(("method", "path", "body", "status"), CASES)
def test_only_the_allowed_origin_is_answered(
    method: str, path: str, body: object, status: int
) -> None:
    """The shop's origin is named, a foreign one gets no header, on refusals too; never `*`."""
    door = member().door
    foreign = door.call(method, path, body, {"Origin": FOREIGN})
    assert "Access-Control-Allow-Origin" not in foreign.headers
    null = FrontDoor().call("GET", "/health", None, {"Origin": "null"})
    assert "Access-Control-Allow-Origin" not in null.headers
    if path != "/users/logout":
        own = door.call(method, path, body, {"Origin": SHOP})
        assert own.status == status
        assert own.headers["Access-Control-Allow-Origin"] == SHOP
        assert own.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in own.headers


@pytest.mark.parametrize(
    "origin", ["https://shop.example.evil.example", "http://shop.example", "https://SHOP.example",
               "https://shop.example:8443", "https://shop.example/", ""],
)  # fmt: skip
def test_lookalike_origins_are_foreign(origin: str) -> None:
    """Only the exact origin counts."""
    answer = FrontDoor().call("GET", "/health", None, {"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers
