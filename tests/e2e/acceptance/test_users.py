"""Section 4.3 over HTTP, with the rows of section 3 behind it."""

import hashlib
import uuid
from typing import Any

import pytest

from local.demo_data import PASSWORD
from local.shop import Shop
from tests.e2e.acceptance.conftest import ADDRESS as WHERE
from tests.e2e.acceptance.conftest import LEFT_OUT, Core, registered
from tests.e2e.acceptance.shapes import (
    ADDRESS,
    DEVICE,
    PREFERENCES,
    SESSION,
    TOKEN_PAIR,
    TS,
    USER,
    fits,
    listed,
)
from tests.e2e.acceptance.test_errors import paths_of, refused


def fresh_email() -> str:
    """An address nobody has."""
    return f"Guest.{uuid.uuid4().hex[:10]}@Souk.Example"


@pytest.mark.covers(5)
def test_registration_and_login(anybody: Shop, core: Core) -> None:
    """Unverified is refused with the right password only; the address is lower-cased."""
    email = fresh_email()
    person = {"email": email, "password": PASSWORD, "name": " Ines \u200f "}
    first = anybody.ask("POST", "/users/register", person, expect=202)
    assert first == {"status": "verification_sent"}
    assert anybody.ask("POST", "/users/register", person, expect=202) == first
    right = {"email": email, "password": PASSWORD}
    refused(anybody.call("POST", "/users/login", right), 403, "email_unverified")
    wrong = {"email": email, "password": "wrong-password-here"}
    refused(anybody.call("POST", "/users/login", wrong), 401, "invalid_credentials")
    stranger = {"email": fresh_email(), "password": PASSWORD}
    refused(anybody.call("POST", "/users/login", stranger), 401, "invalid_credentials")
    token = anybody.mail(email.lower(), "verify_email", within_s=30)["token"]
    assert len(token) == 43
    digest = hashlib.sha256(token.encode()).hexdigest()
    row = core.row(f"OTT#{digest}")
    assert row
    assert (row["purpose"], token in str(row)) == ("verify", False)
    anybody.ask("POST", "/users/verify-email", {"token": token}, expect=204)
    refused(anybody.call("POST", "/users/verify-email", {"token": token}), 410, "token_expired")
    assert core.row(f"OTT#{digest}") is None
    assert anybody.mail(email.lower(), "welcome", within_s=30)["subject"] == "Welcome to Souk"
    signed = anybody.ask("POST", "/users/login", right | {"device": "laptop"})
    fits(signed, {"status": frozenset({"ok"}), "tokens": TOKEN_PAIR, "user": USER})
    user = signed["user"]
    assert (user["email"], user["name"]) == (email.lower(), " Ines \u200f ")
    assert (user["role"], user["locale"], user["phone"]) == ("customer", "en-GB", None)
    rows_of_a_user(core, user, signed["tokens"]["session_id"])


def rows_of_a_user(core: Core, user: dict[str, Any], session_id: str) -> None:
    """Keys of section 3.2; the journal names no address."""
    pk = f"USER#{user['id']}"
    profile = core.row(pk, "PROFILE")
    assert profile
    assert (profile["status"], int(profile["version"])) == ("ACTIVE", user["version"])
    assert profile["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert core.row(pk, "PREFS")
    session = core.row(pk, f"SESS#{session_id}")
    assert session
    assert int(session["generation"]) == 1
    owner = core.row(f"EMAIL#{profile['email_key']}")
    assert owner
    assert user["id"] in owner.values()
    events = core.events(pk)
    assert events[0]["type"] == "UserRegistered"
    assert [row["type"] for row in events][-1] == "EmailVerified"
    assert set(events[0]["data"]) == {"user_id", "kid"}
    assert user["email"] not in str(events)
    assert user["name"] not in str(events)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "no-at"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": "a b@souk.example"}, "email"),
        ({"email": "a@souk..example"}, "email"),
        ({"email": "a@" + "b" * 250 + ".example"}, "email"),
        ({"email": "x" * 65 + "@souk.example"}, "email"),
        ({"email": "<a>@souk.example"}, "email"),
        ({"password": "x" * 14}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"password": "passwordpassword"}, "password"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\x1b[31m"}, "name"),
        ({"locale": "xx-XX"}, "locale"),
        ({"locale": None}, "locale"),
        ({"role": "admin"}, "role"),
    ],
)
def test_registrations_that_are_not_allowed(
    anybody: Shop, change: dict[str, Any], field: str
) -> None:
    """Each is 422 and named."""
    person = {"email": fresh_email(), "password": PASSWORD, "name": "Ines"} | change
    answer = anybody.call("POST", "/users/register", person)
    refused(answer, 422, "validation_failed")
    assert list(paths_of(answer)) == [field]
    if change.get("password") == "passwordpassword":
        assert paths_of(answer) == {"password": "password_common"}


