"""Accounts through the front door: register, verify, sign in, refresh, profile, roles."""

from collections.abc import Iterator

import pytest
import time_machine

from chalicelib.aws.tables import core_table
from chalicelib.users import keys
from tests.cloud import cloud
from tests.front_door import (
    PASSWORD,
    FrontDoor,
    events_of,
    mailed_token,
    member,
    register,
    sign_in,
    staff_member,
    user_id_of,
    verified,
)

AMINA = "amina@souk.example"


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    """A fresh AWS for each test."""
    with cloud():
        yield


def login(email: str, password: str = PASSWORD) -> tuple[int, str | None]:
    """Status and code of a login."""
    reply = FrontDoor().post("/users/login", {"email": email, "password": password})
    return reply.status, reply.code


@pytest.mark.covers(1)
def test_registration_waits_for_verification() -> None:
    """Before the mailed token comes back, the right password meets email_unverified."""
    reply = register("Amina@Souk.example")
    assert (reply.status, reply.body) == (202, {"status": "verification_sent"})
    assert login(AMINA) == (403, "email_unverified")
    assert login(AMINA, "a perfectly wrong phrase") == (401, "invalid_credentials")
    token = mailed_token(AMINA, "UserRegistered")
    assert len(token) == 43
    assert FrontDoor().post("/users/verify-email", {"token": token}).status == 204
    assert FrontDoor().post("/users/verify-email", {"token": token}).status == 410
    assert login(AMINA) == (200, None)
    assert [event["type"] for event in events_of(user_id_of(AMINA))] == [
        "UserRegistered",
        "EmailVerified",
    ]


def test_registration_of_a_known_address_tells_only_its_owner() -> None:
    """The reply is the same; an unverified owner gets another link, a verified one a notice."""
    assert register(AMINA).body == register(AMINA, name="Mallory").body
    again = mailed_token(AMINA, "EmailVerificationRequested")
    assert FrontDoor().post("/users/verify-email", {"token": again}).status == 204
    first = mailed_token(AMINA, "UserRegistered")
    assert FrontDoor().post("/users/verify-email", {"token": first}).status == 204
    assert register(AMINA, name="Mallory").status == 202
    assert events_of(user_id_of(AMINA))[-1]["type"] == "RegistrationRepeated"
    assert sign_in(AMINA).door.get("/users/me").body["name"] == "Amina"


def test_verification_token_expires_after_a_day() -> None:
    """A day and a second later the token is unknown."""
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        register(AMINA)
        clock.shift(86_401)
        token = mailed_token(AMINA, "UserRegistered")
        assert FrontDoor().post("/users/verify-email", {"token": token}).code == "token_expired"


def test_resend_mails_whoever_waits_and_answers_everybody_alike() -> None:
    """Unknown, waiting and verified addresses get one reply; only the waiting one a link."""
    register(AMINA)
    verified("bruno@souk.example")
    replies = [
        FrontDoor().post("/users/verify-email/resend", {"email": email}).body
        for email in (AMINA, "bruno@souk.example", "nobody@souk.example")
    ]
    assert replies == [{"status": "verification_sent"}] * 3
    assert events_of(user_id_of(AMINA))[-1]["type"] == "EmailVerificationRequested"
    assert events_of(user_id_of("bruno@souk.example"))[-1]["type"] == "EmailVerified"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("email", "not an address", "string_pattern_mismatch"),
        ("password", "short", "string_too_short"),
        ("password", "passwordpassword", "password_common"),
        ("password", 15, "string_type"),
        ("name", "", "string_too_short"),
        ("locale", "xx-XX", "literal_error"),
        ("role", "admin", "unknown_field"),
    ],
)
def test_registration_refuses_what_is_not_allowed(field: str, value: object, code: str) -> None:
    """Each wrong field is named with its code; a role cannot be slipped in."""
    asked = {"email": AMINA, "password": PASSWORD, "name": "Amina"} | {field: value}
    reply = FrontDoor().post("/users/register", asked)
    assert (reply.status, reply.code) == (422, "validation_failed")
    assert [(one["path"], one["code"]) for one in reply.body["error"]["fields"]] == [(field, code)]


