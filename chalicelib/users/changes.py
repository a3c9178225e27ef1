"""The changes a transaction of this slice is made of, in the slice's own words.

A use case commits a few of them together; the store turns each into one conditional write,
a fake applies them to dictionaries. Each states what must still hold.
"""

from dataclasses import dataclass

from chalicelib.kernel.domain_events import DomainEvent
from chalicelib.users.possessions import Address, AddressBook, Device, DeviceList, Mfa, Preferences
from chalicelib.users.rules import Admitted, OneTimeToken, Session, User


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user with default preferences; the address must be nobody's."""

    user: User
    event: DomainEvent


@dataclass(frozen=True, slots=True)
class ClaimOnce:
    """Something a deployment does once; DoneBefore from the second time on."""

    name: str
    at: str


@dataclass(frozen=True, slots=True)
class Step:
    """The next version of a user with its one event; the user must be as it was read."""

    before: User
    after: User
    event: DomainEvent


@dataclass(frozen=True, slots=True)
class Rehash:
    """Another hash of the same password; no version, since nothing changed for anybody."""

    user: User
    password_hash: str


@dataclass(frozen=True, slots=True)
class StillActive:
    """The user is active and nothing has ended the sessions since it was read."""

    user: User


@dataclass(frozen=True, slots=True)
class StillAdmitted:
    """The user is active and nothing has ended the sessions since the request was let in."""

    admitted: Admitted


@dataclass(frozen=True, slots=True)
class IssueToken:
    """A new one-time token."""

    token: OneTimeToken


@dataclass(frozen=True, slots=True)
class RedeemToken:
    """The token is used up; it must be there, for this purpose, and not expired."""

    token: OneTimeToken
    now: str


@dataclass(frozen=True, slots=True)
class CountFailure:
    """One more try with a challenge; it must have tries left and not be expired."""

    token: OneTimeToken
    failures_max: int
    now: str


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A new session."""

    session: Session


@dataclass(frozen=True, slots=True)
class MoveSession:
    """A session one generation on; it must be live and of the generation that was read."""

    before: Session
    after: Session


@dataclass(frozen=True, slots=True)
class RevokeSession:
    """The end of a session that was not ended before."""

    session: Session
    at: str


@dataclass(frozen=True, slots=True)
class SetUpMfa:
    """A secret that waits for its first code; no second factor may be on."""

    mfa: Mfa


@dataclass(frozen=True, slots=True)
class MoveMfa:
    """A second factor with a code used up; it must be as it was read."""

    before: Mfa
    after: Mfa


@dataclass(frozen=True, slots=True)
class DropMfa:
    """The end of a second factor; it must be as it was read."""

    mfa: Mfa


@dataclass(frozen=True, slots=True)
class SetPreferences:
    """What the user wants to be told from now on."""

    user_id: str
    preferences: Preferences


@dataclass(frozen=True, slots=True)
class ChangeAddresses:
    """Addresses written and deleted together; the book must be of the edition that was read."""

    user_id: str
    book: AddressBook
    written: tuple[Address, ...] = ()
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeDevices:
    """Devices added and deleted together; the list must be of the edition that was read."""

    user_id: str
    devices: DeviceList
    added: tuple[Device, ...] = ()
    deleted: tuple[str, ...] = ()


Change = (
    NewUser
    | ClaimOnce
    | Step
    | Rehash
    | StillActive
    | StillAdmitted
    | IssueToken
    | RedeemToken
    | CountFailure
    | OpenSession
    | MoveSession
    | RevokeSession
    | SetUpMfa
    | MoveMfa
    | DropMfa
    | SetPreferences
    | ChangeAddresses
    | ChangeDevices
)
