"""What the use cases of this slice need of the world."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.errors import Unauthenticated, Unavailable
from chalicelib.kernel.ids import Ids
from chalicelib.kernel.pagination import Page, PageRequest
from chalicelib.users.changes import Change
from chalicelib.users.possessions import AddressBook, DeviceList, Mfa, Preferences
from chalicelib.users.rules import Admitted, OneTimeToken, Session, User

TRIES_MAX: Final = 5

Outcome = TypeVar("Outcome")


class Stale(Exception):
    """What a change presumed no longer holds; the use case reads again and decides again."""


class DoneBefore(Exception):
    """What is done once in a deployment was done before."""


def settled(attempt: Callable[[], Outcome]) -> Outcome:
    """The outcome of `attempt`, which reads, decides and commits; again when it was overtaken."""
    for _ in range(TRIES_MAX):
        try:
            return attempt()
        except Stale:
            continue
    raise Unavailable


def settled_inside(
    admitted: Admitted | None, attempt: Callable[[], Outcome], deps: "Deps"
) -> Outcome:
    """As `settled`, for a write of somebody let in; Unauthenticated once that has been ended."""

    def attempt_inside() -> Outcome:
        try:
            return attempt()
        except Stale:
            if admitted and not admitted.is_still(deps.store.user(admitted.user_id)):
                raise Unauthenticated from None
            raise

    return settled(attempt_inside)


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that happened to an account."""

    type: str
    at: str
    actor: str


class Store(Protocol):
    """Keeps users and what belongs to them."""

    def user(self, user_id: str) -> User | None:
        """The user as last written."""
        ...

    def user_of_email(self, email_key: str) -> User | None:
        """Whose address this is; the work is the same when it is nobody's."""
        ...

    def session(self, user_id: str, session_id: str) -> Session | None:
        """The session as last written."""
        ...

    def sessions(self, user_id: str) -> Sequence[Session]:
        """The sessions of a user, newest first, ended ones too."""
        ...

    def one_time_token(self, token_hash: str) -> OneTimeToken | None:
        """The token with this hash."""
        ...

    def mfa(self, user_id: str) -> Mfa | None:
        """The second factor as last written."""
        ...

    def preferences(self, user_id: str) -> Preferences:
        """What the user wants to be told."""
        ...

    def address_book(self, user_id: str) -> AddressBook:
        """All addresses of a user, oldest first."""
        ...

    def device_list(self, user_id: str) -> DeviceList:
        """All push devices of a user, oldest first."""
        ...

    def activity(self, user_id: str, page: PageRequest) -> Page[Activity]:
        """What happened to an account, newest first."""
        ...

    def staff(self, role: str, page: PageRequest) -> Page[User]:
        """The people of a role, newest first."""
        ...

    def commit(self, *changes: Change) -> None:
        """All changes or none; Stale if something they presume no longer holds."""
        ...


class Passwords(Protocol):
    """Hashes passwords, slowly and always at the same cost."""

    def hashed(self, password: str) -> str:
        """The hash to keep."""
        ...

    def is_right(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash is of this password; without a hash the same work, and no."""
        ...

    def is_outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        ...


class Lookups(Protocol):
    """Keyed hashes under which personal values can be found again."""

    def email_key(self, email: str) -> str:
        """The look-up key of an e-mail address."""
        ...

    def recovery_hash(self, user_id: str, code: str) -> str:
        """What is kept of a recovery code."""
        ...


class Links(Protocol):
    """Tokens of mailed links, which the mail's sender makes again from the event."""

    def kid(self) -> str:
        """The key version that new tokens are made under."""
        ...

    def token(self, kid: str, event_id: str) -> str:
        """The token of an event."""
        ...


class Credentials(Protocol):
    """Makes the tokens of a session."""

    def access(self, user: User, session: Session, now: datetime) -> str:
        """An access token of 15 minutes."""
        ...

    def refresh(self, session: Session) -> str:
        """The refresh token of the session's present generation."""
        ...

    def read_refresh(self, token: str) -> tuple[str, str, int] | None:
        """User, session and generation in a token of ours; None for any other."""
        ...


class Limit(StrEnum):
    """Counted tries of this slice; the numbers stand in `limits`."""

    LOGIN = "login"
    LOGIN_ADDRESS = "login-ip"
    PASSWORD = "password"
    MFA = "mfa"
    CHALLENGES = "mfa-user"
    REFRESH = "refresh"
    MAIL_REPEATED = "mail-repeated"
    MAIL_VERIFY = "mail-verify"
    MAIL_RESET = "mail-reset"


class Limits(Protocol):
    """Counts tries in fixed windows."""

    def attempt(self, limit: Limit, *subject: str) -> None:
        """Count one try; RateLimited if it is one too many."""
        ...

    def forgive(self, limit: Limit, *subject: str) -> None:
        """Take back a counted try that was right after all."""
        ...

    def check(self, limit: Limit, *subject: str) -> None:
        """RateLimited if no try is left; counts nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything a use case may touch."""

    store: Store
    passwords: Passwords
    lookups: Lookups
    links: Links
    credentials: Credentials
    limits: Limits
    clock: Clock
    ids: Ids