def test_me(anybody: Shop) -> None:
    """A profile is changed in part; null clears the phone only."""
    me = registered(anybody)
    before = me.get("/users/me")
    fits(before, USER)
    changed = me.ask("PATCH", "/users/me", {"phone": "+4915112345678", "locale": "de-DE"})
    assert (changed["phone"], changed["version"]) == ("+4915112345678", before["version"] + 1)
    assert me.ask("PATCH", "/users/me", {"phone": None})["phone"] is None
    for body, field in (
        ({"name": None}, "name"),
        ({"locale": None}, "locale"),
        ({"phone": "123"}, "phone"),
        ({"phone": "+0123456789"}, "phone"),
        ({"email": "x@souk.example"}, "email"),
        ({"role": "admin"}, "role"),
    ):
        answer = me.call("PATCH", "/users/me", body)
        refused(answer, 422, "validation_failed")
        assert list(paths_of(answer)) == [field]
    assert me.get(f"/users/{me.user['id']}") == me.get("/users/me")
    activity = me.get("/users/me/activity")
    actor = frozenset({"customer", "staff", "system"})
    fits(activity, listed({"type": str, "at": TS, "actor": actor}))
    assert activity["items"][-1]["type"] == "UserRegistered"
    assert {"ProfileUpdated", "EmailVerified"} <= {each["type"] for each in activity["items"]}


def test_others_are_not_found(nora: Shop, omar: Shop, admin: Shop) -> None:
    """Foreign profiles are 404; who has the scope may read them."""
    refused(nora.call("GET", f"/users/{omar.user['id']}"), 404, "not_found")
    fits(admin.get(f"/users/{omar.user['id']}"), USER)


def test_refresh(anybody: Shop, core: Core) -> None:
    """Each use moves the session on; an old token revokes it."""
    me = registered(anybody)
    login = {"email": me.user["email"], "password": PASSWORD}
    first = anybody.ask("POST", "/users/login", login)["tokens"]
    token = {"refresh_token": first["refresh_token"]}
    second = anybody.ask("POST", "/users/token/refresh", token)
    fits(second, TOKEN_PAIR)
    assert second["session_id"] == first["session_id"]
    again = anybody.ask("POST", "/users/token/refresh", token)
    assert again["refresh_token"] == second["refresh_token"]
    row = core.row(f"USER#{me.user['id']}", f"SESS#{first['session_id']}")
    assert row
    assert int(row["generation"]) == 2
    third = anybody.ask("POST", "/users/token/refresh", {"refresh_token": second["refresh_token"]})
    refused(anybody.call("POST", "/users/token/refresh", token), 401, "refresh_invalid")
    latest = {"refresh_token": third["refresh_token"]}
    refused(anybody.call("POST", "/users/token/refresh", latest), 401, "refresh_invalid")
    dead = core.row(f"USER#{me.user['id']}", f"SESS#{first['session_id']}")
    assert dead
    assert dead["revoked_at"]
    for bad in ("x", "a.b.c", f"{first['session_id']}.1.x", f"{first['session_id']}.-1.x", "é.1.x"):
        answer = anybody.call("POST", "/users/token/refresh", {"refresh_token": bad})
        refused(answer, 401, "refresh_invalid")


