"""Accounts: register, verify, profile; the front door of the slice.

No answer here tells a stranger whether an address has an account: known and unknown addresses
get the same reply for the same work (a decoy transaction where there is nothing to write).
"""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.kernel.clock import instant
from chalicelib.kernel.domain_events import (
    EMAIL_VERIFICATION_REQUESTED,
    EMAIL_VERIFIED,
    PROFILE_UPDATED,
    REGISTRATION_REPEATED,
    ROLE_CHANGED,
    USER_REGISTERED,
)
from chalicelib.kernel.errors import Conflict, NotFound, TokenExpired, Unauthenticated
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.kernel.roles import Role
from chalicelib.users.changes import Change, ClaimOnce, IssueToken, NewUser, RedeemToken, Step
from chalicelib.users.common_passwords import require_uncommon
from chalicelib.users.one_time import decoy, decoy_work, find_token, kept, mailed, may_mail
from chalicelib.users.ports import Activity, Deps, DoneBefore, Limit, Stale, settled
from chalicelib.users.rules import (
    VERIFY_VALID_S,
    Admitted,
    Origin,
    Purpose,
    Status,
    User,
    customer_origin,
    normal_email,
    user_event,
)
from chalicelib.users.schemas import Registration

FIRST_ADMIN: Final = "first-admin"


class FirstAdminExists(Conflict):
    """The first administrator was made before; further ones are appointed by an administrator."""

    message = "This deployment has had its first administrator."


def register(asked: Registration, origin: Origin, deps: Deps) -> None:
    """Make an account that waits for its address to be verified, and have the mail sent.

    A known address changes nothing, but its owner is told by mail: they tried again, or
    somebody else did.
    """
    require_uncommon(asked.password, asked.email)
    user = _new_user(asked, deps)
    is_mailed = may_mail(Limit.MAIL_REPEATED, user.email_key, deps)

    def attempt() -> None:
        owner = deps.store.user_of_email(user.email_key)
        if owner is None:
            deps.store.commit(*_registered(user, origin, deps))
        elif not is_mailed or owner.status == Status.DISABLED:
            decoy_work(deps)
        elif owner.status == Status.UNVERIFIED:
            deps.store.commit(*_verification(owner, origin, deps))
        else:
            deps.store.commit(_repeated(owner, origin, deps), decoy(deps))

    settled(attempt)


def _new_user(asked: Registration, deps: Deps) -> User:
    """A user from a registration; hashed whoever has the address, so that both cost the same."""
    now = instant(deps.clock.now())
    return User(
        id=deps.ids.new("usr"),
        email=normal_email(asked.email),
        email_key=deps.lookups.email_key(asked.email),
        name=asked.name,
        locale=asked.locale,
        password_hash=deps.passwords.hashed(asked.password),
        created_at=now,
        updated_at=now,
        role=Role.CUSTOMER.value,
        status=Status.UNVERIFIED.value,
    )


def _registered(user: User, origin: Origin, deps: Deps) -> list[Change]:
    kid = deps.links.kid()
    event = user_event(USER_REGISTERED, user, customer_origin(user.id, origin), {"kid": kid})
    token = deps.links.token(kid, event.event_id)
    valid = (Purpose.VERIFY, VERIFY_VALID_S)
    return [NewUser(user, event), IssueToken(kept(token, user, deps, valid=valid))]


def _verification(user: User, origin: Origin, deps: Deps) -> list[Change]:
    valid = (Purpose.VERIFY, VERIFY_VALID_S)
    return mailed(EMAIL_VERIFICATION_REQUESTED, user, origin, deps, valid=valid)


def _repeated(owner: User, origin: Origin, deps: Deps) -> Step:
    after = owner.changed(instant(deps.clock.now()))
    return Step(owner, after, user_event(REGISTRATION_REPEATED, after, origin))


def resend_verification(email: str, origin: Origin, deps: Deps) -> None:
    """Have the verification mail sent again, if somebody waits for it at this address."""
    email_key = deps.lookups.email_key(email)
    is_mailed = may_mail(Limit.MAIL_VERIFY, email_key, deps)

    def attempt() -> None:
        user = deps.store.user_of_email(email_key)
        if user is None or not is_mailed or user.status != Status.UNVERIFIED:
            decoy_work(deps)
        else:
            deps.store.commit(*_verification(user, origin, deps))

    settled(attempt)


def verify_email(token: str, origin: Origin, deps: Deps) -> None:
    """Count an address as verified; TokenExpired unless the token is good.

    Another good token of an active user is welcome too: it changes nothing any more.
    """
    found = find_token(token, Purpose.VERIFY, deps)

    def attempt() -> None:
        now = instant(deps.clock.now())
        redeem = RedeemToken(found, now)
        match deps.store.user(found.user_id):
            case User(status=Status.UNVERIFIED) as user:
                after = user.moved(now, Status.UNVERIFIED, Status.ACTIVE)
                event = user_event(EMAIL_VERIFIED, after, customer_origin(user.id, origin))
                _redeem(deps, found.token_hash, redeem, Step(user, after, event))
            case User(status=Status.ACTIVE):
                _redeem(deps, found.token_hash, redeem)
            case _:
                raise TokenExpired

    settled(attempt)


def _redeem(deps: Deps, token_hash: str, *several: Change) -> None:
    """Commit with a token; gone meanwhile, it was used (perhaps by our own lost request)."""
    try:
        deps.store.commit(*several)
    except Stale:
        if deps.store.one_time_token(token_hash) is None:
            return
        raise


def profile(user_id: str, deps: Deps) -> User:
    """One user; NotFound if there is none."""
    user = deps.store.user(user_id)
    if user is None:
        raise NotFound
    return user


def update_profile(
    admitted: Admitted, wanted: Mapping[str, Any], origin: Origin, deps: Deps
) -> User:  # Any: fields of several types
    """Change name, phone or locale; what stays as it is makes no event."""

    def attempt() -> User:
        user = profile(admitted.user_id, deps)
        if not admitted.is_still(user):
            # Closed or signed out everywhere since the caller was let in.
            raise Unauthenticated
        changed = {name: value for name, value in wanted.items() if getattr(user, name) != value}
        if not changed:
            return user
        after = user.changed(instant(deps.clock.now()), **changed)
        event = user_event(PROFILE_UPDATED, after, origin, {"changed": sorted(changed)})
        deps.store.commit(Step(user, after, event))
        return after

    return settled(attempt)


def activity(user_id: str, page: PageRequest, deps: Deps) -> Page[Activity]:
    """What happened to an account, newest first."""
    return deps.store.activity(user_id, page)


def appoint_first_admin(email: str, origin: Origin, deps: Deps) -> User:
    """Make a verified user the first administrator of a deployment, which can be done once.

    For a command of whoever deploys, with credentials of the account; no route leads here.
    Again for the same person it changes nothing; FirstAdminExists for anybody else.
    """

    def attempt() -> User:
        user = deps.store.user_of_email(deps.lookups.email_key(email))
        if user is None or user.status != Status.ACTIVE:
            raise NotFound("No verified account has this address: register first.")
        if user.role == Role.ADMIN:
            return user
        moved = {"from": user.role, "to": Role.ADMIN.value}
        after = user.signed_out(instant(deps.clock.now()), role=Role.ADMIN.value)
        event = user_event(ROLE_CHANGED, after, origin, moved)
        claim = ClaimOnce(FIRST_ADMIN, after.updated_at)
        deps.store.commit(claim, Step(user, after, event))
        return after

    try:
        return settled(attempt)
    except DoneBefore:
        raise FirstAdminExists from None
