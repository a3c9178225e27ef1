"""Accounts as raw rows, and what must hold of them whatever went wrong (I14)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.faults.harness.clients import ClientSession
from tests.faults.harness.world import World
from tests.faults.use_cases.shop import CORE

Row = dict[str, Any]
Rows = dict[str, list[Row]]
REVOKED, LOGOUT_ALL = "SessionsRevoked", "logout_all"
ENDS_ALL = frozenset(
    {"PasswordChanged", "MfaChanged", "RoleChanged", "UserDisabled", "UserEnabled"}
)
MOVES = {"EmailVerified": "ACTIVE", "UserDisabled": "DISABLED", "UserEnabled": "ACTIVE"}
ONCE_ONLY = {
    "/users/verify-email": "token",
    "/users/password/reset": "token",
    "/users/login/mfa": "challenge",
}
MAILED = frozenset(
    {"UserRegistered", "EmailVerificationRequested", "RegistrationRepeated",
     "PasswordResetRequested"}
)  # fmt: skip


@dataclass(slots=True)
class Registry:
    """All accounts of the core table; keys are user ids."""

    users: dict[str, Row] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, Row] = field(default_factory=dict)
    factors: dict[str, Row] = field(default_factory=dict)
    tokens: dict[str, Row] = field(default_factory=dict)
    addresses: Rows = field(default_factory=lambda: defaultdict(list))
    events: Rows = field(default_factory=lambda: defaultdict(list))
    mailed: Counter[str] = field(default_factory=Counter)

    def user(self, email: str) -> Row | None:
        """The account of an address, past the look-up row."""
        return next((row for row in self.users.values() if row["email"] == email.lower()), None)

    def sessions_of(self, user_id: str) -> list[Row]:
        """All sessions of a user."""
        return [row for row in self.sessions.values() if row["user_id"] == user_id]

    def is_live(self, session_id: str, now: str) -> bool:
        """Whether a session still stands, by the rows alone."""
        session = self.sessions.get(session_id)
        user = self.users.get(session["user_id"]) if session else None
        return bool(
            session
            and user
            and user["status"] == "ACTIVE"
            and session["sv"] == user["sv"]
            and "revoked_at" not in session
            and session["expires_at"] > now
        )


def read_registry(world: World) -> Registry:
    """Sort the raw rows by their keys."""
    registry = Registry()
    for row in world.substrate.rows(CORE):
        kind, _, name = row["pk"].partition("#")
        if kind == "USER":
            _sort(registry, name, row)
        elif kind == "EMAIL":
            registry.owners[name] = row["user_id"]
        elif kind == "OTT":
            registry.tokens[name] = row
        elif kind == "MBOX":
            registry.mailed[row["event_id"]] += 1
    return registry


def belongings(world: World, user_id: str) -> dict[str, Any]:
    """The rows of a user, without the history."""
    mine = (row for row in world.substrate.rows(CORE) if row["pk"] == f"USER#{user_id}")
    return {row["sk"]: row for row in mine if not row["sk"].startswith("EVT#")}


def _sort(registry: Registry, user_id: str, row: Row) -> None:
    match row["sk"].partition("#")[0]:
        case "PROFILE":
            registry.users[user_id] = row
        case "SESS":
            registry.sessions[row["id"]] = row
        case "MFA":
            registry.factors[user_id] = row
        case "ADDR":
            registry.addresses[user_id].append(row)
        case "EVT":
            registry.events[user_id].append(row)


def check_accounts(registry: Registry, session: ClientSession) -> list[str]:
    """Every violation of I14 that rows and history show."""
    found = [*addresses_of_mail(registry), *mails(registry)]
    for user_id, user in registry.users.items():
        events = sorted(registry.events[user_id], key=lambda row: row["sk"])
        found += versions(user, events, registry.factors.get(user_id))
        found += endings(registry, user, events)
        defaults = sum(bool(row.get("is_default")) for row in registry.addresses[user_id])
        if defaults > 1:
            found.append(f"I14 {user_id}: {defaults} default addresses")
    found += never_back(registry, session)
    return [*found, *redeemed_once(registry, session), *rotated_once(session)]


def addresses_of_mail(registry: Registry) -> Iterator[str]:
    """One user an address, and the look-up rows say the same."""
    counted = Counter(row["email"] for row in registry.users.values())
    yield from (f"I14 {email}: {n} users" for email, n in counted.items() if n > 1)
    for user_id, user in registry.users.items():
        if user["email"] != user["email"].lower():
            yield f"I14 {user_id}: {user['email']} is not normalised"
        if registry.owners.get(user["email_key"]) != user_id:
            yield f"I14 {user_id}: its address belongs to somebody else"
    if len(registry.owners) != len(registry.users):
        yield f"I14 {len(registry.owners)} addresses, {len(registry.users)} users"


def mails(registry: Registry) -> Iterator[str]:
    """I11: whoever is to be mailed was mailed, once."""
    for rows in registry.events.values():
        for row in rows:
            if row["type"] in MAILED and registry.mailed[row["event_id"]] != 1:
                copies = registry.mailed[row["event_id"]]
                yield f"I11 {row['event_id']} {row['type']}: {copies} copies"


def versions(user: Row, events: list[Row], factor: Row | None) -> Iterator[str]:
    """I5: version, session version, status and second factor are what the history tells."""
    name = user["id"]
    if [row["aggregate_version"] for row in events] != list(range(1, user["version"] + 1)):
        yield f"I5 {name}: version {user['version']}, {len(events)} events"
    sv = 1 + sum(row["type"] in ENDS_ALL or _ends_all(row) for row in events)
    if user["sv"] != sv:
        yield f"I14 {name}: sv {user['sv']}, history says {sv}"
    status = "UNVERIFIED"
    for row in events:
        if row["type"] == "EmailVerified" and status != "UNVERIFIED":
            yield f"I14 {name}: verified when {status}"
        status = MOVES.get(row["type"], status)
    if user["status"] != status:
        yield f"I5 {name}: {user['status']}, history says {status}"
    switched = [row["data"]["enabled"] for row in events if row["type"] == "MfaChanged"]
    is_on = bool(switched and switched[-1])
    has_factor = factor is not None and factor["state"] == "ON"
    if not user.get("mfa_enabled", False) == is_on == has_factor:
        yield f"I14 {name}: second factor on: {is_on} by history, {has_factor} by its row"


def _ends_all(event: Row) -> bool:
    return bool(event["type"] == REVOKED and event["data"]["reason"] == LOGOUT_ALL)


def endings(registry: Registry, user: Row, events: list[Row]) -> Iterator[str]:
    """A session is revoked if and only if one event tells of it."""
    told = Counter(
        one for row in events if row["type"] == REVOKED for one in row["data"]["session_ids"]
    )
    revoked = {row["id"] for row in registry.sessions_of(user["id"]) if "revoked_at" in row}
    if set(told) != revoked or any(n > 1 for n in told.values()):
        yield f"I14 {user['id']}: revoked {sorted(revoked)}, told {dict(told)}"
    for row in registry.sessions_of(user["id"]):
        if row["sv"] > user["sv"]:
            yield f"I14 {row['id']}: of a session version that never was"


def redeemed_once(registry: Registry, session: ClientSession) -> Iterator[str]:
    """One-time tokens work once, and are gone afterwards."""
    accepted: Counter[str] = Counter()
    # A link clicked twice at once may tell both clicks that the address is verified now;
    # that it became so by one event is for `versions` to see.
    verified: set[str] = set()
    for exchange in session.history:
        if exchange.request.path == "/users/verify-email":
            verified.add(exchange.request.body["token"])
        name = ONCE_ONLY.get(exchange.request.path)
        if name is not None and exchange.reply.is_accepted:
            accepted[exchange.request.body[name]] += 1
    for token, times in accepted.items():
        if times > 1 and token not in verified:
            yield f"I14 a one-time token worked {times} times"
        if hashlib.sha256(token.encode()).hexdigest() in registry.tokens:
            yield "I14 a one-time token is left after its use"


def rotated_once(session: ClientSession) -> Iterator[str]:
    """A refresh token has one successor, however often it is answered."""
    successors: dict[str, set[str]] = defaultdict(set)
    for exchange in session.history:
        if exchange.request.path == "/users/token/refresh" and exchange.reply.is_accepted:
            presented = exchange.request.body["refresh_token"]
            successors[presented].add(exchange.reply.body["refresh_token"])
    for presented, made in successors.items():
        if len(made) > 1:
            yield f"I14 {presented[:30]}: {len(made)} successors"


def never_back(registry: Registry, session: ClientSession) -> Iterator[str]:
    """No session falls behind a refresh token that was granted."""
    for exchange in session.history:
        body = exchange.reply.body
        if not exchange.reply.is_accepted or not isinstance(body, dict):
            continue
        pair = body.get("tokens", body)
        if "refresh_token" in pair:
            session_id, generation, _mac = pair["refresh_token"].split(".")
            present = registry.sessions[session_id]["generation"]
            if present < int(generation):
                yield f"I14 {session_id}: back at {present} after {generation} was granted"


def claims_of(access_token: str) -> Row:
    """What an access token says."""
    part = access_token.split(".")[1]
    said: Row = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return said
