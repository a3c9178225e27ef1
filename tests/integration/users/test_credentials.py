"""Passwords and second factors through the front door."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from chalicelib.users.codes import STEP_S, totp
from tests.cloud import cloud
from tests.front_door import (
    PASSWORD,
    Answer,
    FrontDoor,
    Member,
    events_of,
    mailed_token,
    member,
    register,
    sign_in,
    staff_member,
    user_id_of,
)
from tests.second_factor import code_at, secret_of, with_mfa

AMINA = "amina@souk.example"
NEW_PASSWORD = "quite another fine phrase"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    """A fresh AWS for each test."""
    with cloud():
        yield


@pytest.fixture
def clock() -> Iterator[Any]:
    """A clock that stands at noon until it is moved."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def login(password: str = PASSWORD) -> Answer:
    """Amina's login."""
    return FrontDoor().post("/users/login", {"email": AMINA, "password": password})


def reset(token: str, password: str = NEW_PASSWORD) -> Answer:
    """A reset by a mailed token."""
    return FrontDoor().post("/users/password/reset", {"token": token, "password": password})


def forgot(email: str) -> Answer:
    """A request for a reset mail."""
    return FrontDoor().post("/users/password/forgot", {"email": email})


@pytest.mark.covers(4)
def test_reset_sets_the_password_once_and_ends_every_session() -> None:
    """The newest link works once; after it the earlier link is dead, and so are the sessions."""
    amina = member()
    replies = [forgot(AMINA).body, forgot("nobody@souk.example").body]
    assert replies == [{"status": "reset_sent"}] * 2
    first = mailed_token(AMINA, "PasswordResetRequested")
    forgot(AMINA)
    second = mailed_token(AMINA, "PasswordResetRequested")
    assert reset(second, "passwordpassword").status == 422
    assert reset(second).status == 204
    assert (reset(second).code, reset(first).code) == ("token_expired", "token_expired")
    assert amina.door.get("/users/me").status == 401
    assert login().code == "invalid_credentials"
    assert login(NEW_PASSWORD).status == 200
    assert events_of(amina.id)[-1]["data"]["method"] == "reset"


def test_reset_token_expires_after_a_quarter_of_an_hour(clock: Any) -> None:
    """At fifteen minutes the link is dead."""
    member()
    forgot(AMINA)
    clock.shift(900)
    assert reset(mailed_token(AMINA, "PasswordResetRequested")).code == "token_expired"


def test_forgot_sends_the_verification_again_to_whoever_never_verified() -> None:
    """An unverified address gets a verification link and no reset."""
    register(AMINA)
    forgot(AMINA)
    assert events_of(user_id_of(AMINA))[-1]["type"] == "EmailVerificationRequested"


def test_no_fourth_mail_an_hour_and_the_same_reply() -> None:
    """The fourth request answers as the third, and nothing is mailed."""
    amina = member()
    replies = [forgot(AMINA).body for _ in range(4)]
    assert replies == [{"status": "reset_sent"}] * 4
    requests = [one for one in events_of(amina.id) if one["type"] == "PasswordResetRequested"]
    assert len(requests) == 3


def test_change_keeps_this_session_and_ends_the_others() -> None:
    """The reply's tokens work; the old access token and the other session do not."""
    amina, other = member(), sign_in(AMINA)
    wrong = {"current_password": "a perfectly wrong phrase", "new_password": NEW_PASSWORD}
    refused = amina.door.post("/users/password/change", wrong)
    assert (refused.status, refused.code) == (403, "wrong_password")
    common = {"current_password": PASSWORD, "new_password": "passwordpassword"}
    named = amina.door.post("/users/password/change", common).body["error"]["fields"][0]
    assert (named["path"], named["code"]) == ("new_password", "password_common")
    right = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    tokens = amina.door.post("/users/password/change", right).body
    assert tokens["session_id"] == amina.session_id
    assert FrontDoor(tokens["access_token"]).get("/users/me").status == 200
    assert amina.door.get("/users/me").status == 401
    assert other.door.get("/users/me").status == 401
    renewed = FrontDoor().post("/users/token/refresh", {"refresh_token": tokens["refresh_token"]})
    assert renewed.status == 200
    assert login(NEW_PASSWORD).status == 200


@pytest.mark.covers(80)
def test_second_factor_is_set_up_confirmed_and_asked_for(clock: Any) -> None:
    """Confirming gives ten recovery codes; from then on a login is a challenge first."""
    amina, other = member(), sign_in(AMINA)
    assert amina.door.post("/users/me/mfa/totp", {"password": "wrong"}).code == "wrong_password"
    assert amina.door.post("/users/me/mfa/totp/confirm", {"code": "123456"}).status == 409
    made = amina.door.post("/users/me/mfa/totp", {"password": PASSWORD}).body
    assert made["otpauth_uri"].startswith("otpauth://totp/Souk%3Aamina%40souk.example?secret=")
    secret = secret_of(made["secret"])
    assert amina.door.post("/users/me/mfa/totp/confirm", {"code": "000000"}).code == "mfa_invalid"
    confirmed = amina.door.post("/users/me/mfa/totp/confirm", {"code": code_at(secret)})
    assert len(set(confirmed.body["recovery_codes"])) == 10
    door = FrontDoor(confirmed.body["tokens"]["access_token"])
    assert door.get("/users/me").body["mfa_enabled"] is True
    assert other.door.get("/users/me").status == 401
    assert door.post("/users/me/mfa/totp", {"password": PASSWORD}).code == "invalid_state"

    challenged = login()
    assert set(challenged.body) == {"status", "challenge", "expires_in"}
    clock.shift(STEP_S)
    answer = {"challenge": challenged.body["challenge"], "code": code_at(secret)}
    finished = FrontDoor().post("/users/login/mfa", answer)
    assert (finished.status, finished.body["status"]) == (200, "ok")
    assert FrontDoor().post("/users/login/mfa", answer).code == "token_expired"


