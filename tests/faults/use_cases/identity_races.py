"""Who may collide with whom on an account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.faults.harness.clients import ClientSession, Request
from tests.faults.harness.races import Race, Side
from tests.faults.harness.world import World
from tests.faults.use_cases import identity, identity_factors
from tests.faults.use_cases.identity_rows import claims_of
from tests.faults.use_cases.identity_visit import (
    NEW_PASSWORD,
    NEWCOMER,
    Check,
    Ending,
    Held,
    Person,
    judged,
)
from tests.faults.use_cases.journey import Visit
from tests.faults.use_cases.races import sending
from tests.faults.use_cases.shop import FRONT, PASSWORD

NOW: dict[str, Held] = {}


@dataclass(frozen=True, slots=True)
class Collision:
    """Who is ready for what, and what must be true whichever comes first."""

    before: Callable[[Person], None]
    sides: Callable[[Person], tuple[Request, Request]]
    check: Check

    def ready(self, session: ClientSession) -> tuple[Side, Side]:
        """Prepare both sides."""
        person = Person(session)
        self.before(person)
        session.world.drain()
        session.world.clock.advance(1)
        NOW["held"] = person.held
        # What was before is no part of what is judged.
        session.history.clear()
        visit = Visit(session)
        first, second = self.sides(person)
        return sending(visit, first), sending(visit, second)

    def expected(self, _world: World, session: ClientSession, _ends: frozenset[str]) -> list[str]:
        """Everything that is wrong afterwards."""
        failed = [e for e in session.history if e.reply.status >= 500]
        found = [f"I17 {e.request.path}: {e.reply.status}" for e in failed]
        return found + judged(session, NOW["held"], self.check)


def post(path: str, body: object, token: str | None = None) -> Request:
    """One request to an account."""
    return Request("POST", f"/users{path}", body, token)


def refreshes(person: Person) -> tuple[Request, Request]:
    """The same refresh token twice at once."""
    asked = post("/token/refresh", {"refresh_token": person.held.refresh})
    return asked, asked


def refresh_logout(person: Person) -> tuple[Request, Request]:
    """Refreshed while another device signs everything out."""
    asked = post("/token/refresh", {"refresh_token": person.held.refresh})
    return asked, post("/logout-all", None, person.held.access)


def reset_login(person: Person) -> tuple[Request, Request]:
    """Somebody signs in with the old password while it is replaced."""
    asked = {"token": person.held.mailed, "password": NEW_PASSWORD}
    login = {"email": person.held.email, "password": PASSWORD}
    return post("/password/reset", asked), post("/login", login)


def resets(person: Person) -> tuple[Request, Request]:
    """One reset token, two passwords."""
    token = person.held.mailed
    first, second = ({"token": token, "password": f"{NEW_PASSWORD}-{n}"} for n in (1, 2))
    return post("/password/reset", first), post("/password/reset", second)


def disable_write(person: Person) -> tuple[Request, Request]:
    """The account is closed while its owner writes."""
    write = Request("PATCH", "/users/me", {"name": "Mallory"}, person.held.access)
    return _staff(person, "disable"), write


def disable_login(person: Person) -> tuple[Request, Request]:
    """The account is closed while its owner signs in."""
    login = {"email": person.held.email, "password": PASSWORD}
    return _staff(person, "disable"), post("/login", login)


def disable_refresh(person: Person) -> tuple[Request, Request]:
    """The account is closed while its owner refreshes."""
    asked = post("/token/refresh", {"refresh_token": person.held.refresh})
    return _staff(person, "disable"), asked


def _staff(person: Person, path: str) -> Request:
    return Request("POST", f"/admin/users/{person.held.user_id}/{path}", None, FRONT.staff)


def colleague(person: Person) -> None:
    """Somebody whom an administrator made another one."""
    person.login()
    person.staff("role", {"role": "admin"})
    person.held = Held(email=person.held.email)
    person.login()


def disables(person: Person) -> tuple[Request, Request]:
    """Two administrators close each other's account."""
    other = claims_of(str(FRONT.staff))["sub"]
    back = Request("POST", f"/admin/users/{other}/disable", None, person.held.access)
    return _staff(person, "disable"), back


def verifications(person: Person) -> tuple[Request, Request]:
    """The same link clicked twice at once."""
    asked = post("/verify-email", {"token": person.held.mailed})
    return asked, asked


def codes(person: Person) -> tuple[Request, Request]:
    """The same code with two challenges."""
    return _coded(person, person.code())


