"""One-time tokens: mailed ones are made from their event, and nobody's from nothing."""

import base64
import hashlib
from typing import Final

from chalicelib.kernel.clock import instant, later
from chalicelib.kernel.domain_events import EventType
from chalicelib.kernel.errors import RateLimited, TokenExpired
from chalicelib.users.changes import Change, IssueToken, Step
from chalicelib.users.ports import Deps, Limit
from chalicelib.users.rules import OneTimeToken, Origin, Purpose, User, user_event

TOKEN_BYTES: Final = 32
DECOYS: Final = 3
DECOY_VALID_S: Final = 900
_NOBODY: Final = "usr_00000000000000000000000000"


def hashed(token: str) -> str:
    """What is kept of a one-time token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def fresh_token(deps: Deps) -> str:
    """43 base64url characters that nobody can guess."""
    return base64.urlsafe_b64encode(deps.ids.token_bytes(TOKEN_BYTES)).decode().rstrip("=")


def mailed(
    kind: EventType, user: User, origin: Origin, deps: Deps, *, valid: tuple[Purpose, int]
) -> list[Change]:
    """The changes that have a link mailed: an event naming the key, and the link's token.

    `valid` is what the link is good for, and for how many seconds.
    """
    after = user.changed(instant(deps.clock.now()))
    kid = deps.links.kid()
    event = user_event(kind, after, origin, {"kid": kid})
    token = deps.links.token(kid, event.event_id)
    return [Step(user, after, event), IssueToken(kept(token, user, deps, valid=valid))]


def kept(token: str, user: User, deps: Deps, *, valid: tuple[Purpose, int]) -> OneTimeToken:
    """What is kept of a token of this user."""
    purpose, valid_s = valid
    expires_at = instant(later(deps.clock.now(), valid_s))
    return OneTimeToken(hashed(token), purpose.value, user.id, user.sv, expires_at)


def find_token(token: str, purpose: Purpose, deps: Deps) -> OneTimeToken:
    """The token that was sent back; TokenExpired if it is unknown, used or expired."""
    found = deps.store.one_time_token(hashed(token))
    if found is None or found.purpose != purpose or found.expires_at <= instant(deps.clock.now()):
        raise TokenExpired
    return found


def may_mail(limit: Limit, email_key: str, deps: Deps) -> bool:
    """Count one mail to an address; False if that is one too many, which no reply tells."""
    try:
        deps.limits.attempt(limit, email_key)
    except RateLimited:
        return False
    return True


def decoy(deps: Deps) -> IssueToken:
    """A token that nobody holds, for nothing."""
    expires_at = instant(later(deps.clock.now(), DECOY_VALID_S))
    token_hash = hashed(fresh_token(deps))
    return IssueToken(OneTimeToken(token_hash, Purpose.DECOY.value, _NOBODY, 0, expires_at))


def decoy_work(deps: Deps) -> None:
    """Write as much as a mailed link does, so that an unknown address takes as long."""
    deps.store.commit(*(decoy(deps) for _ in range(DECOYS)))
