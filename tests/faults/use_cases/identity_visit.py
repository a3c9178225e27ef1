"""How an identity use case is written: a person, what they hold, and what must be true."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.faults.harness.clients import ClientModel, ClientSession, Reply, Request
from tests.faults.harness.fault_plan import FaultPlan
from tests.faults.harness.world import World
from tests.faults.use_cases.identity_rows import (
    Registry,
    check_accounts,
    claims_of,
    read_registry,
)
from tests.faults.use_cases.shop import FRONT, PASSWORD

AMINA = "amina@souk.example"
NEWCOMER = "Neo@souk.example"
NEW_PASSWORD = "another-Souk-2026-pass"
STEP_S = 30
SOON_S = 60
NO_ANSWER = frozenset({0, 500, 502, 503, 504})


@dataclass(slots=True)
class Held:
    """What a person has got so far."""

    email: str = AMINA
    user_id: str = ""
    access: str = ""
    refresh: str = ""
    secret: bytes = b""
    recovery: tuple[str, ...] = ()
    mailed: str = ""
    others: tuple[str, ...] = ()
    refreshers: tuple[str, ...] = ()


@contextmanager
def aside(world: World) -> Iterator[None]:
    """Requests of the driver itself: no part of what is numbered and disturbed."""
    injector = world.injector
    plan, calls = injector.plan, injector.calls
    injector.plan, injector.calls = FaultPlan(), []
    try:
        yield
    finally:
        injector.plan, injector.calls = plan, calls


def asked_aside(world: World, request: Request) -> Reply:
    """One request of the driver."""
    if FRONT.door is None:
        raise RuntimeError("the shop is not open")
    with aside(world):
        return FRONT.door.send(request)


def totp(secret: bytes, at_s: float) -> str:
    """The six digits an authenticator shows (RFC 6238)."""
    mac = hmac.digest(secret, (int(at_s) // STEP_S).to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


@dataclass(slots=True)
class Person:
    """Somebody with an account, or about to have one."""

    session: ClientSession
    held: Held = field(default_factory=Held)

    @property
    def world(self) -> World:
        """Where all this happens."""
        return self.session.world

    def send(self, method: str, path: str, body: Any = None, *, is_signed: bool = False) -> Reply:
        """One request; what it grants is kept."""
        token = self.held.access if is_signed else None
        reply = self.session.send(Request(method, path, body, token))
        if reply.is_accepted and isinstance(reply.body, dict):
            self.keep(reply.body)
        return reply

    def keep(self, body: dict[str, Any]) -> None:
        """Keep the tokens of a reply, and remember those that they replace."""
        pair = body.get("tokens", body)
        if "access_token" not in pair:
            return
        held = self.held
        if held.access:
            held.others += (held.access,)
            held.refreshers += (held.refresh,)
        held.access, held.refresh = pair["access_token"], pair["refresh_token"]
        held.user_id = claims_of(held.access)["sub"]

    def post(self, path: str, body: Any = None) -> Reply:
        """A public request."""
        return self.send("POST", f"/users{path}", body)

    def act(self, path: str, body: Any = None, method: str = "POST") -> Reply:
        """A request as the signed-in person."""
        return self.send(method, f"/users{path}", body, is_signed=True)

    def staff(self, path: str, body: Any = None) -> Reply:
        """An administrator does something to this person."""
        request = Request("POST", f"/admin/users/{self.held.user_id}/{path}", body, FRONT.staff)
        return self.session.send(request)

    def register(self, password: str = PASSWORD) -> Reply:
        """Ask for an account."""
        asked = {"email": self.held.email, "password": password, "name": "Neo"}
        return self.post("/register", asked)

    def login(self, password: str = PASSWORD) -> Reply:
        """The first step, which is often the only one."""
        return self.post("/login", {"email": self.held.email, "password": password})

    def login_mfa(self, first: Reply, code: str) -> Reply | None:
        """The second step."""
        if not first.is_accepted or "challenge" not in first.body:
            return None
        return self.post("/login/mfa", {"challenge": first.body["challenge"], "code": code})

    def refresh(self) -> Reply:
        """Exchange the refresh token that is held now."""
        return self.post("/token/refresh", {"refresh_token": self.held.refresh})

    def code(self) -> str:
        """What the authenticator shows now."""
        return totp(self.held.secret, self.world.clock.now())

    def later(self, seconds: float) -> None:
        """Some time passes."""
        self.world.clock.advance(seconds)

    def read_mail(self) -> str | None:
        """The token of the newest mail with one, once the shop had time to send it."""
        self.world.drain(SOON_S)
        path = f"/sandbox/mailbox?to={self.held.email.lower()}"
        shown = asked_aside(self.world, Request("GET", path)).body["items"]
        found = [one["token"] for one in shown if one.get("token")]
        return str(found[0]) if found else None

    def turn_mfa_on(self) -> Reply | None:
        """Set the second factor up and confirm it."""
        set_up = self.act("/me/mfa/totp", {"password": PASSWORD})
        if not set_up.is_accepted:
            return None
        self.held.secret = base64.b32decode(set_up.body["secret"])
        confirmed = self.act("/me/mfa/totp/confirm", {"code": self.code()})
        if confirmed.is_accepted:
            self.held.recovery = tuple(confirmed.body["recovery_codes"])
        return confirmed


@dataclass(slots=True)
class Ending:
    """What there is when nothing is left to do."""

    session: ClientSession
    held: Held
    rows: Registry

    @property
    def now(self) -> str:
        """The time as rows write it."""
        return self.session.world.clock.iso()

    @property
    def me(self) -> dict[str, Any]:
        """The profile row of the person; empty if there is none."""
        return self.rows.user(self.held.email) or {}

    def replies(self, path: str) -> list[Reply]:
        """All replies of one route (the end of its path is enough)."""
        return [e.reply for e in self.session.history if e.request.path.endswith(path)]

    def is_done(self, path: str) -> bool:
        """Whether the shop promised it."""
        return any(reply.is_accepted for reply in self.replies(path))

    def is_late(self) -> bool:
        """Whether some answer never came in time."""
        return any(e.reply.status in {0, 504} for e in self.session.history)

    def count(self, *kinds: str) -> int:
        """How many events of these types this person's history has."""
        events = self.rows.events[self.me["id"]] if self.me else []
        return sum(row["type"] in kinds for row in events)

    def told(self, path: str, *, holds: bool, what: str) -> list[str]:
        """What was promised holds; what was refused throughout does not."""
        replies = self.replies(path)
        if any(reply.is_accepted for reply in replies):
            return [] if holds else [f"I8 {path} was promised: {what}"]
        is_refused = replies and not any(r.status in NO_ANSWER for r in replies)
        return [f"I8 {path} was refused, yet done: {what}"] if is_refused and holds else []

    def dead(self, *access_tokens: str) -> list[str]:
        """No session of these tokens is live any more."""
        said = [claims_of(token) for token in access_tokens if token]
        user = self.me
        return [
            f"I14 {one['sid']} lives on"
            for one in said
            if self.rows.is_live(one["sid"], self.now) and one["sv"] == user["sv"]
        ]


