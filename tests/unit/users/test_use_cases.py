"""The users' use cases where somebody else is faster, and where rules meet."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.kernel.domain_events import Actor
from chalicelib.kernel.errors import TokenExpired, Unauthenticated, Unavailable
from chalicelib.users import contact_points, passwords, second_factor, service, sessions, staffing
from chalicelib.users.changes import NewUser
from chalicelib.users.codes import STEP_S, totp
from chalicelib.users.possessions import LimitReached
from chalicelib.users.rules import Admitted, Origin, User
from chalicelib.users.schemas import AddressRequest, Login, MfaLogin, PasswordReset, Registration
from tests.fakes.users import PlainLinks, World

EMAIL, PASSWORD = "amina@souk.example", "a perfectly fine phrase"
NEW_PASSWORD = "quite another fine phrase"
STRANGER = Origin(Actor("system", "api_handler"), "cor-00001", "192.0.2.1")
HOME = AddressRequest(
    name="Amina", line1="12 Canal Street", city="Berlin", postal_code="10115", country="DE"
)


@pytest.fixture
def world() -> World:
    """A world with nobody in it."""
    return World()


def amina(world: World) -> User:
    """Amina, registered and verified."""
    asked = Registration(email=EMAIL, password=PASSWORD, name="Amina")
    service.register(asked, STRANGER, world.deps())
    service.verify_email(mailed(world), STRANGER, world.deps())
    return present(world)


def mailed(world: World) -> str:
    """The token of the latest mail."""
    event = [one for one in world.store.held.events if "kid" in one.data][-1]
    return PlainLinks().token("k1", event.event_id)


def present(world: World) -> User:
    """Amina as stored."""
    user = world.store.user_of_email(f"key of {EMAIL}")
    assert user is not None
    return user


def signed_in(world: World) -> sessions.TokenGrant:
    """A session of Amina's."""
    outcome = sessions.login(Login(email=EMAIL, password=PASSWORD), STRANGER, world.deps())
    assert isinstance(outcome, sessions.SignedIn)
    return outcome.tokens


def inside(user: User) -> Admitted:
    """A request of Amina's that was let in when she stood like this."""
    return Admitted(user.id, "ses_1", user.sv)


def overtake(world: World, faster: Callable[[], object]) -> None:
    """Let something happen between the reading and the writing of the next commit."""
    world.store.before_commit.append(lambda: (faster(), None)[1])


def event_types(world: World) -> list[str]:
    """What happened."""
    return [event.type.name for event in world.store.held.events]


def test_of_two_registrations_at_once_one_makes_the_account(world: World) -> None:
    """The slower one finds the address taken and has its owner mailed instead."""
    asked = Registration(email=EMAIL, password=PASSWORD, name="Amina")
    overtake(world, lambda: service.register(asked, STRANGER, world.deps()))
    service.register(asked, STRANGER, world.deps())
    assert len(world.store.held.users) == 1
    assert event_types(world) == ["UserRegistered", "EmailVerificationRequested"]


def test_a_profile_change_that_was_overtaken_is_decided_again(world: World) -> None:
    """Both changes are in, each with its own version."""
    user = amina(world)
    overtake(
        world,
        lambda: service.update_profile(inside(user), {"locale": "de-DE"}, STRANGER, world.deps()),
    )
    changed = service.update_profile(inside(user), {"name": "Amina O."}, STRANGER, world.deps())
    assert (changed.name, changed.locale, changed.version) == ("Amina O.", "de-DE", 4)


def test_a_profile_change_that_a_disabling_overtook_is_refused(world: World) -> None:
    """Nothing happens to an account after its closing, whoever was let in a moment before."""
    user = amina(world)
    overtake(world, lambda: staffing.disable(user.id, STRANGER, world.deps()))
    with pytest.raises(Unauthenticated):
        service.update_profile(inside(user), {"name": "Amina O."}, STRANGER, world.deps())
    assert (present(world).name, event_types(world)[-1]) == ("Amina", "UserDisabled")


def test_whoever_is_always_overtaken_gives_up(world: World) -> None:
    """After five tries the caller is asked to come again."""
    user = amina(world)

    def faster() -> None:
        before = present(world)
        world.store.held.users[user.id] = before.changed(before.updated_at)
        world.store.before_commit.append(faster)

    world.store.before_commit.append(faster)
    with pytest.raises(Unavailable):
        service.update_profile(inside(user), {"name": "Amina O."}, STRANGER, world.deps())


def test_a_login_that_a_reset_overtook_opens_nothing(world: World) -> None:
    """The password that was right a moment ago is wrong now."""
    amina(world)
    passwords.forgot(EMAIL, STRANGER, world.deps())
    asked = PasswordReset(token=mailed(world), password=NEW_PASSWORD)
    overtake(world, lambda: passwords.reset(asked, STRANGER, world.deps()))
    with pytest.raises(sessions.InvalidCredentials):
        sessions.login(Login(email=EMAIL, password=PASSWORD), STRANGER, world.deps())
    assert world.store.held.sessions == {}


def test_a_login_that_a_disabling_overtook_says_so(world: World) -> None:
    """The right password may know that the account is disabled."""
    user = amina(world)
    overtake(world, lambda: staffing.disable(user.id, STRANGER, world.deps()))
    with pytest.raises(sessions.AccountDisabled):
        sessions.login(Login(email=EMAIL, password=PASSWORD), STRANGER, world.deps())


