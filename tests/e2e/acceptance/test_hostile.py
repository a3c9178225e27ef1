"""Whatever somebody sends, no route answers 5xx, and every refusal is in the envelope."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from local.shop import Answer, Shop
from tests.e2e.acceptance.conftest import ADDRESS, Raw
from tests.e2e.acceptance.shapes import ERROR, INVALID, fits
from tests.e2e.conftest import RunningShop

NOBODY = "0" * 26
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**63,
    10**30,
    10**400,
    1.5,
    -0.0,
    1e308,
    "",
    " ",
    "\x00",
    "\x7f",
    "\x85",
    "a\r\nSet-Cookie: b=c",
    "\u202e\u2066",
    "\ufeff",
    "\ufffe",
    "\U0010ffff",
    "x" * 10000,
    "🏺" * 300,
    "../../etc/passwd",
    "${jndi:ldap://x}",
    "#name = :value",
    [],
    [[]],
    [None],
    {},
    {"": ""},
    {"S": "x"},
    {"__proto__": {"a": 1}},
]
RAW_VALUES = [
    b"9" * 5000,
    b"-" + b"9" * 5000,
    b"1e400",
    b"1E-400",
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
]
PLACES = {
    "{user_id}": f"usr_{NOBODY}",
    "{session_id}": f"ses_{NOBODY}",
    "{address_id}": f"adr_{NOBODY}",
    "{device_id}": f"dev_{NOBODY}",
    "{notification_id}": f"ntf_{NOBODY}",
    "{product_id}": f"prd_{NOBODY}",
    "{variant_id}": f"var_{NOBODY}",
    "{category_id}": "no-such-shelf",
    "{order_id}": f"ord_{NOBODY}",
    "{media_id}": f"med_{NOBODY}",
    "{conversation_id}": f"cnv_{NOBODY}",
    "{ticket_id}": f"tkt_{NOBODY}",
    "{dead_letter_id}": f"ded_{NOBODY}",
    "{replay_id}": f"rpl_{NOBODY}",
    "{slug}": "no-such-slug",
    "{number}": "SK-00000000",
    "{name}": "order-fulfilment",
    "{execution}": "none",
    "{provider}": "sandbox",
    "{day}": "2026-01-01",
}
# One body that would be taken, for each route whose fields are tried one by one.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/users/register"): {"email": "a@souk.example", "password": "x" * 14, "name": "A"},
    ("POST", "/users/login"): {"email": "a@souk.example", "password": "x", "device": ""},
    ("POST", "/users/login/mfa"): {"challenge": "x" * 43, "code": "000000", "device": ""},
    ("POST", "/users/token/refresh"): {"refresh_token": "x"},
    ("POST", "/users/verify-email"): {"token": "x" * 43},
    ("POST", "/users/verify-email/resend"): {"email": "nobody@souk.example"},
    ("POST", "/users/password/forgot"): {"email": "nobody@souk.example"},
    ("POST", "/users/password/reset"): {"token": "x" * 43, "password": "long-Enough-2026-x"},
    ("POST", "/users/password/change"): {"current_password": "x", "new_password": "x" * 14},
    ("PATCH", "/users/me"): {"name": "A", "phone": None, "locale": "xx"},
    ("POST", "/users/me/addresses"): {**ADDRESS, "country": "xx", "label": "L", "is_default": True},
    ("PUT", "/users/me/preferences"): {"order_updates": {}, "marketing_email": False},
    ("POST", "/users/me/devices"): {"platform": "x", "token": "x" * 8},
    ("POST", "/users/me/mfa/totp"): {"password": "x"},
    ("POST", "/users/me/mfa/totp/confirm"): {"code": "000000"},
    ("POST", "/users/me/mfa/totp/disable"): {"password": "x", "code": "000000"},
    ("POST", "/users/me/mfa/step-up"): {"code": "000000"},
    ("POST", "/admin/products"): {
        "title": "T",
        "slug": "hostile",
        "description": "",
        "category": "no-such-shelf",
        "attributes": {},
        "variants": [{"sku": "QA-H", "title": "V", "price": 1, "initial_stock": 0}],
    },
    ("POST", "/admin/categories"): {"title": "T", "id": "tea", "description": "", "position": 1},
    ("POST", "/admin/stock/{variant_id}/adjust"): {
        "delta": 1,
        "reason": "count",
        "expected_on_hand": 1,
        "note": "n",
    },
    ("POST", "/orders"): {
        "lines": [{"variant_id": f"var_{NOBODY}", "quantity": 1}],
        "shipping_address": ADDRESS,
        "payment_token": "tok_approve",
        "expected_total": 1,
    },
    ("POST", "/admin/orders/{order_id}/review"): {"decision": "approve", "note": "n"},
    ("POST", "/admin/orders/{order_id}/ship"): {"carrier": "c", "tracking_number": "t"},
    ("POST", "/admin/orders/{order_id}/refunds"): {"amount": 1, "reason": "other", "note": "n"},
    ("POST", "/media/uploads"): {
        "purpose": "x",
        "filename": "f",
        "content_type": "image/png",
        "size": 1,
        "alt": "",
    },
    ("POST", "/media/{media_id}/attach"): {"product_id": f"prd_{NOBODY}", "alt": "", "position": 0},
    ("POST", "/ops/events/replay"): {"from": "x", "to": "y", "types": [], "dry_run": True},
    ("POST", "/admin/users/{user_id}/role"): {"role": "support"},
    ("PATCH", "/admin/products/{product_id}"): {"title": "T", "attributes": {"a": "b"}},
    ("PATCH", "/admin/products/{product_id}/variants/{variant_id}"): {"options": {}, "price": 1},
    ("PATCH", "/admin/categories/{category_id}"): {"position": 1, "hidden": False},
    ("POST", "/chat/conversations"): {
        "subject": "s",
        "text": "t",
        "order_id": f"ord_{NOBODY}",
        "client_id": "c" * 8,
    },
    ("POST", "/chat/conversations/{conversation_id}/messages"): {
        "text": "t",
        "media_id": f"med_{NOBODY}",
        "client_id": "c" * 8,
    },
    ("POST", "/contact"): {
        "name": "n",
        "email": "a@souk.example",
        "subject": "s",
        "message": "m",
        "order_number": "x",
        "website": "spam",
    },
    ("POST", "/admin/tickets/{ticket_id}/reply"): {"text": "t"},
}


def placed(path: str) -> str:
    """The path with ids that nobody has."""
    for name, value in PLACES.items():
        path = path.replace(name, value)
    assert "{" not in path, path
    return path


def harmless(answer: Answer, what: object) -> None:
    """No fault of ours, and the envelope where it is refused."""
    assert answer.status < 500, (what, answer.status, answer.text[:300])
    if answer.status >= 400 and isinstance(answer.body, dict) and "error" in answer.body:
        invalid = answer.body["error"]["code"] == "validation_failed"
        fits(answer.body, INVALID if invalid else ERROR)


@pytest.fixture(scope="module")
def attacker(shop: RunningShop, raw: Raw) -> Raw:
    """Somebody with every right, so that bodies are looked at."""
    return Raw(raw.api_url, shop.signed_in("admin").token)


def spoilt(body: dict[str, Any]) -> Iterator[bytes]:
    """The body with one field replaced by a third of the values, deeper ones too.

    The thirds take turns: together the fields of a body meet every value.
    """
    written = [json.dumps(value).encode() for value in VALUES] + RAW_VALUES
    for turn, (name, value) in enumerate(body.items()):
        marked = json.dumps(body | {name: "@"}).encode()
        yield from (marked.replace(b'"@"', hostile, 1) for hostile in written[turn % 3 :: 3])
        inside = value[0] if isinstance(value, list) and value else value
        if not isinstance(inside, dict):
            continue
        for deeper, inner in enumerate(inside):
            changed = inside | {inner: "@"}
            put = [changed] if isinstance(value, list) else changed
            marked = json.dumps(body | {name: put}).encode()
            yield from (marked.replace(b'"@"', hostile, 1) for hostile in written[deeper % 5 :: 5])


@pytest.mark.parametrize("route", BODIES, ids=" ".join)
def test_fields(attacker: Raw, route: tuple[str, str]) -> None:
    """Every field, every value."""
    method, path = route
    for number, payload in enumerate(spoilt(BODIES[route])):
        headers = {"Idempotency-Key": uuid.uuid4().hex, "If-Match": '"1"'}
        answer = attacker.send(method, placed(path), payload, headers)
        harmless(answer, (route, number, payload[:200]))
        assert answer.status != 401 or path.startswith("/users/"), (route, payload[:200])


WHOLE = [
    b"",
    b"null",
    b"[]",
    b"[1]",
    b'"x"',
    b"0",
    b"{",
    b"\x00",
    b"\xff\xfe\x00",
    b'{"a":1,"a":2}',
    b'\xef\xbb\xbf{"a":1}',
    b"[" * 20000,
    b'{"' + b"a" * 60000 + b'":1}',
    b"{" + b",".join(b'"k%d":0' % n for n in range(6000)) + b"}",
]
SAFE_WITHOUT_BODY = re.compile("logout|read-all|mfa|recovery|replay")


def test_whole_bodies(attacker: Raw, anybody: Shop) -> None:
    """Every route that writes, with what is no request at all."""
    for path, methods in anybody.get("/openapi.json")["paths"].items():
        for method in methods:
            if method in {"get", "parameters"}:
                continue
            for payload in WHOLE[SAFE_WITHOUT_BODY.search(path) is not None :: 2]:
                headers = {"Idempotency-Key": uuid.uuid4().hex, "If-Match": '"1"'}
                answer = attacker.send(method.upper(), placed(path), payload, headers)
                harmless(answer, (method, path, payload[:60]))


QUERIES = [
    "a=1",
    "limit",
    "limit=5&limit=6",
    "cursor=%00",
    "cursor=%FF%FE",
    "%00=1",
    "=",
    "&&&",
    "limit=%F0%9F%8F%BA",
    "cursor=" + "x" * 4000,
    "limit[]=1",
    "a=" + "x" * 6000,
    "from=%0d%0aX:1&status=%0a",
]


def test_queries(attacker: Raw, anybody: Shop) -> None:
    """Every route that reads, with odd parameters."""
    for path, methods in anybody.get("/openapi.json")["paths"].items():
        if "get" not in methods:
            continue
        for query in QUERIES:
            harmless(attacker.send("GET", f"{placed(path)}?{query}"), (path, query[:60]))


IDS = [
    "x",
    "%00",
    "%0a",
    "%20",
    "%2e%2e",
    "%2F",
    "%ff%fe",
    "%F0%9F%8F%BA",
    "ord_" + "0" * 25 + "%0a",
    "ORD_" + NOBODY,
    "ord_" + "z" * 26,
    "ord_" + "0" * 27,
    "a" * 3000,
    "%7Bproxy+%7D",
    "null",
    "%E2%80%AE",
    "SK-00000000%00",
    "2026-02-30",
    "9999-12-31",
    "0000-00-00",
]


def test_path_ids(attacker: Raw, anybody: Shop) -> None:
    """Every route with an id, with what is none: 404, or the gateway's own refusal."""
    for path, methods in anybody.get("/openapi.json")["paths"].items():
        if "{" not in path or "get" not in methods:
            continue
        for odd in IDS:
            named = placed(re.sub(r"\{[a-z_]+\}", odd, path, count=1))
            answer = attacker.send("GET", named)
            harmless(answer, named)
            assert answer.status in {200, 400, 403, 404, 405, 422}, (named, answer.status)


