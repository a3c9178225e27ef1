"""The users' ports in memory; the store passes the same contract suite as the table's."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import singledispatchmethod
from typing import Any

from chalicelib.kernel.errors import RateLimited
from chalicelib.kernel.ids import Ids
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.users import changes
from chalicelib.users.limits import RULES
from chalicelib.users.ports import Activity, Deps, DoneBefore, Limit, Stale
from chalicelib.users.possessions import Address, AddressBook, Device, DeviceList, Mfa, Preferences
from chalicelib.users.rules import OneTimeToken, Session, User

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Shelves:
    """Everything the fake store holds."""

    users: dict[str, User] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    tokens: dict[str, OneTimeToken] = field(default_factory=dict)
    factors: dict[str, Mfa] = field(default_factory=dict)
    wishes: dict[str, Preferences] = field(default_factory=dict)
    addresses: dict[tuple[str, str], Address] = field(default_factory=dict)
    devices: dict[tuple[str, str], Device] = field(default_factory=dict)
    editions: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: list[Any] = field(default_factory=list)
    once: set[str] = field(default_factory=set)

    def copied(self) -> "Shelves":
        """A copy to try changes on."""
        return Shelves(*(type(shelf)(shelf) for shelf in vars(self).values()))


def require(holds: bool, fact: type[Exception] = Stale) -> None:  # noqa: FBT001 - reads as a claim
    """A condition of a change."""
    if not holds:
        raise fact


class FakeStore:
    """Implements `ports.Store`; `before_commit` runs first, to let somebody else be faster."""

    def __init__(self) -> None:
        self.held = Shelves()
        self.before_commit: list[Callable[[], None]] = []

    def user(self, user_id: str) -> User | None:
        return self.held.users.get(user_id)

    def user_of_email(self, email_key: str) -> User | None:
        return self.held.users.get(self.held.owners.get(email_key, ""))

    def session(self, user_id: str, session_id: str) -> Session | None:
        found = self.held.sessions.get(session_id)
        return found if found and found.user_id == user_id else None

    def sessions(self, user_id: str) -> Sequence[Session]:
        own = [one for one in self.held.sessions.values() if one.user_id == user_id]
        return sorted(own, key=lambda one: one.id, reverse=True)

    def one_time_token(self, token_hash: str) -> OneTimeToken | None:
        return self.held.tokens.get(token_hash)

    def mfa(self, user_id: str) -> Mfa | None:
        return self.held.factors.get(user_id)

    def preferences(self, user_id: str) -> Preferences:
        return self.held.wishes.get(user_id, Preferences())

    def address_book(self, user_id: str) -> AddressBook:
        own = [one for (owner, _), one in sorted(self.held.addresses.items()) if owner == user_id]
        return AddressBook(self.held.editions["addresses", user_id], tuple(own))

    def device_list(self, user_id: str) -> DeviceList:
        own = [one for (owner, _), one in sorted(self.held.devices.items()) if owner == user_id]
        return DeviceList(self.held.editions["devices", user_id], tuple(own))

    def activity(self, user_id: str, page: PageRequest) -> Page[Activity]:
        own = [event for event in reversed(self.held.events) if event.aggregate_id == user_id]
        told = [Activity(one.type.name, one.occurred_at, one.cause.actor.type) for one in own]
        start = int((page.after or {}).get("at", "0"))
        end = start + page.limit
        return Page(tuple(told[start:end]), {"at": str(end)} if end < len(told) else None)

    def staff(self, role: str, page: PageRequest) -> Page[User]:
        people = [one for one in self.held.users.values() if one.role == role]
        people.sort(key=lambda one: (one.created_at, one.id), reverse=True)
        start = int((page.after or {}).get("at", "0"))
        end = start + page.limit
        return Page(tuple(people[start:end]), {"at": str(end)} if end < len(people) else None)

    def commit(self, *several: changes.Change) -> None:
        faster, self.before_commit = self.before_commit, []
        for somebody in faster:
            somebody()
        tried = self.held.copied()
        for change in several:
            Applying(tried).of(change)
        self.held = tried


class Applying:
    """Applies one change to the shelves, or says what no longer holds."""

    def __init__(self, held: Shelves) -> None:
        self.held = held

    @singledispatchmethod
    def of(self, change: Any) -> None:
        """Apply one change."""
        raise TypeError(type(change).__name__)

    @of.register
    def _(self, change: changes.NewUser) -> None:
        user = change.user
        require(user.email_key not in self.held.owners and user.id not in self.held.users)
        self.held.owners[user.email_key] = user.id
        self.held.users[user.id] = user
        self.held.events.append(change.event)

    @of.register
    def _(self, change: changes.ClaimOnce) -> None:
        require(change.name not in self.held.once, DoneBefore)
        self.held.once.add(change.name)

    @of.register
    def _(self, change: changes.Step) -> None:
        present = self.held.users.get(change.after.id)
        require(present is not None and present.version == change.before.version)
        self.held.users[change.after.id] = change.after
        self.held.events.append(change.event)

    @of.register
    def _(self, change: changes.Rehash) -> None:
        present = self.held.users.get(change.user.id)
        require(present is not None and present.password_hash == change.user.password_hash)
        renewed = replace(change.user, password_hash=change.password_hash)
        self.held.users[change.user.id] = renewed

    @of.register
    def _(self, change: changes.StillActive) -> None:
        present = self.held.users.get(change.user.id)
        require(present is not None and present.status == "ACTIVE")
        require(present is not None and present.sv == change.user.sv)

    @of.register
    def _(self, change: changes.StillAdmitted) -> None:
        require(change.admitted.is_still(self.held.users.get(change.admitted.user_id)))

    @of.register
    def _(self, change: changes.IssueToken) -> None:
        require(change.token.token_hash not in self.held.tokens)
        self.held.tokens[change.token.token_hash] = change.token

    @of.register
    def _(self, change: changes.RedeemToken) -> None:
        present = self.held.tokens.get(change.token.token_hash)
        require(present is not None and present.purpose == change.token.purpose)
        require(present is not None and present.expires_at > change.now)
        del self.held.tokens[change.token.token_hash]

    @of.register
    def _(self, change: changes.CountFailure) -> None:
        present = self.held.tokens.get(change.token.token_hash)
        require(present is not None and present.expires_at > change.now)
        require(present is not None and present.failures < change.failures_max)
        if present is not None:
            counted = replace(present, failures=present.failures + 1)
            self.held.tokens[present.token_hash] = counted

    @of.register
    def _(self, change: changes.OpenSession) -> None:
        require(change.session.id not in self.held.sessions)
        self.held.sessions[change.session.id] = change.session

    @of.register
    def _(self, change: changes.MoveSession) -> None:
        before, present = change.before, self.held.sessions.get(change.before.id)
        require(present is not None and present.revoked_at is None)
        require(present is not None and present.expires_at > change.after.last_used_at)
        require(present is not None and present.generation == before.generation)
        require(present is not None and present.sv == before.sv)
        self.held.sessions[before.id] = change.after

    @of.register
    def _(self, change: changes.RevokeSession) -> None:
        present = self.held.sessions.get(change.session.id)
        require(present is not None and present.revoked_at is None)
        ended = replace(change.session, revoked_at=change.at)
        self.held.sessions[change.session.id] = ended

    @of.register
    def _(self, change: changes.SetUpMfa) -> None:
        present = self.held.factors.get(change.mfa.user_id)
        require(present is None or present.state == "PENDING")
        self.held.factors[change.mfa.user_id] = change.mfa

    @of.register
    def _(self, change: changes.MoveMfa) -> None:
        require(self.held.factors.get(change.before.user_id) == change.before)
        self.held.factors[change.before.user_id] = change.after

    @of.register
    def _(self, change: changes.DropMfa) -> None:
        require(self.held.factors.get(change.mfa.user_id) == change.mfa)
        del self.held.factors[change.mfa.user_id]

    @of.register
    def _(self, change: changes.SetPreferences) -> None:
        require(change.user_id in self.held.users)
        self.held.wishes[change.user_id] = change.preferences

    @of.register
    def _(self, change: changes.ChangeAddresses) -> None:
        self._next_edition(("addresses", change.user_id), change.book.edition)
        for address in change.written:
            self.held.addresses[change.user_id, address.id] = address
        for address_id in change.deleted:
            require(self.held.addresses.pop((change.user_id, address_id), None) is not None)

    @of.register
    def _(self, change: changes.ChangeDevices) -> None:
        self._next_edition(("devices", change.user_id), change.devices.edition)
        for device in change.added:
            self.held.devices[change.user_id, device.id] = device
        for device_id in change.deleted:
            require(self.held.devices.pop((change.user_id, device_id), None) is not None)

    def _next_edition(self, of_list: tuple[str, str], edition: int) -> None:
        require(of_list[1] in self.held.users and self.held.editions[of_list] == edition)
        self.held.editions[of_list] += 1


class PlainPasswords:
    """Implements `ports.Passwords` without the cost; counts how often it worked."""

    def __init__(self) -> None:
        self.worked = 0
        self.outdated: set[str] = set()

    def hashed(self, password: str) -> str:
        self.worked += 1
        return f"hash of {password}"

    def is_right(self, password: str, password_hash: str | None) -> bool:
        self.worked += 1
        return password_hash in {f"hash of {password}", f"old hash of {password}"}

    def is_outdated(self, password_hash: str) -> bool:
        return password_hash.startswith("old ")


class PlainLookups:
    """Implements `ports.Lookups`."""

    def email_key(self, email: str) -> str:
        return f"key of {email.lower()}"

    def recovery_hash(self, user_id: str, code: str) -> str:
        return f"{user_id}/{code}"


class PlainLinks:
    """Implements `ports.Links`."""

    def kid(self) -> str:
        return "k1"

    def token(self, kid: str, event_id: str) -> str:
        return hashlib.sha256(f"{kid}{event_id}".encode()).hexdigest()[:43]


class PlainCredentials:
    """Implements `ports.Credentials` with tokens that say what they are."""

    def access(self, user: User, session: Session, now: datetime) -> str:
        return f"access {session.id} {user.sv}"

    def refresh(self, session: Session) -> str:
        return f"refresh {session.user_id} {session.id} {session.generation}"

    def read_refresh(self, token: str) -> tuple[str, str, int] | None:
        match token.split(" "):
            case ["refresh", user_id, session_id, generation]:
                return user_id, session_id, int(generation)
        return None


class CountingLimits:
    """Implements `ports.Limits` without windows: tries count until the test is over."""

    def __init__(self) -> None:
        self.tries: Counter[tuple[str, ...]] = Counter()

    def attempt(self, limit: Limit, *subject: str) -> None:
        self.check(limit, *subject)
        self.tries[limit, *subject] += 1

    def forgive(self, limit: Limit, *subject: str) -> None:
        self.tries[limit, *subject] -= 1

    def check(self, limit: Limit, *subject: str) -> None:
        if self.tries[limit, *subject] >= RULES[limit].limit:
            raise RateLimited(1)


class StandingClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.present = NOON

    def now(self) -> datetime:
        return self.present

    def shift(self, seconds: float) -> None:
        """Let time go by."""
        self.present += timedelta(seconds=seconds)


@dataclass
class World:
    """A world to run use cases in, with its parts at hand."""

    store: FakeStore = field(default_factory=FakeStore)
    passwords: PlainPasswords = field(default_factory=PlainPasswords)
    limits: CountingLimits = field(default_factory=CountingLimits)
    clock: StandingClock = field(default_factory=StandingClock)

    def deps(self) -> Deps:
        """What use cases take."""
        return Deps(
            store=self.store,
            passwords=self.passwords,
            lookups=PlainLookups(),
            links=PlainLinks(),
            credentials=PlainCredentials(),
            limits=self.limits,
            clock=self.clock,
            ids=Ids(now_ms=lambda: int(self.clock.now().timestamp() * 1000)),
        )