def test_a_step_counts_once_and_only_those_around_now(clock: Any) -> None:
    """A used code, and codes two steps away, are refused; the step before now is accepted."""
    amina, secret, _ = with_mfa(member(), clock)
    now = epoch() // STEP_S
    for step in (now - 2, now + 2):
        refused = amina.door.post("/users/me/mfa/step-up", {"code": totp(secret, step)})
        assert refused.code == "mfa_invalid"
    assert amina.door.post("/users/me/mfa/step-up", {"code": totp(secret, now - 1)}).status == 204
    again = amina.door.post("/users/me/mfa/step-up", {"code": totp(secret, now - 1)})
    assert again.code == "mfa_invalid"
    assert amina.door.post("/users/me/mfa/step-up", {"code": totp(secret, now)}).status == 204


def epoch() -> int:
    """Seconds since 1970 on the standing clock."""
    return int(datetime.now(UTC).timestamp())


def test_a_recovery_code_counts_once(clock: Any) -> None:
    """The same code is refused the second time; renewing voids the others."""
    amina, secret, codes = with_mfa(member(), clock)
    assert amina.door.post("/users/me/mfa/step-up", {"code": codes[0]}).status == 204
    assert amina.door.post("/users/me/mfa/step-up", {"code": codes[0]}).code == "mfa_invalid"
    renewed = amina.door.post("/users/me/mfa/recovery-codes", {"code": code_at(secret)}).body
    assert len(renewed["recovery_codes"]) == 10
    assert amina.door.post("/users/me/mfa/step-up", {"code": codes[1]}).code == "mfa_invalid"
    fresh = renewed["recovery_codes"][0]
    assert amina.door.post("/users/me/mfa/step-up", {"code": fresh}).status == 204


def test_second_factor_is_given_up_with_both_proofs(clock: Any) -> None:
    """Afterwards a login is one step again, and other sessions have ended."""
    amina, secret, _ = with_mfa(member(), clock)
    asked = {"password": PASSWORD, "code": "000000"}
    assert amina.door.post("/users/me/mfa/totp/disable", asked).code == "mfa_invalid"
    asked["code"] = code_at(secret)
    given_up = amina.door.post("/users/me/mfa/totp/disable", asked)
    assert FrontDoor(given_up.body["tokens"]["access_token"]).get("/users/me").status == 200
    assert amina.door.get("/users/me").status == 401
    assert login().body["status"] == "ok"


def test_a_reset_does_not_skip_the_second_factor(clock: Any) -> None:
    """After the reset the login still asks for a code."""
    with_mfa(member(), clock)
    forgot(AMINA)
    assert reset(mailed_token(AMINA, "PasswordResetRequested")).status == 204
    assert login(NEW_PASSWORD).body["status"] == "mfa_required"


def test_a_challenge_stands_five_tries(clock: Any) -> None:
    """The sixth try is 410 even with the right code."""
    _, secret, _ = with_mfa(member(), clock)
    challenge = login().body["challenge"]
    answer = {"challenge": challenge, "code": "000000"}
    codes = [FrontDoor().post("/users/login/mfa", answer).code for _ in range(5)]
    assert codes == ["mfa_invalid"] * 5
    answer["code"] = code_at(secret)
    assert FrontDoor().post("/users/login/mfa", answer).code == "token_expired"


def test_a_session_has_five_failed_codes_a_quarter(clock: Any) -> None:
    """The sixth try is 429 even with the right code, with the seconds left."""
    amina, secret, _ = with_mfa(member(), clock)
    for _ in range(5):
        assert amina.door.post("/users/me/mfa/step-up", {"code": "000000"}).status == 403
    refused = amina.door.post("/users/me/mfa/step-up", {"code": code_at(secret)})
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) == 900 - epoch() % 900


def test_step_up_is_asked_for_after_a_quarter_of_an_hour(clock: Any) -> None:
    """A proof counts for fifteen minutes on routes marked U, and then anew."""
    admin, secret, _ = with_mfa(staff_member("admin"), clock)
    bruno = member("bruno@souk.example")
    route = f"/admin/users/{bruno.id}/role"
    assert admin.door.post(route, {"role": "support"}).status == 200
    clock.shift(840)
    renewed = FrontDoor().post("/users/token/refresh", {"refresh_token": admin.refresh_token})
    door = FrontDoor(renewed.body["access_token"])
    clock.shift(60)
    refused = door.post(route, {"role": "warehouse"})
    assert (refused.status, refused.code) == (403, "step_up_required")
    assert door.post("/users/me/mfa/step-up", {"code": code_at(secret)}).status == 204
    assert door.post(route, {"role": "warehouse"}).status == 200


def test_staff_need_a_second_factor_where_the_deployment_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With StaffMfa=required staff without one meet mfa_required on reads and writes."""
    from chalicelib.aws.settings import settings

    monkeypatch.setenv("SOUK_STAFF_MFA", "required")
    settings.cache_clear()
    admin, bruno = staff_member("admin"), member("bruno@souk.example")
    refused: list[Answer] = [
        admin.door.get("/admin/users?role=admin"),
        admin.door.get(f"/users/{bruno.id}"),
        admin.door.post(f"/admin/users/{bruno.id}/disable"),
    ]
    assert [one.code for one in refused] == ["mfa_required"] * 3
    assert admin.door.get("/users/me").status == 200
    customer: Member = bruno
    assert customer.door.get("/users/me").status == 200
