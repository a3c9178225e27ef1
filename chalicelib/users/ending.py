"""The end of sessions: one, all, or a chosen one; and the list of those that live."""

from collections.abc import Sequence

from chalicelib.kernel.clock import instant
from chalicelib.kernel.domain_events import SESSIONS_REVOKED
from chalicelib.kernel.errors import NotFound, Unauthenticated
from chalicelib.users.changes import RevokeSession, Step
from chalicelib.users.ports import Deps, settled
from chalicelib.users.rules import Origin, Session, User, user_event


def end_session(user: User, session: Session, reason: str, origin: Origin, deps: Deps) -> None:
    """End one session, with the event that tells why."""
    after = user.changed(instant(deps.clock.now()))
    told = {"session_ids": [session.id], "reason": reason}
    event = user_event(SESSIONS_REVOKED, after, origin, told)
    deps.store.commit(RevokeSession(session, after.updated_at), Step(user, after, event))


def logout(user_id: str, session_id: str, origin: Origin, deps: Deps) -> None:
    """End the caller's own session."""

    def attempt() -> None:
        user, session = deps.store.user(user_id), deps.store.session(user_id, session_id)
        if user and session and session.is_live(user, instant(deps.clock.now())):
            end_session(user, session, "logout", origin, deps)

    settled(attempt)


def logout_all(user_id: str, origin: Origin, deps: Deps) -> None:
    """End every session of the caller."""

    def attempt() -> None:
        user = deps.store.user(user_id)
        if user is None:
            raise Unauthenticated
        after = user.signed_out(instant(deps.clock.now()))
        told = {"session_ids": [], "reason": "logout_all"}
        deps.store.commit(Step(user, after, user_event(SESSIONS_REVOKED, after, origin, told)))

    settled(attempt)


def live_sessions(user_id: str, deps: Deps) -> Sequence[Session]:
    """The caller's live sessions, newest first."""
    user, now = deps.store.user(user_id), instant(deps.clock.now())
    if user is None:
        raise NotFound
    return [one for one in deps.store.sessions(user_id) if one.is_live(user, now)]


def revoke_session(user_id: str, session_id: str, origin: Origin, deps: Deps) -> None:
    """End one of the caller's live sessions; NotFound for any other."""
    was_live = False

    def attempt() -> None:
        nonlocal was_live
        user, session = deps.store.user(user_id), deps.store.session(user_id, session_id)
        if user is None or session is None or not session.is_live(user, instant(deps.clock.now())):
            if was_live:
                # Ended meanwhile, perhaps by our own lost request.
                return
            raise NotFound
        was_live = True
        end_session(user, session, "revoked", origin, deps)

    settled(attempt)
