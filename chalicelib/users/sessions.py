"""Sessions: login in one or two steps, refresh with reuse detection, logout."""

from dataclasses import dataclass, replace
from typing import Final

from chalicelib.kernel.clock import instant, later
from chalicelib.kernel.errors import Forbidden, TokenExpired, Unauthenticated
from chalicelib.users.changes import (
    CountFailure,
    IssueToken,
    MoveMfa,
    MoveSession,
    OpenSession,
    RedeemToken,
    Rehash,
    StillActive,
)
from chalicelib.users.codes import use_code
from chalicelib.users.ending import end_session
from chalicelib.users.one_time import find_token, fresh_token, kept
from chalicelib.users.ports import Deps, Limit, Stale, settled
from chalicelib.users.rules import (
    CHALLENGE_FAILURES_MAX,
    CHALLENGE_VALID_S,
    SESSION_VALID_S,
    OneTimeToken,
    Origin,
    Purpose,
    Refresh,
    Session,
    Status,
    User,
    customer_origin,
    ip_hint,
    refresh_verdict,
)
from chalicelib.users.schemas import Login, MfaLogin

FIRST_GENERATION: Final = 1


class InvalidCredentials(Unauthenticated):
    """No account with this address and password; which of both is wrong stays untold."""

    code = "invalid_credentials"
    message = "The e-mail address or the password is wrong."


class RefreshInvalid(Unauthenticated):
    """The refresh token is unknown, used before, or its session is over."""

    code = "refresh_invalid"
    message = "Please sign in again."


class EmailUnverified(Forbidden):
    """The password is right, but the address was never verified."""

    code = "email_unverified"
    message = "Verify your e-mail address first."


class AccountDisabled(Forbidden):
    """The password is right, but the account was disabled."""

    code = "account_disabled"
    message = "This account is disabled."


