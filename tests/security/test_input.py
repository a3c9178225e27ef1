"""Bad input at the edge: named, refused, and harmless."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

import app as shop
from chalicelib.aws import observability
from tests.cloud import bare_client, cloud
from tests.front_door import PASSWORD, FrontDoor, member

EMAIL = "amina@souk.example"


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with cloud():
        yield


def login(body: bytes, media_type: str = "application/json") -> tuple[int, str | None]:
    """Status and code of a login with these very bytes."""
    answer = FrontDoor().call("POST", "/users/login", body, {"Content-Type": media_type})
    return answer.status, answer.code


@pytest.mark.parametrize(
    "body",
    [b"{", b"[1,", b'{"email":NaN}', b'{"email":Infinity}', b"\xff\xfe", b"\xef\xbb\xbf{}", b"'a'",
     b'{"a":1}x', b"nul", b'{"a":"\\ud800"}', b"{'a':1}", b'{"a":1,}', b"[" * 40 + b"]" * 40],
)  # fmt: skip
def test_malformed_json_is_named(body: bytes) -> None:
    """What is not JSON is 400, whatever it is instead."""
    assert login(body) == (400, "malformed_json")


@pytest.mark.parametrize("body", [b"1", b"null", b"[]", b'"text"', b"{}", b'{"email":1e400}'])
def test_well_formed_nonsense_is_unprocessable(body: bytes) -> None:
    """JSON of another shape is 422."""
    assert login(body) == (422, "validation_failed")


def test_large_and_deep_bodies_are_refused() -> None:
    """Above 64 KiB 413, above 32 levels 400."""
    assert login(b'{"email":"' + b"a" * 66_000 + b'"}') == (413, "payload_too_large")
    assert login(b'{"email":' + b"[" * 33 + b"]" * 33 + b"}") == (400, "malformed_json")


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "multipart/form-data", "x"]
)
def test_other_media_types_are_refused(media_type: str) -> None:
    """Only JSON is read."""
    assert login(b"{}", media_type)[0] == 415


def test_repeated_and_unknown_parameters_are_refused() -> None:
    """A parameter is given once, and is one that the route knows."""
    door = member().door
    twice = door.get("/users/me/activity?limit=1&limit=2")
    assert [one["code"] for one in twice.body["error"]["fields"]] == ["repeated"]
    unknown = door.get("/users/me/activity?admin=true")
    assert [one["path"] for one in unknown.body["error"]["fields"]] == ["query.admin"]


def test_query_syntax_is_only_text() -> None:
    """Names full of syntax come back as they were sent, and nothing else changes."""
    door = member().door
    for name in ("' OR '1'='1", "#pk = :pk", "${jndi:x}", "{{7*7}}", "=1+1", "%s%n", "../../x"):
        assert door.patch("/users/me", {"name": name}).body["name"] == name
    assert door.get("/users/me").body["email"] == EMAIL


def test_line_breaks_make_no_second_log_line() -> None:
    """A device name cannot hold them, and a correlation id with them is replaced."""
    stream, root = io.StringIO(), logging.getLogger()
    kept = root.handlers[:]
    root.handlers[:] = []
    observability.configure_logging(stream)
    root.setLevel(logging.INFO)
    forged = '1"}\n{"level":"INFO","message":"forged"}'
    FrontDoor().call("GET", "/health", None, {"X-Correlation-Id": forged})
    asked = {"email": EMAIL, "password": PASSWORD, "device": "a\nb"}
    assert FrontDoor().post("/users/login", asked).status == 422
    root.handlers[:] = kept
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert all(json.loads(line)["message"] == "request" for line in lines)


def test_a_fault_inside_is_told_as_internal() -> None:
    """When the table is gone the reply says nothing about tables."""
    member()
    bare_client("dynamodb").delete_table(TableName="souk-test-core")
    answer = FrontDoor().post("/users/login", {"email": EMAIL, "password": PASSWORD})
    assert (answer.status, answer.code) == (500, "internal")
    assert set(answer.body["error"]) == {"code", "message", "request_id"}
    assert "table" not in json.dumps(answer.body).lower()


def test_replies_name_their_media_type() -> None:
    """JSON is JSON; nothing has no type."""
    assert FrontDoor().get("/health").headers["Content-Type"] == "application/json"
    assert "Content-Type" not in member().door.post("/users/logout").headers


def test_debug_is_off() -> None:
    """A traceback in a reply would be a map of the inside."""
    assert shop.app.debug is False