def test_two_refreshes_at_once_get_the_same_successor(world: World) -> None:
    """The slower one is a repetition within ten seconds."""
    amina(world)
    token = signed_in(world).refresh
    faster: list[sessions.TokenGrant] = []
    overtake(world, lambda: faster.append(sessions.refresh(token, STRANGER, world.deps())))
    slower = sessions.refresh(token, STRANGER, world.deps())
    assert slower.refresh == faster[0].refresh
    (session,) = world.store.held.sessions.values()
    assert (session.generation, session.revoked_at) == (2, None)


def test_an_old_refresh_token_ends_the_session_once(world: World) -> None:
    """A copy used late ends it with one event; used again it ends nothing more."""
    amina(world)
    token = signed_in(world).refresh
    sessions.refresh(token, STRANGER, world.deps())
    world.clock.shift(11)
    for _ in range(2):
        with pytest.raises(sessions.RefreshInvalid):
            sessions.refresh(token, STRANGER, world.deps())
    assert event_types(world).count("SessionsRevoked") == 1


def test_an_outdated_hash_is_renewed_at_login(world: World) -> None:
    """The login itself succeeds, and the hash is of today's parameters."""
    user = amina(world)
    world.store.held.users[user.id] = replace(user, password_hash=f"old hash of {PASSWORD}")
    signed_in(world)
    assert present(world).password_hash == f"hash of {PASSWORD}"


def test_unknown_addresses_cost_as_many_hashes(world: World) -> None:
    """One for a login, one for a registration, whoever it is."""
    amina(world)
    worked = []
    for email in (EMAIL, "nobody@souk.example"):
        world.passwords.worked = 0
        with pytest.raises(sessions.InvalidCredentials):
            sessions.login(Login(email=email, password=NEW_PASSWORD), STRANGER, world.deps())
        asked = Registration(email=email, password=NEW_PASSWORD, name="Somebody")
        service.register(asked, STRANGER, world.deps())
        worked.append(world.passwords.worked)
    assert worked == [2, 2]


def test_a_verification_that_took_place_meanwhile_is_fine(world: World) -> None:
    """The same link, opened twice at once, verifies once and refuses nobody."""
    asked = Registration(email=EMAIL, password=PASSWORD, name="Amina")
    service.register(asked, STRANGER, world.deps())
    token = mailed(world)
    overtake(world, lambda: service.verify_email(token, STRANGER, world.deps()))
    service.verify_email(token, STRANGER, world.deps())
    assert event_types(world) == ["UserRegistered", "EmailVerified"]
    with pytest.raises(TokenExpired):
        service.verify_email(token, STRANGER, world.deps())


def test_one_code_opens_one_login_of_two_at_once(world: World) -> None:
    """Two challenges and one code: the slower one is refused."""
    user = amina(world)
    grant = signed_in(world)
    prover = Admitted(user.id, grant.session_id, user.sv)
    waiting, _ = second_factor.set_up(prover, PASSWORD, world.deps())
    step = int(world.clock.now().timestamp()) // STEP_S
    second_factor.confirm(prover, totp(waiting.secret, step), STRANGER, world.deps())
    world.clock.shift(STEP_S)
    code = totp(waiting.secret, step + 1)

    def challenge() -> str:
        outcome = sessions.login(Login(email=EMAIL, password=PASSWORD), STRANGER, world.deps())
        assert isinstance(outcome, sessions.Challenge)
        return outcome.token

    def answer(token: str) -> sessions.SignedIn:
        asked = MfaLogin(challenge=token, code=code)
        return sessions.login_mfa(asked, STRANGER, world.deps())

    one, other = challenge(), challenge()
    assert answer(one).user.id == user.id
    with pytest.raises(sessions.MfaInvalid):
        answer(other)
    assert len(world.store.held.sessions) == 2


def test_the_twenty_first_address_is_refused_in_a_race(world: World) -> None:
    """Nineteen addresses and two more at once: one of them is one too many."""
    user = amina(world)
    for _ in range(19):
        contact_points.add_address(inside(user), HOME, world.deps())
    overtake(world, lambda: contact_points.add_address(inside(user), HOME, world.deps()))
    with pytest.raises(LimitReached):
        contact_points.add_address(inside(user), HOME, world.deps())
    assert len(world.store.held.addresses) == 20


def test_two_new_defaults_at_once_leave_one(world: World) -> None:
    """The slower one takes the place of the faster."""
    user = amina(world)
    default = HOME.model_copy(update={"is_default": True})
    overtake(world, lambda: contact_points.add_address(inside(user), default, world.deps()))
    last = contact_points.add_address(inside(user), default, world.deps())
    defaults = [one.id for one in world.store.held.addresses.values() if one.is_default]
    assert defaults == [last.id]


def test_an_address_deleted_meanwhile_is_deleted(world: World) -> None:
    """Whoever loses that race is told it is done."""
    user = amina(world)
    address = contact_points.add_address(inside(user), HOME, world.deps())
    overtake(world, lambda: contact_points.delete_address(inside(user), address.id, world.deps()))
    contact_points.delete_address(inside(user), address.id, world.deps())
    assert world.store.held.addresses == {}


def test_the_first_administrator_is_appointed_once(world: World) -> None:
    """Again for the same person changes nothing; anybody else is refused."""
    user = amina(world)
    appointed = service.appoint_first_admin(EMAIL, STRANGER, world.deps())
    assert (appointed.role, appointed.sv) == ("admin", user.sv + 1)
    again = service.appoint_first_admin(EMAIL, STRANGER, world.deps())
    assert again.version == appointed.version
    other = replace(user, id="usr_2", email="b@souk.example", email_key="key of b@souk.example")
    world.store.commit(NewUser(other, world.store.held.events[0]))
    with pytest.raises(service.FirstAdminExists):
        service.appoint_first_admin("b@souk.example", STRANGER, world.deps())
