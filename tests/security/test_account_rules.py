"""Rules of the checklist about accounts, tokens and logs that no other test states."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from chalicelib.aws import observability
from chalicelib.aws.secrets import KeyRing, SecretInvalid
from chalicelib.notifications.events import notify_email
from tests.cloud import cloud
from tests.front_door import (
    PASSWORD,
    FrontDoor,
    Member,
    events_of,
    mailed_token,
    member,
    register,
    sign_in,
    user_id_of,
    verified,
)
from tests.integration.notifications.shop import an_event, delivered
from tests.second_factor import with_mfa

EMAIL = "amina@souk.example"
COMMON = "passwordpassword"
LINE = re.compile(r"[A-Za-z0-9_-]{43}")


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with cloud():
        yield


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged from now on."""
    stream, root = io.StringIO(), logging.getLogger()
    kept, level = root.handlers[:], root.level
    root.handlers[:] = []
    observability.configure_logging(stream)
    root.setLevel(logging.INFO)
    yield stream
    root.handlers[:], root.level = kept, level


def login(email: str, password: str) -> int:
    """How a login ends."""
    return FrontDoor().post("/users/login", {"email": email, "password": password}).status


@pytest.mark.parametrize(
    ("password", "others"),
    [
        ("  ends are part of it ", ("ends are part of it", "  ends are part of it")),
        ("cr\u00e8me of ten words", ("cre\u0300me of ten words", "creme of ten words")),
        ("kT9 vw2 lmq8 zr " * 8, (("kT9 vw2 lmq8 zr " * 8)[:127], ("kT9 vw2 lmq8 zr " * 8)[:72])),
    ],
)
def test_passwords_are_neither_trimmed_nor_cut_nor_normalised(
    password: str, others: tuple[str, ...]
) -> None:
    """Every character of all 128 counts, and only the very one that was sent."""
    verified(EMAIL, password)
    assert login(EMAIL, password) == 200
    assert [login(EMAIL, other) for other in others] == [401] * len(others)


def test_common_passwords_are_refused_at_every_door() -> None:
    """Sign-up, change and reset name the field; a refused reset leaves its token good."""

    def refused(answer: Any) -> list[tuple[str, str]]:
        assert answer.status == 422
        return [(one["path"], one["code"]) for one in answer.body["error"]["fields"]]

    assert refused(register("bruno@souk.example", COMMON)) == [("password", "password_common")]
    amina = member(EMAIL)
    change = {"current_password": PASSWORD, "new_password": COMMON}
    named = refused(amina.door.post("/users/password/change", change))
    assert named == [("new_password", "password_common")]
    FrontDoor().post("/users/password/forgot", {"email": EMAIL})
    asked = {"token": mailed_token(EMAIL, "PasswordResetRequested"), "password": COMMON}
    assert refused(FrontDoor().post("/users/password/reset", asked)) == [
        ("password", "password_common")
    ]
    asked["password"] = "quite another fine phrase"
    assert FrontDoor().post("/users/password/reset", asked).status == 204


@pytest.mark.parametrize(
    ("kind", "facts", "template"),
    [
        ("PasswordChanged", {"method": "reset"}, "password_changed"),
        ("MfaChanged", {"enabled": False}, "mfa_changed"),
    ],
)
def test_owners_are_mailed_when_a_credential_changes(
    kind: str, facts: dict[str, Any], template: str
) -> None:
    """Whoever changed it, and whatever the owner wishes to be told otherwise."""
    verified(EMAIL)
    event = an_event(kind, user_id=user_id_of(EMAIL), **facts)
    assert notify_email(delivered(event), None) == {"batchItemFailures": []}
    entries = FrontDoor().get(f"/sandbox/mailbox?to={EMAIL}").body["items"]
    assert [one["template"] for one in entries] == [template]