def test_headers(attacker: Raw, raw: Raw) -> None:
    """Odd headers, long ones, and none that matter."""
    body = b'{"email":"a@souk.example","password":"x"}'
    odd: list[dict[str, str]] = [
        {"Authorization": "Bearer " + "x" * 7000},
        {"Authorization": "Bearer \xe9\xff"},
        {"Authorization": "bearer " + (attacker.token or "")},
        {"Authorization": f"Bearer  {attacker.token}"},
        {"X-Correlation-Id": "x" * 6000},
        {"X-Correlation-Id": "\xe9" * 10},
        {"X-Forwarded-For": "not an address, 1.2.3.4"},
        {"X-Forwarded-For": ",".join(["10.0.0.1"] * 300)},
        {"User-Agent": "\xff" * 300},
        {"If-None-Match": '"' + "x" * 5000},
        {"If-None-Match": "*"},
        {"If-None-Match": ",,,,"},
        {"Accept": "image/png"},
        {"Accept": ""},
        {"Accept-Encoding": "br;q=9"},
        {"Content-Encoding": "gzip"},
        {"Cookie": "a" * 4000},
        {"Origin": "null"},
        {"Origin": "\xff"},
        {"Host-Override": "x"},
    ]
    for headers in odd:
        for sender, method, path, payload in (
            (raw, "GET", "/products?limit=1", None),
            (raw, "POST", "/users/login", body),
            (attacker, "GET", "/users/me", None),
        ):
            harmless(sender.send(method, path, payload, headers), headers)
    for media_type in (
        "",
        ";",
        "application/json;charset=latin-1",
        "\xff",
        "a/b/c",
        "application/",
    ):
        answer = raw.send("POST", "/users/login", body, {"Content-Type": media_type})
        harmless(answer, media_type)


def test_methods(raw: Raw, anybody: Shop) -> None:
    """Every path, every method: never a fault, and HEAD and OPTIONS tell nothing."""
    for path in anybody.get("/openapi.json")["paths"]:
        for method in ("HEAD", "OPTIONS", "TRACE", "PROPFIND", "GET", "PUT", "DELETE"):
            answer = raw.send(method, placed(path))
            assert answer.status < 500, (method, path, answer.status, answer.text[:200])
