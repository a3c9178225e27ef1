"""What administrators do to accounts: appoint, disable, enable, look up.

Each change holds only while its author is still let in: of two administrators who close each
other's account, one is left.
"""

from collections.abc import Callable

from chalicelib.kernel.clock import instant
from chalicelib.kernel.domain_events import ROLE_CHANGED, USER_DISABLED, USER_ENABLED
from chalicelib.kernel.errors import Conflict, NotFound
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.users.changes import Step, StillAdmitted
from chalicelib.users.ports import Deps, settled_inside
from chalicelib.users.rules import Origin, Status, User, user_event


class OwnAccount(Conflict):
    """Nobody takes their own rights away by mistake."""

    message = "This is your own account."


def change_role(user_id: str, role: str, origin: Origin, deps: Deps) -> User:
    """Give a user another role; all its sessions end. The same role changes nothing."""

    def stepped(user: User) -> Step | None:
        if user.role == role:
            return None
        after = user.signed_out(instant(deps.clock.now()), role=role)
        return Step(
            user, after, user_event(ROLE_CHANGED, after, origin, {"from": user.role, "to": role})
        )

    return _stepped(user_id, stepped, origin, deps)


def disable(user_id: str, origin: Origin, deps: Deps) -> User:
    """Close an active account; all its sessions end."""

    def stepped(user: User) -> Step:
        now = instant(deps.clock.now())
        after = user.moved(now, Status.ACTIVE, Status.DISABLED, sv=user.sv + 1)
        return Step(user, after, user_event(USER_DISABLED, after, origin))

    return _stepped(user_id, stepped, origin, deps)


def enable(user_id: str, origin: Origin, deps: Deps) -> User:
    """Open a disabled account again."""

    def stepped(user: User) -> Step:
        now = instant(deps.clock.now())
        after = user.moved(now, Status.DISABLED, Status.ACTIVE, sv=user.sv + 1)
        return Step(user, after, user_event(USER_ENABLED, after, origin))

    return _stepped(user_id, stepped, origin, deps)


def _stepped(
    user_id: str, decide: Callable[[User], Step | None], origin: Origin, deps: Deps
) -> User:
    if user_id == origin.actor.id:
        raise OwnAccount

    def attempt() -> User:
        user = deps.store.user(user_id)
        if user is None:
            raise NotFound
        decided = decide(user)
        if decided is None:
            return user
        claims = [StillAdmitted(origin.admitted)] if origin.admitted else []
        deps.store.commit(decided, *claims)
        return decided.after

    return settled_inside(origin.admitted, attempt, deps)


def people_of(role: str, page: PageRequest, deps: Deps) -> Page[User]:
    """The people of a staff role, newest first."""
    return deps.store.staff(role, page)


def find_by_email(email: str, deps: Deps) -> Page[User]:
    """Whoever has this address."""
    user = deps.store.user_of_email(deps.lookups.email_key(email))
    return Page((user,) if user else ())