def test_mailed_tokens_are_long_and_unlike_each_other() -> None:
    """43 base64url characters are 256 bits; ids of events and users are no part of them."""
    tokens = set()
    for number in range(20):
        email = f"m{number}@souk.example"
        register(email)
        tokens.add(mailed_token(email, "UserRegistered"))
    assert len(tokens) == 20
    assert all(LINE.fullmatch(token) for token in tokens)
    assert len({token[:8] for token in tokens}) == 20


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/users/me?access_token={}", {}),
        ("/users/me?token={}", {}),
        ("/users/me", {"Cookie": "access_token={}"}),
        ("/users/me", {"X-Access-Token": "{}"}),
    ],
)
def test_tokens_count_in_their_header_alone(path: str, headers: dict[str, str]) -> None:
    """Neither an address, nor a cookie, nor another header signs anybody in."""
    token = str(member(EMAIL).door.token)
    sent = {name: value.format(token) for name, value in headers.items()}
    assert FrontDoor().call("GET", path.format(token), None, sent).status == 401


def test_other_methods_are_refused() -> None:
    """What a route does not declare is no way in."""
    door = member(EMAIL).door
    for method, path in (
        ("GET", "/users/login"),
        ("DELETE", "/users/me"),
        ("PUT", "/users/me"),
        ("POST", "/users/me/preferences"),
    ):
        answer = door.call(method, path)
        assert (answer.status, answer.code) == (405, "method_not_allowed"), path


def test_what_happens_to_credentials_is_recorded() -> None:
    """The owner reads it, with its author and time."""
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        amina, _, _ = with_mfa(member(EMAIL), clock)
        before = amina.refresh_token
        first = amina.door.post("/users/token/refresh", {"refresh_token": before}).body
        clock.shift(11)
        amina.door.post("/users/token/refresh", {"refresh_token": before})
    kinds = [row["type"] for row in events_of(amina.id)]
    assert kinds == ["UserRegistered", "EmailVerified", "MfaChanged", "SessionsRevoked"]
    assert events_of(amina.id)[-1]["data"]["reason"] == "refresh_reuse"
    assert first["session_id"] in events_of(amina.id)[-1]["data"]["session_ids"]


def test_lines_of_a_request_are_found_by_its_ids(lines: io.StringIO) -> None:
    """A refusal is logged with its status, and under the ids that the reply names."""
    asked = {"email": EMAIL, "password": "a perfectly wrong phrase"}
    sent = {"X-Correlation-Id": "from-the-browser-1"}
    answer = FrontDoor().call("POST", "/users/login", asked, sent)
    (line,) = [json.loads(written) for written in lines.getvalue().splitlines()]
    assert answer.status == line["status"] == 401
    assert answer.headers["X-Correlation-Id"] == line["correlation_id"] == "from-the-browser-1"
    assert answer.headers["X-Request-Id"] == answer.body["error"]["request_id"]
    assert line["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "written",
    [
        "",
        "[]",
        '"k1"',
        "a secret of former times",
        "{}",
        '{"current":"k1"}',
        '{"current":"k2","k1":"' + "x" * 64 + '"}',
        '{"current":"k1","k1":"' + "x" * 31 + '"}',
        '{"current":"k1","k1":"' + "x" * 64 + '","k2":"short"}',
        '{"current":"k1","k1":7}',
    ],
)
def test_secrets_that_are_missing_or_short_are_refused(written: str) -> None:
    """Nothing is made with a weak key; the function fails instead."""
    with pytest.raises(SecretInvalid):
        KeyRing.parse(written)


def test_a_repeated_code_counts_as_a_failed_try() -> None:
    """Whoever repeats a code is stopped like whoever guesses."""
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        amina, _, codes = with_mfa(member(EMAIL), clock)
        answers = [_proved(amina, codes[0]) for _ in range(6)]
    assert answers == [204, 403, 403, 403, 403, 403]
    assert _proved(amina, codes[1]) in {401, 429}


def _proved(amina: Member, code: str) -> int:
    return amina.door.post("/users/me/mfa/step-up", {"code": code}).status


def test_a_second_login_is_a_second_session() -> None:
    """No login takes up what was there before."""
    first, second = member(EMAIL), sign_in(EMAIL)
    assert first.session_id != second.session_id
    assert first.refresh_token != second.refresh_token