@pytest.mark.parametrize(
    ("password", "codes"),
    [
        ("kT9 vw2 lmq8 z", ["string_too_short"]),
        ("kT9 vw2 lmq8 zr", []),
        ("x" * 128, []),
        ("x" * 129, ["string_too_long"]),
    ],
)
def test_passwords_have_15_to_128_characters(password: str, codes: list[str]) -> None:
    """Both bounds are inside."""
    asked = {"email": AMINA, "password": password, "name": "Amina"}
    reply = FrontDoor().post("/users/register", asked)
    assert reply.status == (422 if codes else 202)
    assert [one["code"] for one in reply.body.get("error", {}).get("fields", [])] == codes


def test_login_gives_tokens_and_user() -> None:
    """Every declared field is there, and nothing that should stay inside."""
    verified(AMINA)
    login_ = {"email": AMINA.upper(), "password": PASSWORD, "device": "Firefox"}
    reply = FrontDoor().post("/users/login", login_)
    assert reply.status == 200
    assert set(reply.body) == {"status", "tokens", "user"}
    tokens = reply.body["tokens"]
    assert set(tokens) == {
        "access_token", "token_type", "expires_in", "refresh_token", "session_id",
    }  # fmt: skip
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    assert set(reply.body["user"]) == {
        "id", "email", "name", "phone", "locale", "role", "status", "mfa_enabled",
        "created_at", "updated_at", "version",
    }  # fmt: skip
    assert reply.body["user"]["email"] == AMINA
    me = FrontDoor(tokens["access_token"]).get("/users/me")
    assert (me.status, me.body) == (200, reply.body["user"])


@pytest.mark.covers(2)
def test_refresh_rotates_and_its_latest_answer_repeats_for_ten_seconds() -> None:
    """The token just used gets the same successor; after ten seconds it ends the session."""
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        amina = member()
        first = {"refresh_token": amina.refresh_token}
        second = FrontDoor().post("/users/token/refresh", first).body
        clock.shift(10)
        again = FrontDoor().post("/users/token/refresh", first).body
        assert again["refresh_token"] == second["refresh_token"] != amina.refresh_token
        assert FrontDoor(second["access_token"]).get("/users/me").status == 200
        clock.shift(1)
        reused = FrontDoor().post("/users/token/refresh", first)
        assert (reused.status, reused.code) == (401, "refresh_invalid")
        last = {"refresh_token": second["refresh_token"]}
        latest = FrontDoor().post("/users/token/refresh", last)
        assert latest.code == "refresh_invalid"
        assert FrontDoor(second["access_token"]).get("/users/me").status == 401
        ended = events_of(amina.id)[-1]
        assert ended["type"] == "SessionsRevoked"
        assert ended["data"]["reason"] == "refresh_reuse"
        assert ended["data"]["session_ids"] == [amina.session_id]


def test_logout_ends_one_session_and_logout_all_every_one() -> None:
    """The other session lives on after a logout, and ends with logout-all."""
    one = member()
    other, third = sign_in(AMINA), sign_in(AMINA)
    assert one.door.post("/users/logout").status == 204
    assert one.door.get("/users/me").status == 401
    assert other.door.get("/users/me").status == 200
    assert other.door.post("/users/logout-all", {}).status == 204
    assert third.door.get("/users/me").status == 401
    used = FrontDoor().post("/users/token/refresh", {"refresh_token": third.refresh_token})
    assert used.code == "refresh_invalid"
    events = [event["data"] for event in events_of(one.id) if event["type"] == "SessionsRevoked"]
    assert [(event["session_ids"], event["reason"]) for event in events] == [
        ([one.session_id], "logout"),
        ([], "logout_all"),
    ]


