"""Writes of somebody whose sessions end at the same time: nothing is written afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.faults.harness.clients import ClientSession, Request
from tests.faults.harness.races import Race, Side
from tests.faults.harness.world import World
from tests.faults.use_cases import identity_factors
from tests.faults.use_cases.identity_factors import PHONE, WISHES
from tests.faults.use_cases.identity_rows import belongings
from tests.faults.use_cases.identity_visit import Held, Person, judged
from tests.faults.use_cases.journey import ADDRESS, Visit
from tests.faults.use_cases.races import sending
from tests.faults.use_cases.shop import FRONT, PASSWORD

LEFT: dict[str, Any] = {}


def disable(person: Person) -> Request:
    """An administrator closes the account."""
    return Request("POST", f"/admin/users/{person.held.user_id}/disable", None, FRONT.staff)


def logout_all(person: Person) -> Request:
    """Another device of theirs signs everything out."""
    return Request("POST", "/users/logout-all", None, person.held.others[-1])


@dataclass(frozen=True, slots=True)
class Ended:
    """An end of all sessions, and a write that is under way."""

    end: Callable[[Person], Request]
    write: Callable[[Person], Request]
    before: Callable[[Person], object]

    def ready(self, session: ClientSession) -> tuple[Side, Side]:
        """Prepare both sides; the ending one notes what it left."""
        person = Person(session)
        self.before(person)
        end, write = self.end(person), self.write(person)
        session.world.drain()
        session.world.clock.advance(1)
        LEFT["held"] = person.held
        session.history.clear()
        visit = Visit(session)
        ending = sending(visit, end)

        def noting() -> None:
            ending()
            LEFT["rows"] = belongings(session.world, person.held.user_id)

        return noting, sending(visit, write)

    def expected(self, world: World, session: ClientSession, _ends: frozenset[str]) -> list[str]:
        """The end is the last thing that happened to any of their rows."""
        held: Held = LEFT["held"]
        found = [
            f"I17 {e.request.path}: {e.reply.status}"
            for e in session.history
            if e.reply.status >= 500
        ]
        now = belongings(world, held.user_id)
        changed = sorted(
            name for name in {*now, *LEFT["rows"]} if now.get(name) != LEFT["rows"].get(name)
        )
        found += [f"I14 {name} was written after the end" for name in changed]
        return found + judged(session, held, lambda _: [])


# --- what was before --------------------------------------------------------------------------
def twice(person: Person) -> None:
    """Signed in on two devices, with an address and a phone."""
    person.login()
    person.login()
    LEFT["address"] = person.act("/me/addresses", ADDRESS).body["id"]
    LEFT["device"] = person.act("/me/devices", PHONE).body["id"]


# --- the writes -------------------------------------------------------------------------------
def writing(path: str, body: object = None, method: str = "POST") -> Callable[[Person], Request]:
    """One request with the token of before."""
    return lambda person: Request(method, f"/users/me{path}", body, person.held.access)


def on(kind: str, path: str, body: object, method: str) -> Callable[[Person], Request]:
    """One request about the address or device that is there."""

    def request(person: Person) -> Request:
        return writing(f"{path}/{LEFT[kind]}", body, method)(person)

    return request


def coded(path: str) -> Callable[[Person], Request]:
    """One request with a code of the second factor."""
    return lambda person: writing(path, {"code": person.code()})(person)


WRITES: dict[str, tuple[Callable[[Person], Request], Callable[[Person], object]]] = {
    "address": (writing("/addresses", ADDRESS), twice),
    "address put": (on("address", "/addresses", ADDRESS, "PUT"), twice),
    "address gone": (on("address", "/addresses", None, "DELETE"), twice),
    "preferences": (writing("/preferences", WISHES, "PUT"), twice),
    "device": (writing("/devices", {**PHONE, "token": "token-of-another"}), twice),
    "device gone": (on("device", "/devices", None, "DELETE"), twice),
    "set-up": (writing("/mfa/totp", {"password": PASSWORD}), twice),
    "codes": (coded("/mfa/recovery-codes"), identity_factors.careful),
    "step-up": (coded("/mfa/step-up"), identity_factors.careful),
}

RACES: dict[str, Race] = {
    name: Race(name, one.ready, frozenset(), one.expected)
    for name, one in {
        **{f"disable x {name}": Ended(disable, *write) for name, write in WRITES.items()},
        "logout-all x profile": Ended(logout_all, writing("", {"name": "Mallory"}, "PATCH"), twice),
        "logout-all x address": Ended(logout_all, writing("/addresses", ADDRESS), twice),
    }.items()
}