def test_sessions_and_logout(anybody: Shop, omar: Shop) -> None:
    """All live sessions, own ones may be ended; nobody else's."""
    me = registered(anybody)
    other = anybody.sign_in(me.user["email"], PASSWORD)
    sessions = me.get("/users/me/sessions")
    fits(sessions, listed(SESSION))
    assert [one["current"] for one in sessions["items"]].count(True) == 1
    foreign = next(one for one in sessions["items"] if not one["current"])
    path = f"/users/me/sessions/{foreign['id']}"
    refused(omar.call("DELETE", path), 404, "not_found")
    done = me.call("DELETE", path)
    assert (done.status, done.text) == (204, "")
    assert other.call("PATCH", "/users/me", {"name": "X"}).status == 401
    refused(me.call("DELETE", path), 404, "not_found")
    out = me.call("POST", "/users/logout")
    assert (out.status, out.text) == (204, "")
    assert me.call("POST", "/users/logout").status == 401


def test_addresses(nora: Shop, omar: Shop, core: Core) -> None:
    """Sealed at rest, shown as sent, one default, twenty at most."""
    fields = WHERE | {"line2": "c/o \u2067Noor\u2069", "label": "Work", "is_default": True}
    made = nora.call("POST", "/users/me/addresses", fields)
    assert made.status == 201
    fits(made.body, ADDRESS)
    assert made.body == LEFT_OUT | fields | {"id": made.body["id"]}
    row = core.row(f"USER#{nora.user['id']}", f"ADDR#{made.body['id']}")
    assert row
    assert WHERE["line1"] not in str(row)
    assert "Noor" not in str(row)
    path = f"/users/me/addresses/{made.body['id']}"
    refused(omar.call("PUT", path, fields), 404, "not_found")
    refused(omar.call("DELETE", path), 404, "not_found")
    second = nora.ask("POST", "/users/me/addresses", WHERE | {"is_default": True}, expect=201)
    assert second["label"] == "Home"
    defaults = [a["id"] for a in nora.get("/users/me/addresses")["items"] if a["is_default"]]
    assert defaults == [second["id"]]
    put = nora.ask("PUT", path, WHERE)
    assert (put["label"], put["is_default"], put["line2"]) == ("Home", False, None)
    gone = nora.call("DELETE", path)
    assert (gone.status, gone.text) == (204, "")
    refused(nora.call("DELETE", path), 404, "not_found")


def test_preferences(anybody: Shop) -> None:
    """Defaults, then exactly what was put; all fields are required."""
    me = registered(anybody)
    default = {
        "order_updates": {"email": True, "sms": False, "push": False},
        "marketing_email": False,
    }
    read = me.get("/users/me/preferences")
    fits(read, PREFERENCES)
    assert read == default
    wanted = {
        "order_updates": {"email": False, "sms": True, "push": True},
        "marketing_email": True,
    }
    assert me.ask("PUT", "/users/me/preferences", wanted) == wanted
    assert me.get("/users/me/preferences") == wanted
    for body in (
        {},
        {"marketing_email": True},
        wanted | {"marketing_email": 1},
        wanted | {"order_updates": {"email": True}},
        wanted | {"order_updates": None},
        wanted | {"more": True},
    ):
        refused(me.call("PUT", "/users/me/preferences", body), 422, "validation_failed")


def test_devices(anybody: Shop, omar: Shop) -> None:
    """Ten at most; the token is never shown."""
    me = registered(anybody)
    made = me.ask("POST", "/users/me/devices", {"platform": "ios", "token": "t" * 8}, expect=201)
    fits(made, DEVICE)
    fits(me.get("/users/me/devices"), listed(DEVICE))
    for number in range(9):
        body = {"platform": "web", "token": f"token-{number:03d}"}
        me.ask("POST", "/users/me/devices", body, expect=201)
    eleventh = {"platform": "web", "token": "one-too-many"}
    refused(me.call("POST", "/users/me/devices", eleventh), 409, "limit_reached")
    refused(omar.call("DELETE", f"/users/me/devices/{made['id']}"), 404, "not_found")
    assert me.call("DELETE", f"/users/me/devices/{made['id']}").status == 204
    for body in (
        {"platform": "beos", "token": "x" * 8},
        {"platform": "ios", "token": "x" * 7},
        {"platform": "ios", "token": "x" * 513},
    ):
        refused(me.call("POST", "/users/me/devices", body), 422, "validation_failed")


