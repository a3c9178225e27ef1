"""Writes of somebody whose account is closed, or signed out everywhere, while they are under way.

The request was let in a moment before; its transaction must not be applied a moment after.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from chalicelib.kernel.domain_events import Actor
from chalicelib.kernel.errors import Unauthenticated
from chalicelib.users import contact_points, ending, second_factor, service, sessions, staffing
from chalicelib.users.changes import NewUser
from chalicelib.users.codes import STEP_S, totp
from chalicelib.users.possessions import Device
from chalicelib.users.rules import Admitted, Origin
from chalicelib.users.schemas import (
    AddressRequest,
    DeviceRequest,
    Login,
    OrderUpdates,
    PreferencesRequest,
    Registration,
)
from tests.fakes.users import PlainLinks, Shelves, World

EMAIL, PASSWORD = "amina@souk.example", "a perfectly fine phrase"
STRANGER = Origin(Actor("system", "api_handler"), "cor-00001", "192.0.2.1")
HOME = AddressRequest(
    name="Amina", line1="12 Canal Street", city="Berlin", postal_code="10115", country="DE"
)
PHONE = DeviceRequest(platform="ios", token="token-of-a-phone")
WISHES = PreferencesRequest(
    order_updates=OrderUpdates(email=False, sms=True, push=True), marketing_email=True
)


class Amina:
    """Amina, signed in, with an address and a device."""

    def __init__(self) -> None:
        self.world = World()
        asked = Registration(email=EMAIL, password=PASSWORD, name="Amina")
        service.register(asked, STRANGER, self.world.deps())
        token = PlainLinks().token("k1", self.world.store.held.events[0].event_id)
        service.verify_email(token, STRANGER, self.world.deps())
        outcome = sessions.login(Login(email=EMAIL, password=PASSWORD), STRANGER, self.world.deps())
        assert isinstance(outcome, sessions.SignedIn)
        self.inside = Admitted(outcome.user.id, outcome.tokens.session_id, outcome.user.sv)
        self.address = contact_points.add_address(self.inside, HOME, self.world.deps())
        self.device: Device = contact_points.add_device(self.inside, PHONE, self.world.deps())

    def code(self) -> str:
        """The next code of a second factor that is turned on now."""
        waiting, _ = second_factor.set_up(self.inside, PASSWORD, self.world.deps())
        step = int(self.world.clock.now().timestamp()) // STEP_S
        first = totp(waiting.secret, step)
        second_factor.confirm(self.inside, first, STRANGER, self.world.deps())
        user = self.world.store.held.users[self.inside.user_id]
        self.inside = Admitted(user.id, self.inside.session_id, user.sv)
        self.world.clock.shift(STEP_S)
        return totp(waiting.secret, step + 1)


def renewing(one: Amina) -> Callable[[], object]:
    """Ready to ask for new recovery codes."""
    code = one.code()
    return partial(second_factor.renew_recovery_codes, one.inside, code, one.world.deps())


def stepping_up(one: Amina) -> Callable[[], object]:
    """Ready to prove the second factor again."""
    code = one.code()
    return partial(second_factor.step_up, one.inside, code, one.world.deps())


Write = Callable[[Amina], Callable[[], object]]
PHONE_2 = PHONE.model_copy(update={"token": "token-of-another-phone"})
WORK = HOME.model_copy(update={"city": "Fes"})
WRITES: dict[str, Write] = {
    "profile": lambda a: partial(
        service.update_profile, a.inside, {"name": "Mallory"}, STRANGER, a.world.deps()
    ),
    "address": lambda a: partial(contact_points.add_address, a.inside, HOME, a.world.deps()),
    "address replaced": lambda a: partial(
        contact_points.replace_address, a.inside, a.address.id, WORK, a.world.deps()
    ),
    "address deleted": lambda a: partial(
        contact_points.delete_address, a.inside, a.address.id, a.world.deps()
    ),
    "preferences": lambda a: partial(
        contact_points.set_preferences, a.inside, WISHES, a.world.deps()
    ),
    "device": lambda a: partial(contact_points.add_device, a.inside, PHONE_2, a.world.deps()),
    "device deleted": lambda a: partial(
        contact_points.delete_device, a.inside, a.device.id, a.world.deps()
    ),
    "second factor": lambda a: partial(second_factor.set_up, a.inside, PASSWORD, a.world.deps()),
    "recovery codes": renewing,
    "step-up": stepping_up,
}


def disabled(amina: Amina) -> None:
    """An administrator closes the account."""
    staffing.disable(amina.inside.user_id, STRANGER, amina.world.deps())


def signed_out(amina: Amina) -> None:
    """Another device signs everything out."""
    ending.logout_all(amina.inside.user_id, STRANGER, amina.world.deps())


@pytest.mark.parametrize("end", [disabled, signed_out])
@pytest.mark.parametrize("name", WRITES)
def test_nothing_is_written_after_the_end(name: str, end: Callable[[Amina], None]) -> None:
    """Whoever was let in before is refused, and the rows are as the end left them."""
    amina = Amina()
    write = WRITES[name](amina)
    left: list[Shelves] = []

    def faster() -> None:
        end(amina)
        left.append(amina.world.store.held.copied())

    amina.world.store.before_commit.append(faster)
    with pytest.raises(Unauthenticated):
        write()
    assert amina.world.store.held == left[0]


@pytest.mark.parametrize("name", WRITES)
def test_the_write_is_done_otherwise(name: str) -> None:
    """The same requests of somebody who is still let in succeed."""
    amina = Amina()
    write = WRITES[name](amina)
    before = amina.world.store.held
    write()
    assert amina.world.store.held != before


def test_of_two_administrators_who_close_each_other_one_is_left() -> None:
    """The slower one is nobody's administrator any more."""
    amina = Amina()
    bruno = replace(amina.world.store.held.users[amina.inside.user_id], id="usr_2", email_key="b")
    amina.world.store.commit(NewUser(bruno, amina.world.store.held.events[0]))
    of_amina = replace(STRANGER, admitted=amina.inside)
    of_bruno = replace(STRANGER, admitted=Admitted(bruno.id, "ses_2", bruno.sv))
    amina.world.store.before_commit.append(
        lambda: (staffing.disable(amina.inside.user_id, of_bruno, amina.world.deps()), None)[1]
    )
    with pytest.raises(Unauthenticated):
        staffing.disable(bruno.id, of_amina, amina.world.deps())
    assert amina.world.store.held.users[bruno.id].status == "ACTIVE"
