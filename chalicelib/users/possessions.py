"""What a user keeps with the shop: preferences, addresses, devices, the second factor."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chalicelib.kernel.errors import Conflict

ADDRESSES_MAX: Final = 20
DEVICES_MAX: Final = 10


class LimitReached(Conflict):
    """The user has as many of these as the shop keeps."""

    code = "limit_reached"
    message = "You have as many of these as we keep; delete one first."


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the user wants to be told, and by which way."""

    email: bool = True
    sms: bool = False
    push: bool = False
    marketing_email: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """Where a parcel may go."""

    id: str
    label: str
    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str | None = None
    region: str | None = None
    phone: str | None = None
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """A device that takes push messages."""

    id: str
    platform: str
    token: str
    created_at: str


@dataclass(frozen=True, slots=True)
class AddressBook:
    """All addresses of a user; `edition` rises with each change of any of them."""

    edition: int
    addresses: tuple[Address, ...] = ()

    def find(self, address_id: str) -> Address | None:
        """The address with this id, if it is in the book."""
        return next((one for one in self.addresses if one.id == address_id), None)


@dataclass(frozen=True, slots=True)
class DeviceList:
    """All push devices of a user; `edition` rises with each change of any of them."""

    edition: int
    devices: tuple[Device, ...] = ()


class MfaState(StrEnum):
    """A second factor waits for its first code, or counts."""

    PENDING = "PENDING"
    ON = "ON"


@dataclass(frozen=True, slots=True)
class Mfa:
    """The second factor: the shared secret, the last step used, hashes of recovery codes left.

    `serial` names this secret, so that a code is never counted for another one.
    """

    user_id: str
    serial: str
    secret: bytes
    state: str
    last_step: int = 0
    recovery_hashes: tuple[str, ...] = ()
