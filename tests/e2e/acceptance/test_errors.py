"""Sections 1.2, 1.5 and 1.6: one envelope, exact codes, headers on every reply."""

import json
import re
import uuid
from typing import Any

import pytest

from local.shop import Answer, Shop
from tests.e2e.acceptance.conftest import Raw, basket
from tests.e2e.acceptance.shapes import ERROR, INVALID, fits

CORRELATION = re.compile(r"[A-Za-z0-9_-]{8,64}")
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'",
}


def refused(answer: Answer, status: int, code: str) -> None:
    """The envelope with this code, nothing else, and its request id in the header."""
    assert (answer.status, answer.text[:300]) == (status, answer.text[:300])
    fits(answer.body, INVALID if code == "validation_failed" else ERROR)
    assert answer.body["error"]["code"] == code
    assert answer.headers["x-request-id"] == answer.body["error"]["request_id"]
    headed(answer)


def headed(answer: Answer) -> None:
    """What every reply has."""
    for name, value in SECURITY.items():
        assert answer.headers.get(name) == value, name
    assert "max-age=" in answer.headers["strict-transport-security"]
    assert answer.headers["x-request-id"]


def paths_of(answer: Answer) -> dict[str, str]:
    """Field path to code."""
    return {entry["path"]: entry["code"] for entry in answer.body["error"]["fields"]}


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"",
        b"not json",
        b'{"email": NaN}',
        b'{"email": Infinity}',
        b'{"email": -Infinity}',
        b'{"email": "a" "b"}',
        b'\xff\xfe{"email": 1}',
        b'{"email": "\\ud800"}',
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b"[" * 30000,
    ],
)
def test_malformed_bodies(raw: Raw, payload: bytes) -> None:
    """What is no JSON, or too deep, is 400 `malformed_json`."""
    refused(raw.send("POST", "/users/login", payload), 400, "malformed_json")


def test_nesting_of_32_is_read(raw: Raw) -> None:
    """Thirty-two levels are well-formed: the fields are what is wrong."""
    deep = b'{"a":' * 31 + b"[]" + b"}" * 31
    refused(raw.send("POST", "/users/login", deep), 422, "validation_failed")


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data"],
)
def test_other_media_types(raw: Raw, media_type: str) -> None:
    """JSON only: 415."""
    answer = raw.send("POST", "/users/login", b"{}", {"Content-Type": media_type})
    refused(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_by_its_other_names(raw: Raw, media_type: str) -> None:
    """Parameters and case do not matter."""
    answer = raw.send("POST", "/users/login", b"{}", {"Content-Type": media_type})
    refused(answer, 422, "validation_failed")


@pytest.mark.parametrize(("size", "status"), [(64 * 1024, 401), (64 * 1024 + 1, 413)])
def test_body_limit_is_64_kib(raw: Raw, size: int, status: int) -> None:
    """One byte more than 64 KiB is 413."""
    body = json.dumps({"email": f"{uuid.uuid4().hex}@souk.example", "password": "x"}).encode()
    answer = raw.send("POST", "/users/login", body + b" " * (size - len(body)))
    refused(answer, status, "payload_too_large" if status == 413 else "invalid_credentials")


def test_body_limit_on_other_routes(raw: Raw, nora: Shop) -> None:
    """Signed-in routes, and routes without fields, have the same limit."""
    mine = Raw(raw.api_url, nora.token)
    big = b" " * (64 * 1024 + 1)
    key = {"Idempotency-Key": uuid.uuid4().hex}
    refused(mine.send("POST", "/orders", big, key), 413, "payload_too_large")
    refused(mine.send("POST", "/users/logout-all", big), 413, "payload_too_large")


@pytest.mark.parametrize(
    ("method", "path", "payload"),
    [
        ("POST", "/users/login", b'{"email":1,"password":"x"}'),
        ("POST", "/users/login", b'{"email":null,"password":"x"}'),
        ("POST", "/users/login", b'{"email":"a@souk.example","password":"x","x":1}'),
        ("POST", "/users/login", b'{"email":"a@souk.example","password":"x","device":null}'),
        ("POST", "/users/login", b"[]"),
        ("POST", "/users/login", b"null"),
        ("POST", "/users/login", b'"text"'),
        ("POST", "/users/login", b"12"),
        ("POST", "/users/login", b'{"email":"a@souk.example","password":""}'),
        ("POST", "/users/login", b'{"email":"a@souk.example","password":"' + b"x" * 129 + b'"}'),
        ("GET", "/products?limit=0", None),
        ("GET", "/products?limit=101", None),
        ("GET", "/products?limit=ten", None),
        ("GET", "/products?limit=1.5", None),
        ("GET", "/products?limit=", None),
        ("GET", "/products?nothing=1", None),
        ("GET", "/products?category=UPPER", None),
        ("GET", "/hello?name=", None),
        ("GET", "/hello?name=" + "x" * 81, None),
        ("GET", "/categories?limit=3", None),
        ("GET", "/sandbox/mailbox", None),
    ],
)
def test_values_that_are_not_allowed(
    raw: Raw, method: str, path: str, payload: bytes | None
) -> None:
    """Well-formed, but a type, value or field is not allowed: 422 with the fields."""
    answer = raw.send(method, path, payload)
    refused(answer, 422, "validation_failed")
    if method == "GET":
        assert all(entry.startswith("query.") for entry in paths_of(answer))


def test_field_paths(raw: Raw, nora: Shop) -> None:
    """Fields are named by their path, lists by the index."""
    mine = Raw(raw.api_url, nora.token)
    order: dict[str, Any] = basket("var_" + "0" * 26, 100)
    order["shipping_address"]["country"] = "gb"
    body = json.dumps(order | {"tip": 1}).encode()
    answer = mine.send("POST", "/orders", body, {"Idempotency-Key": uuid.uuid4().hex})
    order["shipping_address"]["country"] = "GB"
    refused(answer, 422, "validation_failed")
    found = paths_of(answer)
    assert set(found) == {"lines.0.quantity", "shipping_address.country", "tip"}
    assert found["lines.0.quantity"] == "less_than_equal"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer x",
        "Bearer a.b.c",
        "Basic YTpi",
        "Bearer " + "x" * 6000,
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "bearer \x7f",
    ],
)
def test_no_token_is_401(raw: Raw, authorization: str | None) -> None:
    """Missing or malformed: 401 `unauthenticated`, on reads and writes."""
    headers = {} if authorization is None else {"Authorization": authorization}
    for method, path in (("GET", "/users/me"), ("POST", "/users/logout"), ("GET", "/ops/queues")):
        answer = raw.send(method, path, None, headers)
        assert answer.status == 401, answer.text
        if answer.body and "error" in answer.body:
            assert answer.body["error"]["code"] == "unauthenticated"