def test_profile_changes_make_one_event_and_none_if_nothing_changed() -> None:
    """Absent fields stay, a null phone is cleared, an empty patch is no change."""
    amina = member()
    changed = amina.door.patch("/users/me", {"phone": "+4930123456", "locale": "de-DE"})
    assert (changed.body["phone"], changed.body["locale"]) == ("+4930123456", "de-DE")
    assert events_of(amina.id)[-1]["data"]["changed"] == ["locale", "phone"]
    cleared = amina.door.patch("/users/me", {"phone": None})
    assert (cleared.body["phone"], cleared.body["version"]) == (None, changed.body["version"] + 1)
    same = amina.door.patch("/users/me", {})
    assert same.body == cleared.body
    assert amina.door.patch("/users/me", {"name": None}).status == 422
    assert amina.door.patch("/users/me", {"role": "admin"}).status == 422


@pytest.mark.covers(3)
def test_foreign_profiles_are_not_there_except_for_administrators() -> None:
    """Foreign and unknown ids answer 404 alike; scope `users` sees the user."""
    amina, bruno, admin = member(), member("bruno@souk.example"), staff_member("admin")
    support = staff_member("support")
    assert amina.door.get(f"/users/{amina.id}").status == 200
    foreign = amina.door.get(f"/users/{bruno.id}")
    unknown = amina.door.get("/users/usr_00000000000000000000000000")
    assert (foreign.status, foreign.code) == (unknown.status, unknown.code) == (404, "not_found")
    assert support.door.get(f"/users/{bruno.id}").status == 404
    assert admin.door.get(f"/users/{bruno.id}").body["email"] == "bruno@souk.example"
    assert amina.door.get("/users/usr_short").status == 404


def test_an_administrator_appoints_disables_and_enables() -> None:
    """Each change ends the sessions; the own account is 409; customers are 403."""
    admin, bruno = staff_member("admin"), member("bruno@souk.example")
    assert bruno.door.post(f"/admin/users/{bruno.id}/role", {"role": "admin"}).status == 403
    appointed = admin.door.post(f"/admin/users/{bruno.id}/role", {"role": "warehouse"})
    assert appointed.body["role"] == "warehouse"
    assert bruno.door.get("/users/me").status == 401
    listed = admin.door.get("/admin/users?role=warehouse").body
    assert [user["id"] for user in listed["items"]] == [bruno.id]
    assert listed["next"] is None
    found = admin.door.get("/admin/users?email=Bruno%40souk.example").body["items"]
    assert [user["id"] for user in found] == [bruno.id]
    assert admin.door.get("/admin/users").status == 422
    assert admin.door.post(f"/admin/users/{bruno.id}/disable").body["status"] == "DISABLED"
    assert login("bruno@souk.example") == (403, "account_disabled")
    assert admin.door.post(f"/admin/users/{bruno.id}/disable").code == "invalid_state"
    assert admin.door.post(f"/admin/users/{bruno.id}/enable").body["status"] == "ACTIVE"
    assert login("bruno@souk.example") == (200, None)
    assert admin.door.post(f"/admin/users/{admin.id}/disable").status == 409
    row = core_table().get(keys.profile_key(bruno.id)) or {}
    assert (row["gsi1pk"], row["version"]) == ("ROLE#warehouse", 5)


def test_five_wrong_passwords_close_the_door_from_that_address_only() -> None:
    """The sixth try from there is 429 even if right; another address still gets in."""
    verified(AMINA)
    for _ in range(5):
        assert login(AMINA, "a perfectly wrong phrase") == (401, "invalid_credentials")
    reply = FrontDoor().post("/users/login", {"email": AMINA, "password": PASSWORD})
    assert (reply.status, reply.code) == (429, "rate_limited")
    assert 1 <= int(reply.headers["Retry-After"]) <= 900
    assert login("nobody@souk.example") == (401, "invalid_credentials")
