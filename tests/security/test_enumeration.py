"""No route tells a stranger whether an address has an account: not by text, status or work."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from chalicelib.aws.clients import client
from tests.cloud import cloud
from tests.front_door import PASSWORD, Answer, FrontDoor, member, register, sign_in, staff_member
from tests.front_door import user_id_of as id_of

WRONG = "a perfectly wrong phrase"
VOLATILE = {"X-Request-Id", "X-Correlation-Id"}


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    """One verified, one unverified, one disabled account, and everybody else unknown."""
    with cloud():
        member("active@souk.example")
        register("waiting@souk.example")
        admin = staff_member("admin")
        member("disabled@souk.example")
        admin.door.post(f"/admin/users/{id_of('disabled@souk.example')}/disable")
        yield


def login(email: str) -> Answer:
    """A login with a wrong password."""
    return FrontDoor().post("/users/login", {"email": email, "password": WRONG})


def forgot(email: str) -> Answer:
    """A forgotten password."""
    return FrontDoor().post("/users/password/forgot", {"email": email})


def resend(email: str) -> Answer:
    """A verification mail, please."""
    return FrontDoor().post("/users/verify-email/resend", {"email": email})


ASKED: list[Callable[[str], Answer]] = [login, forgot, resend, register]
STANDINGS = ("active", "waiting", "disabled", "unknown")


@pytest.mark.parametrize("ask", ASKED, ids=lambda ask: ask.__name__)
def test_reply_and_work_are_the_same_for_every_address(ask: Callable[[str], Answer]) -> None:
    """Status, body and headers agree, and so do the calls that were made, kind by kind."""
    calls: list[str] = []
    events = client("dynamodb").meta.events
    events.register("before-call", lambda model, **_: calls.append(model.name))
    told, worked = {}, {}
    for standing in STANDINGS:
        calls.clear()
        answer = ask(f"{standing}@souk.example")
        headers = {name: value for name, value in answer.headers.items() if name not in VOLATILE}
        body = {"code": answer.code} if answer.code else answer.body
        told[standing] = (answer.status, body, headers)
        worked[standing] = Counter(calls)
    assert all(one == told["active"] for one in told.values())
    assert all(one == worked["active"] for one in worked.values())


@pytest.mark.parametrize("ask", [forgot, resend, register], ids=lambda ask: ask.__name__)
def test_the_mail_limit_shows_nowhere(ask: Callable[[str], Answer]) -> None:
    """Beyond three mails an hour the reply is that of the first."""
    for email in ("active@souk.example", "waiting@souk.example", "unknown@souk.example"):
        answers = [ask(email) for _ in range(5)]
        assert {(one.status, str(one.body)) for one in answers} == {
            (answers[0].status, str(answers[0].body))
        }


def test_the_state_of_an_account_shows_only_to_its_password() -> None:
    """Unverified and disabled are told after the right password, never after a wrong one."""
    assert login("waiting@souk.example").code == "invalid_credentials"
    assert login("disabled@souk.example").code == "invalid_credentials"
    right = {"email": "disabled@souk.example", "password": PASSWORD}
    assert FrontDoor().post("/users/login", right).code == "account_disabled"


def test_a_guesser_cannot_shut_the_owner_out() -> None:
    """The door closes for the guesser's own address; the owner's stays open."""
    for _ in range(6):
        refused = login("active@souk.example")
    assert refused.code == "rate_limited"
    from chalicelib.kernel.domain_events import Actor
    from chalicelib.users import sessions
    from chalicelib.users.rules import Origin
    from chalicelib.users.schemas import Login
    from chalicelib.users.wiring import deps

    elsewhere = Origin(Actor("system", "api_handler"), "cor-00001", "198.51.100.7")
    asked = Login(email="active@souk.example", password=PASSWORD)
    assert isinstance(sessions.login(asked, elsewhere, deps()), sessions.SignedIn)


def test_right_logins_are_not_counted_as_failures() -> None:
    """Ten right logins in a row, and still the door is open."""
    for _ in range(10):
        sign_in("active@souk.example")