def test_password_is_reset_and_changed(anybody: Shop) -> None:
    """Forgot answers everybody alike; a new password ends the sessions."""
    me = registered(anybody)
    for email in (me.user["email"], fresh_email()):
        sent = anybody.ask("POST", "/users/password/forgot", {"email": email}, expect=202)
        assert sent == {"status": "reset_sent"}
    token = anybody.mail(me.user["email"], "reset_password", within_s=30)["token"]
    new = "a-new-Password-2026"
    weak = {"token": token, "password": "x" * 14}
    refused(anybody.call("POST", "/users/password/reset", weak), 422, "validation_failed")
    body = {"token": token, "password": new}
    anybody.ask("POST", "/users/password/reset", body, expect=204)
    refused(anybody.call("POST", "/users/password/reset", body), 410, "token_expired")
    assert me.call("POST", "/users/logout").status == 401
    old = {"email": me.user["email"], "password": PASSWORD}
    refused(anybody.call("POST", "/users/login", old), 401, "invalid_credentials")
    me = anybody.sign_in(me.user["email"], new)
    change = {"current_password": PASSWORD, "new_password": PASSWORD}
    refused(me.call("POST", "/users/password/change", change), 403, "wrong_password")
    pair = me.ask("POST", "/users/password/change", change | {"current_password": new})
    fits(pair, TOKEN_PAIR)
    assert Shop(me.api_url, pair["access_token"]).get("/users/me")["id"] == me.user["id"]


def test_one_time_tokens_are_checked(anybody: Shop) -> None:
    """Unknown ones are 410, others 422 or 410, never an error of ours."""
    for token in ("x" * 43, "A" * 42 + "_"):
        answer = anybody.call("POST", "/users/verify-email", {"token": token})
        refused(answer, 410, "token_expired")
    odd: list[Any] = ["", "é" * 43, "x" * 5000, 5, None, [], "a\x00b"]
    for token in odd:
        answer = anybody.call("POST", "/users/verify-email", {"token": token})
        assert answer.status in {410, 422}, (token, answer.text)


def test_staff_are_managed(admin: Shop, anybody: Shop, support: Shop) -> None:
    """Role, disable, enable: all sessions end; never one's own account."""
    page = admin.get("/admin/users", role="support")
    fits(page, listed(USER))
    assert support.user["id"] in {user["id"] for user in page["items"]}
    assert admin.get("/admin/users", email="AMINA@souk.example")["items"][0]["email"] == (
        "amina@souk.example"
    )
    assert admin.get("/admin/users", email="nobody@souk.example")["items"] == []
    for query in ("", "?role=customer", "?role=boss", "?role=admin&email=a@souk.example"):
        refused(admin.call("GET", f"/admin/users{query}"), 422, "validation_failed")
    own = f"/admin/users/{admin.user['id']}"
    refused(admin.call("POST", f"{own}/disable"), 409, "invalid_state")
    refused(admin.call("POST", f"{own}/role", {"role": "support"}), 409, "invalid_state")
    me = registered(anybody)
    path = f"/admin/users/{me.user['id']}"
    raised = admin.ask("POST", f"{path}/role", {"role": "warehouse"})
    fits(raised, USER)
    assert raised["role"] == "warehouse"
    assert me.call("POST", "/users/logout").status == 401
    refused(admin.call("POST", f"{path}/role", {"role": "boss"}), 422, "validation_failed")
    assert admin.ask("POST", f"{path}/disable")["status"] == "DISABLED"
    login = {"email": me.user["email"], "password": PASSWORD}
    refused(anybody.call("POST", "/users/login", login), 403, "account_disabled")
    assert admin.ask("POST", f"{path}/enable")["status"] == "ACTIVE"
    anybody.ask("POST", "/users/login", login)
    unknown = f"/admin/users/usr_{'0' * 26}/disable"
    refused(admin.call("POST", unknown), 404, "not_found")
