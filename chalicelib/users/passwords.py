"""Passwords forgotten, reset and changed; each new one ends sessions that came before it."""

from dataclasses import replace

from chalicelib.kernel.clock import instant
from chalicelib.kernel.domain_events import (
    EMAIL_VERIFICATION_REQUESTED,
    PASSWORD_CHANGED,
    PASSWORD_RESET_REQUESTED,
)
from chalicelib.kernel.errors import Forbidden, TokenExpired, Unauthenticated
from chalicelib.users.changes import MoveSession, RedeemToken, Step
from chalicelib.users.common_passwords import require_uncommon
from chalicelib.users.one_time import decoy_work, find_token, mailed, may_mail
from chalicelib.users.ports import Deps, Limit, settled
from chalicelib.users.rules import (
    RESET_VALID_S,
    VERIFY_VALID_S,
    Admitted,
    Origin,
    Purpose,
    Session,
    Status,
    User,
    customer_origin,
    user_event,
)
from chalicelib.users.schemas import PasswordChange, PasswordReset
from chalicelib.users.sessions import TokenGrant, granted, next_generation


class WrongPassword(Forbidden):
    """The present password, asked for as a proof, is wrong."""

    code = "wrong_password"
    message = "The password is wrong."


def forgot(email: str, origin: Origin, deps: Deps) -> None:
    """Have a reset link mailed, or the verification link to whoever never verified."""
    email_key = deps.lookups.email_key(email)
    is_mailed = may_mail(Limit.MAIL_RESET, email_key, deps)

    def attempt() -> None:
        user = deps.store.user_of_email(email_key)
        if user is None or not is_mailed or user.status == Status.DISABLED:
            return decoy_work(deps)
        if user.status == Status.UNVERIFIED:
            kind, valid = EMAIL_VERIFICATION_REQUESTED, (Purpose.VERIFY, VERIFY_VALID_S)
        else:
            kind, valid = PASSWORD_RESET_REQUESTED, (Purpose.RESET, RESET_VALID_S)
        return deps.store.commit(*mailed(kind, user, origin, deps, valid=valid))

    settled(attempt)


def reset(asked: PasswordReset, origin: Origin, deps: Deps) -> None:
    """Set a new password with a mailed token; all sessions end, the second factor stays.

    The token dies with this, and every earlier one with it: they were made for an older `sv`.
    """
    found = find_token(asked.token, Purpose.RESET, deps)
    owner = deps.store.user(found.user_id)
    require_uncommon(asked.password, owner.email if owner else "")
    password_hash = deps.passwords.hashed(asked.password)

    def attempt() -> None:
        user = deps.store.user(found.user_id)
        if user is None or user.status != Status.ACTIVE or user.sv != found.sv:
            raise TokenExpired
        now = instant(deps.clock.now())
        after = user.signed_out(now, password_hash=password_hash)
        author = customer_origin(user.id, origin)
        event = user_event(PASSWORD_CHANGED, after, author, {"method": "reset"})
        deps.store.commit(RedeemToken(found, now), Step(user, after, event))

    settled(attempt)


def change(asked: PasswordChange, admitted: Admitted, origin: Origin, deps: Deps) -> TokenGrant:
    """Set a new password with the present one; the caller's session goes on, all others end."""
    user = prove_password(admitted, asked.current_password, deps)
    require_uncommon(asked.new_password, user.email, field="new_password")
    password_hash = deps.passwords.hashed(asked.new_password)

    def attempt() -> TokenGrant:
        before = as_proved(user, deps)
        session = own_session(before, admitted.session_id, deps)
        after = before.signed_out(instant(deps.clock.now()), password_hash=password_hash)
        kept = kept_session(session, after)
        event = user_event(PASSWORD_CHANGED, after, origin, {"method": "change"})
        deps.store.commit(Step(before, after, event), MoveSession(session, kept))
        return granted(after, kept, deps)

    return settled(attempt)


def as_proved(user: User, deps: Deps) -> User:
    """The user as it stands now; Unauthenticated if the proof was of an older password."""
    present = deps.store.user(user.id)
    if present is None or present.sv != user.sv:
        raise Unauthenticated
    return present


def prove_password(admitted: Admitted, password: str, deps: Deps) -> User:
    """The user, once the password is proved; WrongPassword otherwise, and only so often."""
    user = deps.store.user(admitted.user_id)
    if user is None:
        raise Unauthenticated
    deps.limits.attempt(Limit.PASSWORD, admitted.session_id)
    if not deps.passwords.is_right(password, user.password_hash):
        raise WrongPassword
    deps.limits.forgive(Limit.PASSWORD, admitted.session_id)
    return user


def own_session(user: User, session_id: str, deps: Deps) -> Session:
    """The caller's own session; Unauthenticated if it is over."""
    session = deps.store.session(user.id, session_id)
    if session is None or not session.is_live(user, instant(deps.clock.now())):
        raise Unauthenticated
    return session


def kept_session(session: Session, after: User) -> Session:
    """The caller's session, carried over to the user's next `sv` under a new refresh token."""
    return replace(next_generation(session, after.updated_at), sv=after.sv)
