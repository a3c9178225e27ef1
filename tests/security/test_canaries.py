"""Personal data and secrets stay where they belong: not in logs, events or foreign replies."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from moto.backends import get_backend

from chalicelib.aws import observability
from tests.cloud import ACCOUNT, REGION, cloud
from tests.front_door import FrontDoor, Member, mailed_token, member, register, sign_in
from tests.second_factor import code_at, with_mfa

EMAIL = "canary.amina@souk.example"
PASSWORD = "canary password nobody logs"
NEW_PASSWORD = "canary password number two"
PHONE = "+4915155500123"
STREET = "Canary Street 99"
DEVICE = "cafe-device-tok"
PERSONAL = {"canary.amina", PASSWORD, NEW_PASSWORD, PHONE, STREET, "Canary Person", DEVICE}


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged, at the most talkative level."""
    stream = io.StringIO()
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    root.handlers[:] = []
    observability.configure_logging(stream)
    root.setLevel(logging.DEBUG)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    yield stream
    root.handlers[:], root.level = kept, level


def journey(clock: Any) -> tuple[Member, set[str]]:
    """One person through every route of the slice; and the secrets that came up."""
    register(EMAIL, PASSWORD, name="Canary Person")
    link = mailed_token(EMAIL, "UserRegistered")
    FrontDoor().post("/users/verify-email", {"token": link})
    FrontDoor().post("/users/login", {"email": EMAIL, "password": PASSWORD + " wrong"})
    amina = sign_in(EMAIL, PASSWORD)
    secrets = {link, amina.refresh_token, str(amina.door.token)}
    amina.door.patch("/users/me", {"phone": PHONE, "name": "Canary Person"})
    home = {
        "name": "Canary Person",
        "line1": STREET,
        "city": "B",
        "postal_code": "10",
        "country": "DE",
    }
    amina.door.post("/users/me/addresses", home)
    amina.door.post("/users/me/addresses", home | {"country": STREET})
    amina.door.post("/users/me/devices", {"platform": "ios", "token": DEVICE})
    FrontDoor().post("/users/password/forgot", {"email": EMAIL})
    secrets.add(mailed_token(EMAIL, "PasswordResetRequested"))
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    tokens = amina.door.post("/users/password/change", change).body
    amina.door = FrontDoor(tokens["access_token"])
    made = amina.door.post("/users/me/mfa/totp", {"password": NEW_PASSWORD}).body
    secrets.add(made["secret"])
    amina.door.post("/users/me/mfa/totp/confirm", {"code": "not-a-code"})
    for path in ("me", "me/activity", "me/sessions", "me/addresses", "me/devices"):
        amina.door.get(f"/users/{path}")
    FrontDoor("not.a.token").get("/users/me")
    FrontDoor().post("/users/token/refresh", {"refresh_token": amina.refresh_token})
    clock.shift(60)
    return amina, secrets


@pytest.fixture
def clock() -> Iterator[Any]:
    """A clock that stands."""
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.mark.covers(88)
def test_nothing_personal_and_no_secret_is_logged(lines: io.StringIO, clock: Any) -> None:
    """Through every route, successes and refusals: not a word of it in the log."""
    with cloud():
        _, secrets = journey(clock)
    written = lines.getvalue()
    assert written.count('"message":"request"') >= 15
    assert [word for word in PERSONAL | secrets if word in written] == []
    for line in written.splitlines():
        json.loads(line)


def test_events_and_look_up_rows_hold_nothing_personal(clock: Any) -> None:
    """Event rows carry ids; only the profile and the device row hold personal words in clear."""
    with cloud():
        _, secrets = journey(clock)
        items = [
            item.to_json()["Attributes"]
            for item in get_backend("dynamodb")[ACCOUNT][REGION]
            .tables["souk-test-core"]
            .all_items()
        ]
    allowed = {"PROFILE"}
    for item in items:
        kind = item["sk"]["S"].split("#")[0]
        written = json.dumps(item)
        if kind not in allowed and kind != "DEV":
            assert [word for word in PERSONAL if word in written] == [], kind
        assert [word for word in secrets if word in written] == [], kind
        assert PASSWORD not in written


def test_nothing_of_one_person_reaches_another(clock: Any) -> None:
    """Bruno, asking every route about Amina's things, meets none of her words."""
    with cloud():
        amina, _ = journey(clock)
        bruno = member("bruno@souk.example")
        answers = [
            bruno.door.get(f"/users/{amina.id}"),
            bruno.door.delete(f"/users/me/sessions/{amina.session_id}"),
            *(bruno.door.get(f"/users/me{path}") for path in ("", "/addresses", "/devices")),
            FrontDoor().post(
                "/users/register", {"email": EMAIL, "password": PASSWORD, "name": "B"}
            ),
        ]
    told = json.dumps([one.body for one in answers])
    assert [word for word in PERSONAL if word in told] == []


def test_recovery_codes_and_seeds_are_not_stored_in_clear(clock: Any) -> None:
    """Neither the secret nor a code is in any row."""
    with cloud():
        amina, secret, codes = with_mfa(member(), clock)
        table = get_backend("dynamodb")[ACCOUNT][REGION].tables["souk-test-core"]
        rows = json.dumps([item.to_json() for item in table.all_items()], default=str)
        assert amina.door.post("/users/me/mfa/step-up", {"code": code_at(secret)}).status == 204
    assert [code for code in codes if code in rows] == []
    assert secret.hex() not in rows
