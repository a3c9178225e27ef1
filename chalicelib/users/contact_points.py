"""Addresses, push devices and preferences of the caller.

Each write holds only while the caller is still let in: an account that was closed, or whose
sessions were all ended, is not written to afterwards.
"""

from dataclasses import replace

from chalicelib.kernel.clock import instant
from chalicelib.kernel.errors import NotFound
from chalicelib.users.changes import ChangeAddresses, ChangeDevices, SetPreferences, StillAdmitted
from chalicelib.users.ports import Deps, settled_inside
from chalicelib.users.possessions import (
    ADDRESSES_MAX,
    DEVICES_MAX,
    Address,
    AddressBook,
    Device,
    LimitReached,
    Preferences,
)
from chalicelib.users.rules import Admitted
from chalicelib.users.schemas import AddressRequest, DeviceRequest, PreferencesRequest


def add_address(admitted: Admitted, asked: AddressRequest, deps: Deps) -> Address:
    """One more address, the default one if so asked; LimitReached at twenty."""
    new = _address(deps.ids.new("adr"), asked)

    def attempt() -> Address:
        book = deps.store.address_book(admitted.user_id)
        if len(book.addresses) >= ADDRESSES_MAX:
            raise LimitReached
        written = (new, *_demoted(book, new))
        change = ChangeAddresses(admitted.user_id, book, written)
        deps.store.commit(change, StillAdmitted(admitted))
        return new

    return settled_inside(admitted, attempt, deps)


def replace_address(
    admitted: Admitted, address_id: str, asked: AddressRequest, deps: Deps
) -> Address:
    """Another address in the place of one; NotFound unless it is the caller's."""
    new = _address(address_id, asked)

    def attempt() -> Address:
        book = deps.store.address_book(admitted.user_id)
        if book.find(address_id) is None:
            raise NotFound
        written = (new, *_demoted(book, new))
        change = ChangeAddresses(admitted.user_id, book, written)
        deps.store.commit(change, StillAdmitted(admitted))
        return new

    return settled_inside(admitted, attempt, deps)


def delete_address(admitted: Admitted, address_id: str, deps: Deps) -> None:
    """One address fewer; NotFound unless it was the caller's."""
    was_there = False

    def attempt() -> None:
        nonlocal was_there
        book = deps.store.address_book(admitted.user_id)
        if book.find(address_id) is None:
            if was_there:
                return  # our own write, whose reply was lost
            raise NotFound
        was_there = True
        change = ChangeAddresses(admitted.user_id, book, deleted=(address_id,))
        deps.store.commit(change, StillAdmitted(admitted))

    settled_inside(admitted, attempt, deps)


def _address(address_id: str, asked: AddressRequest) -> Address:
    return Address(id=address_id, **asked.model_dump())


def _demoted(book: AddressBook, new: Address) -> list[Address]:
    """The addresses that stop being the default one."""
    if not new.is_default:
        return []
    others = (one for one in book.addresses if one.is_default and one.id != new.id)
    return [replace(one, is_default=False) for one in others]


def set_preferences(admitted: Admitted, asked: PreferencesRequest, deps: Deps) -> Preferences:
    """What the caller wants to be told from now on."""
    ways = asked.order_updates
    wanted = Preferences(ways.email, ways.sms, ways.push, asked.marketing_email)

    def attempt() -> Preferences:
        deps.store.commit(SetPreferences(admitted.user_id, wanted), StillAdmitted(admitted))
        return wanted

    return settled_inside(admitted, attempt, deps)


def add_device(admitted: Admitted, asked: DeviceRequest, deps: Deps) -> Device:
    """One more push device; a token that is known already stays the one device it is."""
    now = instant(deps.clock.now())
    new = Device(deps.ids.new("dev"), asked.platform, asked.token, now)

    def attempt() -> Device:
        known = deps.store.device_list(admitted.user_id)
        for device in known.devices:
            if (device.platform, device.token) == (asked.platform, asked.token):
                return device
        if len(known.devices) >= DEVICES_MAX:
            raise LimitReached
        change = ChangeDevices(admitted.user_id, known, added=(new,))
        deps.store.commit(change, StillAdmitted(admitted))
        return new

    return settled_inside(admitted, attempt, deps)


def delete_device(admitted: Admitted, device_id: str, deps: Deps) -> None:
    """One push device fewer; NotFound unless it was the caller's."""
    was_there = False

    def attempt() -> None:
        nonlocal was_there
        known = deps.store.device_list(admitted.user_id)
        if device_id not in {one.id for one in known.devices}:
            if was_there:
                return  # our own write, whose reply was lost
            raise NotFound
        was_there = True
        change = ChangeDevices(admitted.user_id, known, deleted=(device_id,))
        deps.store.commit(change, StillAdmitted(admitted))

    settled_inside(admitted, attempt, deps)