class MfaInvalid(Forbidden):
    """The code is wrong, too old, or was used before."""

    code = "mfa_invalid"
    message = "This code is wrong or was used before."


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """The tokens of a session."""

    access: str
    refresh: str
    session_id: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A finished login."""

    user: User
    tokens: TokenGrant


@dataclass(frozen=True, slots=True)
class Challenge:
    """A login whose second step is due."""

    token: str


def login(asked: Login, origin: Origin, deps: Deps) -> SignedIn | Challenge:
    """Sign in, or begin to, where a second factor is on.

    A try is counted before it is looked at, so that many at once are no way around the limit,
    and taken back when it was right.
    """
    email_key = deps.lookups.email_key(asked.email)
    deps.limits.check(Limit.LOGIN_ADDRESS, origin.client_ip)
    deps.limits.attempt(Limit.LOGIN, email_key, origin.client_ip)

    user = deps.store.user_of_email(email_key)
    if not deps.passwords.is_right(asked.password, user.password_hash if user else None):
        user = None
    if user is None:
        deps.limits.attempt(Limit.LOGIN_ADDRESS, origin.client_ip)
        raise InvalidCredentials
    deps.limits.forgive(Limit.LOGIN, email_key, origin.client_ip)

    _renew_hash(user, asked.password, deps)
    _require_usable(user)
    if user.mfa_enabled:
        return _challenged(user, deps)
    return _signed_in(user, asked.device, origin, deps)


def _require_usable(user: User) -> None:
    if user.status == Status.UNVERIFIED:
        raise EmailUnverified
    if user.status != Status.ACTIVE:
        raise AccountDisabled


def _renew_hash(user: User, password: str, deps: Deps) -> None:
    """Hash again with today's parameters; somebody else's change in between is as good."""
    if not deps.passwords.is_outdated(user.password_hash):
        return
    try:
        deps.store.commit(Rehash(user, deps.passwords.hashed(password)))
    except Stale:
        return


def _challenged(user: User, deps: Deps) -> Challenge:
    token = fresh_token(deps)
    valid = (Purpose.MFA, CHALLENGE_VALID_S)
    deps.store.commit(IssueToken(kept(token, user, deps, valid=valid)))
    return Challenge(token)


def _signed_in(user: User, device: str, origin: Origin, deps: Deps) -> SignedIn:
    """Open a session for the user whose password was looked at, and for no later one."""
    session = _new_session(user, device, origin, deps)
    try:
        deps.store.commit(StillActive(user), OpenSession(session))
    except Stale:
        present = deps.store.user(user.id)
        if present is not None:
            _require_usable(present)
        raise InvalidCredentials from None
    return SignedIn(user, granted(user, session, deps))


def _new_session(user: User, device: str, origin: Origin, deps: Deps) -> Session:
    now = deps.clock.now()
    at = instant(now)
    return Session(
        id=deps.ids.new("ses"),
        user_id=user.id,
        sv=user.sv,
        generation=FIRST_GENERATION,
        rotated_at=at,
        device=device,
        ip_hint=ip_hint(origin.client_ip),
        created_at=at,
        last_used_at=at,
        expires_at=instant(later(now, SESSION_VALID_S)),
    )


def granted(user: User, session: Session, deps: Deps) -> TokenGrant:
    """The tokens of a session as it stands."""
    access = deps.credentials.access(user, session, deps.clock.now())
    return TokenGrant(access, deps.credentials.refresh(session), session.id)


def login_mfa(asked: MfaLogin, origin: Origin, deps: Deps) -> SignedIn:
    """Finish a login with a code; five tries a challenge, then it is gone."""
    found = find_token(asked.challenge, Purpose.MFA, deps)
    deps.limits.attempt(Limit.CHALLENGES, found.user_id)
    try:
        deps.store.commit(CountFailure(found, CHALLENGE_FAILURES_MAX, instant(deps.clock.now())))
    except Stale:
        raise TokenExpired from None
    signed_in = settled(lambda: _second_step(found, asked, origin, deps))
    deps.limits.forgive(Limit.CHALLENGES, found.user_id)
    return signed_in


def _second_step(found: OneTimeToken, asked: MfaLogin, origin: Origin, deps: Deps) -> SignedIn:
    find_token(asked.challenge, Purpose.MFA, deps)
    user, mfa = deps.store.user(found.user_id), deps.store.mfa(found.user_id)
    if user is None or mfa is None or user.sv != found.sv or user.status != Status.ACTIVE:
        raise TokenExpired
    used = use_code(mfa, asked.code, deps)
    if used is None:
        raise MfaInvalid
    now = instant(deps.clock.now())
    session = replace(_new_session(user, asked.device, origin, deps), mfa_at=now)
    deps.store.commit(
        RedeemToken(found, now), MoveMfa(mfa, used), StillActive(user), OpenSession(session)
    )
    return SignedIn(user, granted(user, session, deps))


def refresh(token: str, origin: Origin, deps: Deps) -> TokenGrant:
    """The next pair of tokens; RefreshInvalid unless the token is the latest of a live session.

    A token from before ends the session: somebody has a copy.
    """
    known = deps.credentials.read_refresh(token)
    if known is None:
        raise RefreshInvalid
    user_id, session_id, generation = known
    deps.limits.attempt(Limit.REFRESH, session_id)

    def attempt() -> TokenGrant:
        user, session = deps.store.user(user_id), deps.store.session(user_id, session_id)
        if user is None or session is None:
            raise RefreshInvalid
        match refresh_verdict(session, user, generation, deps.clock.now()):
            case Refresh.ROTATE:
                moved = next_generation(session, instant(deps.clock.now()))
                deps.store.commit(MoveSession(session, moved), StillActive(user))
                return granted(user, moved, deps)
            case Refresh.REPEAT:
                return granted(user, session, deps)
            case Refresh.REUSE:
                end_session(user, session, "refresh_reuse", customer_origin(user_id, origin), deps)
        raise RefreshInvalid

    return settled(attempt)


def next_generation(session: Session, at: str) -> Session:
    """The session with its next refresh token."""
    generation = session.generation + 1
    return replace(session, generation=generation, rotated_at=at, last_used_at=at)