def test_token_altered(raw: Raw, nora: Shop) -> None:
    """A token with another signature is nobody's."""
    assert nora.token
    head, claims, seal = nora.token.split(".")
    other = ("A" if seal[0] != "A" else "B") + seal[1:]
    for token in (f"{head}.{claims}.{other}", f"{head}.{claims}.", f"{head}.{claims}"):
        answer = Raw(raw.api_url, token).send("GET", "/users/me")
        assert answer.status == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/products"),
        ("GET", "/admin/orders?status=PAID"),
        ("GET", "/admin/users?role=admin"),
        ("GET", "/ops/queues"),
        ("GET", "/admin/stock/var_00000000000000000000000000"),
        ("POST", "/admin/categories"),
    ],
)
def test_scope_missing_is_403(nora: Shop, method: str, path: str) -> None:
    """A customer is refused before the body is looked at."""
    refused(nora.call(method, path, {} if method == "POST" else None), 403, "forbidden")


def test_roles_have_their_scopes_only(support: Shop, warehouse: Shop, merchant: Shop) -> None:
    """Section 1.6: what each role may not."""
    assert support.call("GET", "/admin/orders?status=PAID").status == 200
    assert warehouse.call("GET", "/admin/orders?status=PAID").status == 200
    refused(support.call("GET", "/admin/products"), 403, "forbidden")
    refused(warehouse.call("GET", "/admin/products"), 403, "forbidden")
    refused(merchant.call("GET", "/ops/queues"), 403, "forbidden")
    refused(merchant.call("GET", "/admin/users?role=admin"), 403, "forbidden")


@pytest.mark.parametrize(
    "path",
    [
        "/orders/ord_123",
        "/orders/ord_0000000000000000000000000I",
        "/orders/usr_00000000000000000000000000",
        "/orders/ord_00000000000000000000000000",
        "/orders/%00",
        "/orders/ord_00000000000000000000000000/timeline",
        "/users/usr_00000000000000000000000000",
        "/users/nobody",
    ],
)
def test_unknown_objects_are_404(nora: Shop, path: str) -> None:
    """Malformed and unknown ids are not found."""
    refused(nora.call("GET", path), 404, "not_found")


def test_unknown_paths_and_methods(raw: Raw) -> None:
    """Made by the gateway: the status is guaranteed."""
    for method, path in (
        ("GET", "/nowhere"),
        ("POST", "/products"),
        ("DELETE", "/users/login"),
        ("GET", "/users/login"),
        ("PATCH", "/health"),
        ("GET", "/products/a/b/c"),
    ):
        assert raw.send(method, path).status in {403, 404, 405}, (method, path)


def test_correlation_id(anybody: Shop) -> None:
    """A fitting one comes back; another is replaced."""
    for given in ("abcdefgh", "A_-9" * 16):
        answer = anybody.call("GET", "/health", headers={"X-Correlation-Id": given})
        assert answer.headers["x-correlation-id"] == given
    for given in ("short", "x" * 65, "with space here", "semi;colon;here", "abcdefg\xe9"):
        answer = anybody.call("GET", "/health", headers={"X-Correlation-Id": given})
        assert answer.headers["x-correlation-id"] != given
        assert CORRELATION.fullmatch(answer.headers["x-correlation-id"])


def test_headers_of_replies(anybody: Shop, nora: Shop) -> None:
    """Security headers everywhere; `no-store` on all but the public catalogue."""
    for caller, path in ((anybody, "/health"), (anybody, "/hello"), (nora, "/users/me")):
        answer = caller.call("GET", path)
        headed(answer)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"].startswith("application/json")
    for path in ("/products", "/categories", "/products/by-slug/tagine-blue"):
        answer = anybody.call("GET", path)
        headed(answer)
        assert answer.headers["cache-control"] == "public, max-age=30"


def test_cors_answers_only_allowed_origins(anybody: Shop) -> None:
    """A stranger's page is not allowed to read."""
    answer = anybody.call("GET", "/health", headers={"Origin": "https://evil.example"})
    allowed = answer.headers.get("access-control-allow-origin")
    assert allowed not in {"*", "https://evil.example"}