Check = Callable[[Ending], list[str]]


@dataclass(frozen=True, slots=True)
class Account:
    """One identity use case: what was before, the steps, and what must be true at the end."""

    name: str
    steps: Callable[[Person], None]
    check: Check
    prepare: Callable[[Person], None] | None = None
    starts: dict[str, Held] = field(default_factory=dict, compare=False)

    def set_up(self, world: World) -> None:
        """What was before; not disturbed."""
        person = Person(FRONT.session(world, ClientModel.RETRIES))
        if self.prepare is not None:
            self.prepare(person)
            world.drain()
            world.clock.advance(1)
        self.starts[self.name] = person.held

    def play(self, session: ClientSession) -> None:
        """The steps under test."""
        person = Person(session, replace(self.starts[self.name]))
        self.starts["now"] = person.held
        self.steps(person)

    def expected(self, session: ClientSession) -> list[str]:
        """The invariants of accounts, the promises of this case, and tokens tried in earnest."""
        return judged(session, self.starts["now"], self.check)


def judged(session: ClientSession, held: Held, check: Check) -> list[str]:
    """Everything that is wrong with the accounts after a run."""
    rows = read_registry(session.world)
    ending = Ending(session, held, rows)
    return [*check_accounts(rows, session), *check(ending), *tried_in_earnest(ending)]


def tried_in_earnest(ending: Ending) -> Iterator[str]:
    """Each token ever granted passes if and only if the rows say so."""
    world, rows, now = ending.session.world, ending.rows, ending.now
    granted = {ending.held.access: ending.held.refresh}
    granted |= dict(zip(ending.held.others, ending.held.refreshers, strict=True))
    granted |= dict(_pairs(ending.session))
    newest = {str(row["id"]): row["generation"] for row in rows.sessions.values()}
    for access, refresh in granted.items():
        if not access:
            continue
        said = claims_of(access)
        user = rows.users[said["sub"]]
        is_live = rows.is_live(said["sid"], now)
        is_good = (
            is_live
            and said["sv"] == user["sv"]
            and said["role"] == user["role"]
            and said["exp"] > world.clock.now()
        )
        status = asked_aside(world, Request("GET", "/users/me", None, access)).status
        if status != (200 if is_good else 401):
            yield f"I14 access token of {said['sid']}: {status}, live by its rows: {is_good}"
        generation = int(refresh.split(".")[1])
        # One trial a session: another would be a reuse.
        if is_live and generation != newest.get(said["sid"]):
            continue
        newest.pop(said["sid"], None)
        body = {"refresh_token": refresh}
        status = asked_aside(world, Request("POST", "/users/token/refresh", body)).status
        if status != (200 if is_live else 401):
            yield f"I14 refresh token of {said['sid']}: {status}, live by its rows: {is_live}"


def _pairs(session: ClientSession) -> Iterator[tuple[str, str]]:
    for exchange in session.history:
        body = exchange.reply.body
        if exchange.reply.is_accepted and isinstance(body, dict):
            pair = body.get("tokens", body)
            if "access_token" in pair:
                yield pair["access_token"], pair["refresh_token"]