def recovery_codes(person: Person) -> tuple[Request, Request]:
    """The same recovery code with two challenges."""
    return _coded(person, person.held.recovery[0])


def _coded(person: Person, code: str) -> tuple[Request, Request]:
    first, second = (
        post("/login/mfa", {"challenge": person.login().body["challenge"], "code": code})
        for _ in range(2)
    )
    person.session.history.clear()
    return first, second


def registrations(person: Person) -> tuple[Request, Request]:
    """Two people want one address at once."""
    first, second = (
        post("/register", {"email": person.held.email, "password": one, "name": "Neo"})
        for one in (PASSWORD, NEW_PASSWORD)
    )
    return first, second


def stranger(person: Person) -> None:
    """Somebody without an account, after another; the first of a sandbox reads its secrets."""
    person.held.email = "first@souk.example"
    person.register()
    person.held.email = NEWCOMER


# --- what must be true ------------------------------------------------------------------------
def both_refreshed(end: Ending) -> list[str]:
    """Both get the one successor: neither click ends the session."""
    found = [f"I14 refresh got {r.status}" for r in end.replies("/refresh") if not r.is_accepted]
    is_in = end.rows.is_live(claims_of(end.held.access)["sid"], end.now)
    return found + ["I14 the session is over"] * (not is_in)


def nobody_in(end: Ending) -> list[str]:
    """Signed out for good, whatever was granted in between."""
    return identity.all_signed_out(end)


def new_password_alone(end: Ending) -> list[str]:
    """No session of the old password survives its end."""
    live = [
        row["id"]
        for row in end.rows.sessions_of(end.me["id"])
        if end.rows.is_live(row["id"], end.now)
    ]
    found = end.told("/password/reset", holds=not live, what=f"{live} live on")
    changes = end.count("PasswordChanged")
    return found + [f"I14 one token, {changes} new passwords"] * (changes != 1)


def closed(end: Ending) -> list[str]:
    """Closed, and nothing happened to the account afterwards."""
    events = sorted(end.rows.events[end.me["id"]], key=lambda row: row["sk"])
    found = end.told("/disable", holds=end.me["status"] == "DISABLED", what="disabled")
    found += ["I5 something came after the closing"] * (events[-1]["type"] != "UserDisabled")
    wrote = end.is_done("/users/me")
    return found + ["I8 the name was promised"] * (wrote != (end.me["name"] == "Mallory"))


def one_is_left(end: Ending) -> list[str]:
    """The slower one was nobody's administrator any more."""
    left = [row for row in end.rows.users.values() if _administers(row)]
    return [] if left else ["I14 the shop has no administrator"]


def _administers(row: dict[str, Any]) -> bool:
    return bool(row["role"] == "admin" and row["status"] == "ACTIVE")


def verified_by_one(end: Ending) -> list[str]:
    """Active by one event, and somebody was told so."""
    times = end.count("EmailVerified")
    found = [f"I14 verified {times} times"] * (times != 1)
    return found + identity.verified(end)


def one_came_in(end: Ending) -> list[str]:
    """Exactly one of both got in."""
    accepted = sum(reply.is_accepted for reply in end.replies("/login/mfa"))
    found = [f"I14 one code let in {accepted}"] * (accepted != 1)
    return found + identity_factors.one_session_a_code(end)


RACES: dict[str, Race] = {
    name: Race(name, one.ready, frozenset(), one.expected)
    for name, one in {
        "refresh x refresh": Collision(identity.signed_in, refreshes, both_refreshed),
        "refresh x logout-all": Collision(identity.signed_in, refresh_logout, nobody_in),
        "reset x login": Collision(identity.forgetful, reset_login, new_password_alone),
        "reset x reset": Collision(identity.forgetful, resets, new_password_alone),
        "disable x write": Collision(identity.signed_in, disable_write, closed),
        "disable x login": Collision(identity.signed_in, disable_login, closed),
        "disable x refresh": Collision(identity.signed_in, disable_refresh, closed),
        "disable x disable": Collision(colleague, disables, one_is_left),
        "verify x verify": Collision(identity.newcomer, verifications, verified_by_one),
        "register x register": Collision(stranger, registrations, identity.registered),
        "code x code": Collision(identity_factors.careful, codes, one_came_in),
        "recovery x recovery": Collision(identity_factors.careful, recovery_codes, one_came_in),
    }.items()
}
