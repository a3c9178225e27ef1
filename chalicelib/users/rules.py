"""Users and sessions: entities, bounds, and what follows from a state; no input or output."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final

from chalicelib.kernel.clock import instant, later, moment
from chalicelib.kernel.domain_events import Actor, Cause, DomainEvent, EventType
from chalicelib.kernel.errors import Conflict
from chalicelib.kernel.roles import Role

VERIFY_VALID_S: Final = 86_400
RESET_VALID_S: Final = 900
CHALLENGE_VALID_S: Final = 300
SESSION_VALID_S: Final = 30 * 86_400
REFRESH_GRACE_S: Final = 10
CHALLENGE_FAILURES_MAX: Final = 5


class Status(StrEnum):
    """Where an account stands: UNVERIFIED → ACTIVE ⇄ DISABLED."""

    UNVERIFIED = "UNVERIFIED"
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class Purpose(StrEnum):
    """What a one-time token is for; decoys are for nothing and are never redeemed."""

    VERIFY = "verify"
    RESET = "reset"
    MFA = "mfa"
    DECOY = "decoy"


@dataclass(frozen=True, slots=True)
class User:
    """One account; `email` is lower-case, `sv` counts what ends all its sessions."""

    id: str
    email: str
    email_key: str
    name: str
    locale: str
    role: str
    status: str
    password_hash: str
    created_at: str
    updated_at: str
    phone: str | None = None
    sv: int = 1
    mfa_enabled: bool = False
    version: int = 1

    def changed(self, at: str, **changes: Any) -> "User":  # Any: fields of several types
        """The next version of this user."""
        return replace(self, **changes, updated_at=at, version=self.version + 1)

    def signed_out(self, at: str, **changes: Any) -> "User":  # Any: as in changed
        """The next version of this user, with all its sessions ended."""
        return self.changed(at, sv=self.sv + 1, **changes)

    def moved(self, at: str, source: Status, target: Status, **changes: Any) -> "User":  # Any: same
        """The user in another status; Conflict unless it is in `source` now."""
        if self.status != source:
            raise Conflict
        return self.changed(at, status=target, **changes)


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in device, with the generation of its refresh token."""

    id: str
    user_id: str
    sv: int
    generation: int
    rotated_at: str
    device: str
    ip_hint: str
    created_at: str
    last_used_at: str
    expires_at: str
    mfa_at: str | None = None
    revoked_at: str | None = None

    def is_live(self, user: User, now: str) -> bool:
        """Whether the session still stands for its active user."""
        return (
            user.status == Status.ACTIVE
            and self.sv == user.sv
            and self.revoked_at is None
            and self.expires_at > now
        )


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who was let in with a request: the user, the session, and the `sv` that counted then."""

    user_id: str
    session_id: str
    sv: int

    def is_still(self, user: User | None) -> bool:
        """Whether nothing has ended the user's sessions since."""
        return user is not None and user.status == Status.ACTIVE and user.sv == self.sv


@dataclass(frozen=True, slots=True)
class OneTimeToken:
    """What is kept of a one-time token: its hash, its purpose and until when it counts.

    `sv` is the user's when it was made: reset tokens and challenges die with the sessions.
    """

    token_hash: str
    purpose: str
    user_id: str
    sv: int
    expires_at: str
    failures: int = 0


class Refresh(StrEnum):
    """What a refresh token is worth: a new pair, the same pair again, nothing, or an alarm."""

    ROTATE = "rotate"
    REPEAT = "repeat"
    REFUSE = "refuse"
    REUSE = "reuse"


def refresh_verdict(session: Session, user: User, generation: int, now: datetime) -> Refresh:
    """What to do with a refresh token of `generation`.

    The token just used is answered again for ten seconds, since a reply may be lost; any
    older one was stolen from somebody, and nobody can tell from whom.
    """
    if not session.is_live(user, instant(now)) or generation > session.generation:
        return Refresh.REFUSE
    if generation == session.generation:
        return Refresh.ROTATE
    grace_ends = later(moment(session.rotated_at), REFRESH_GRACE_S)
    if generation == session.generation - 1 and now <= grace_ends:
        return Refresh.REPEAT
    return Refresh.REUSE


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from: who acts, in which chain of calls, from which address.

    `admitted` is who was let in with it, if anybody was.
    """

    actor: Actor
    correlation_id: str
    client_ip: str = "unknown"
    admitted: Admitted | None = None

    def cause(self, at: str) -> Cause:
        """What events owe to this request."""
        return Cause(at, self.actor, self.correlation_id)


def customer_origin(user_id: str, origin: Origin) -> Origin:
    """The same request, acted by the user whom it turned out to be about."""
    return replace(origin, actor=Actor("customer", user_id))


def user_event(
    kind: EventType, user: User, origin: Origin, data: Mapping[str, Any] | None = None
) -> DomainEvent:
    """The one event of this version of a user (Any: JSON values)."""
    fields = kind.data(user_id=user.id, **(data or {}))
    return DomainEvent(kind, user.id, user.version, origin.cause(user.updated_at), fields)


def normal_email(email: str) -> str:
    """E-mail addresses are compared and kept in lower case."""
    return email.lower()


def masked_email(email: str) -> str:
    """An address as staff see it: a***@souk.example."""
    local, _, domain = email.partition("@")
    return f"{local[:1]}***@{domain}"


def ip_hint(address: str) -> str:
    """An address without its last part, enough for its owner to recognise."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    kept_bits = 48 if isinstance(parsed, IPv6Address) else 24
    return str(ip_network(f"{address}/{kept_bits}", strict=False).network_address)


def is_staff(role: str) -> bool:
    """Whether a role is one of the shop's people."""
    return role != Role.CUSTOMER
