"""The second factor: set up, confirmed, given up; recovery codes; proved again (step-up)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.kernel.clock import instant
from chalicelib.kernel.domain_events import MFA_CHANGED
from chalicelib.kernel.errors import Conflict, NotFound, Unauthenticated
from chalicelib.users.changes import DropMfa, MoveMfa, MoveSession, SetUpMfa, Step, StillAdmitted
from chalicelib.users.codes import SECRET_BYTES, recovery_codes, use_code, use_totp
from chalicelib.users.passwords import as_proved, kept_session, own_session, prove_password
from chalicelib.users.ports import Deps, Limit, Stale, settled, settled_inside
from chalicelib.users.possessions import Mfa, MfaState
from chalicelib.users.rules import Admitted, Origin, Session, User, user_event
from chalicelib.users.sessions import MfaInvalid, TokenGrant, granted


@dataclass(frozen=True, slots=True)
class TurnedOn:
    """A second factor that counts from now on."""

    recovery_codes: list[str]
    tokens: TokenGrant


def set_up(admitted: Admitted, password: str, deps: Deps) -> tuple[Mfa, User]:
    """A new secret that waits for its first code; Conflict if a second factor is on."""
    user = prove_password(admitted, password, deps)
    secret, serial = deps.ids.token_bytes(SECRET_BYTES), deps.ids.new("mfa")
    waiting = Mfa(user.id, serial, secret, MfaState.PENDING.value)
    try:
        deps.store.commit(SetUpMfa(waiting), StillAdmitted(admitted))
    except Stale:
        if not admitted.is_still(deps.store.user(user.id)):
            raise Unauthenticated from None
        raise Conflict from None
    return waiting, user


def confirm(admitted: Admitted, code: str, origin: Origin, deps: Deps) -> TurnedOn:
    """Turn the second factor on with its first code; all other sessions end."""
    codes = recovery_codes(deps)
    hashes = tuple(deps.lookups.recovery_hash(admitted.user_id, one) for one in codes)

    def attempt() -> TurnedOn:
        mfa = _factor(admitted, MfaState.PENDING, deps)
        used = _counted(admitted, lambda: use_totp(mfa, code, deps), deps)
        turned_on = replace(used, state=MfaState.ON.value, recovery_hashes=hashes)
        change = MoveMfa(mfa, turned_on)
        return TurnedOn(codes, _switched(admitted, change, origin, deps, is_on=True))

    return settled(attempt)


def turn_off(admitted: Admitted, proofs: tuple[str, str], origin: Origin, deps: Deps) -> TokenGrant:
    """Give the second factor up with password and code; all other sessions end."""
    password, code = proofs
    user = prove_password(admitted, password, deps)

    def attempt() -> TokenGrant:
        as_proved(user, deps)
        mfa = _factor(admitted, MfaState.ON, deps)
        _counted(admitted, lambda: use_code(mfa, code, deps), deps)
        return _switched(admitted, DropMfa(mfa), origin, deps, is_on=False)

    return settled(attempt)


def renew_recovery_codes(admitted: Admitted, code: str, deps: Deps) -> list[str]:
    """Ten new recovery codes; the old ones are void."""
    codes = recovery_codes(deps)
    hashes = tuple(deps.lookups.recovery_hash(admitted.user_id, one) for one in codes)

    def attempt() -> list[str]:
        mfa = _factor(admitted, MfaState.ON, deps)
        if mfa.recovery_hashes == hashes:
            return codes  # our own write, whose reply was lost
        used = _counted(admitted, lambda: use_code(mfa, code, deps), deps)
        renewed = replace(used, recovery_hashes=hashes)
        deps.store.commit(MoveMfa(mfa, renewed), StillAdmitted(admitted))
        return codes

    return settled_inside(admitted, attempt, deps)


def step_up(admitted: Admitted, code: str, deps: Deps) -> None:
    """Prove the second factor again in this session."""
    proved_at = instant(deps.clock.now())
    was_tried = False

    def attempt() -> None:
        nonlocal was_tried
        session = _session(admitted, deps)
        if was_tried and session.mfa_at == proved_at:
            return  # our own write, whose reply was lost
        was_tried = True
        mfa = _factor(admitted, MfaState.ON, deps)
        used = _counted(admitted, lambda: use_code(mfa, code, deps), deps)
        proved = MoveSession(session, _proved(session, proved_at))
        deps.store.commit(MoveMfa(mfa, used), proved, StillAdmitted(admitted))

    settled_inside(admitted, attempt, deps)


def _proved(session: Session, at: str) -> Session:
    return replace(session, mfa_at=at, last_used_at=at)


def _factor(admitted: Admitted, state: MfaState, deps: Deps) -> Mfa:
    mfa = deps.store.mfa(admitted.user_id)
    if mfa is None or mfa.state != state:
        raise Conflict
    return mfa


def _session(admitted: Admitted, deps: Deps) -> Session:
    user = deps.store.user(admitted.user_id)
    if user is None:
        raise NotFound
    return own_session(user, admitted.session_id, deps)


def _counted(admitted: Admitted, use: Callable[[], Mfa | None], deps: Deps) -> Mfa:
    """The factor with a code used up; MfaInvalid otherwise, and only so often a session."""
    deps.limits.attempt(Limit.MFA, admitted.session_id)
    used = use()
    if used is None:
        raise MfaInvalid
    deps.limits.forgive(Limit.MFA, admitted.session_id)
    return used


def _switched(
    admitted: Admitted, change: MoveMfa | DropMfa, origin: Origin, deps: Deps, *, is_on: bool
) -> TokenGrant:
    user = deps.store.user(admitted.user_id)
    if user is None:
        raise NotFound
    session = own_session(user, admitted.session_id, deps)
    after = user.signed_out(instant(deps.clock.now()), mfa_enabled=is_on)
    kept = replace(kept_session(session, after), mfa_at=after.updated_at if is_on else None)
    event = user_event(MFA_CHANGED, after, origin, {"enabled": is_on})
    deps.store.commit(Step(user, after, event), change, MoveSession(session, kept))
    return granted(after, kept, deps)
