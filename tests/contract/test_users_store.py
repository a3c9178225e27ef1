"""What every users' store must do: the suite runs against the fake and against the table."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.kernel.domain_events import (
    PROFILE_UPDATED,
    ROLE_CHANGED,
    USER_REGISTERED,
    Actor,
)
from chalicelib.kernel.ids import Ids
from chalicelib.kernel.pagination import PageRequest
from chalicelib.users import changes
from chalicelib.users.ports import DoneBefore, Stale, Store
from chalicelib.users.possessions import Address, Device, Mfa, Preferences
from chalicelib.users.rules import Admitted, OneTimeToken, Origin, Session, User, user_event
from chalicelib.users.wiring import deps
from tests.cloud import cloud
from tests.fakes.users import FakeStore

NOON, LATER = "2026-03-01T12:00:00.000Z", "2026-03-01T12:00:05.000Z"
NEXT_DAY = "2026-03-02T12:00:00.000Z"
ORIGIN = Origin(Actor("system", "tests"), "cor-00001")
IDS = Ids()


@pytest.fixture(params=["fake", "table"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each store in turn."""
    if request.param == "fake":
        yield FakeStore()
        return
    with cloud():
        yield deps().store


def a_user(**changed: object) -> User:
    """An active customer."""
    user_id = IDS.new("usr")
    user = User(
        user_id, f"{user_id}@souk.example", f"key-{user_id}", "Amina", "en-GB", "customer",
        "ACTIVE", "hash", NOON, NOON,
    )  # fmt: skip
    return replace(user, **changed)  # type: ignore[arg-type]  # fields of a test


def stored(store: Store, user: User | None = None) -> User:
    """A user who is in the store."""
    new = user or a_user()
    store.commit(changes.NewUser(new, user_event(USER_REGISTERED, new, ORIGIN, {"kid": "k1"})))
    return new


def a_step(user: User, **changed: object) -> changes.Step:
    """The next version of a user."""
    after = user.changed(LATER, **changed)
    event = user_event(PROFILE_UPDATED, after, ORIGIN, {"changed": sorted(changed)})
    return changes.Step(user, after, event)


def a_session(user: User, **changed: object) -> Session:
    """A live session."""
    session = Session(
        IDS.new("ses"), user.id, user.sv, 1, NOON, "Firefox", "192.0.2.0", NOON, NOON, NEXT_DAY
    )
    return replace(session, **changed)  # type: ignore[arg-type]  # fields of a test


def a_token(user: User, purpose: str = "verify") -> OneTimeToken:
    """A one-time token for a day."""
    return OneTimeToken(IDS.new("tok"), purpose, user.id, user.sv, NEXT_DAY)


def test_a_user_is_found_by_id_and_address(store: Store) -> None:
    """Every field comes back; nobody is None."""
    user = stored(store, a_user(phone="+4930123456"))
    assert store.user(user.id) == user
    assert store.user_of_email(user.email_key) == user
    assert store.user(IDS.new("usr")) is None
    assert store.user_of_email("nobody") is None
    assert store.preferences(user.id) == Preferences()


def test_an_address_belongs_to_one_user(store: Store) -> None:
    """The second registration of an address leaves nothing behind."""
    first = stored(store)
    second = a_user(email_key=first.email_key)
    with pytest.raises(Stale):
        stored(store, second)
    assert store.user(second.id) is None


def test_a_step_needs_the_version_that_was_read(store: Store) -> None:
    """The second of two steps from one version is refused, with everything beside it."""
    user = stored(store)
    step = a_step(user, name="Amina O.", phone="+4930123456")
    store.commit(step)
    assert store.user(user.id) == step.after
    late, token = a_step(user, name="Mallory"), a_token(user)
    with pytest.raises(Stale):
        store.commit(late, changes.IssueToken(token))
    assert store.user(user.id) == step.after
    assert store.one_time_token(token.token_hash) is None
    store.commit(a_step(step.after, phone=None))
    cleared = store.user(user.id)
    assert cleared is not None
    assert cleared.phone is None


def test_staff_are_listed_by_role_page_by_page(store: Store) -> None:
    """Newest first; a demoted one leaves the list."""
    people = []
    for day in range(1, 4):
        user = stored(store, a_user(created_at=f"2026-03-0{day}T12:00:00.000Z"))
        after = user.signed_out(LATER, role="support")
        moved = {"from": "customer", "to": "support"}
        store.commit(changes.Step(user, after, user_event(ROLE_CHANGED, after, ORIGIN, moved)))
        people.append(after)
    first = store.staff("support", PageRequest(2))
    rest = store.staff("support", PageRequest(2, first.next))
    assert [*first.items, *rest.items] == people[::-1]
    demoted = people[0].signed_out(LATER, role="customer")
    moved = {"from": "support", "to": "customer"}
    event = user_event(ROLE_CHANGED, demoted, ORIGIN, moved)
    store.commit(changes.Step(people[0], demoted, event))
    assert len(store.staff("support", PageRequest(10)).items) == 2


def test_a_token_is_redeemed_once_for_its_purpose_in_time(store: Store) -> None:
    """Wrong purpose, too late, or again: refused."""
    user = stored(store)
    token = a_token(user)
    store.commit(changes.IssueToken(token))
    assert store.one_time_token(token.token_hash) == token
    for wrong in (
        changes.RedeemToken(replace(token, purpose="reset"), LATER),
        changes.RedeemToken(token, NEXT_DAY),
        changes.RedeemToken(a_token(user), LATER),
    ):
        with pytest.raises(Stale):
            store.commit(wrong)
    store.commit(changes.RedeemToken(token, LATER))
    with pytest.raises(Stale):
        store.commit(changes.RedeemToken(token, LATER))


def test_tries_of_a_challenge_are_bounded(store: Store) -> None:
    """Two tries allowed: the third is refused."""
    token = a_token(stored(store), "mfa")
    store.commit(changes.IssueToken(token))
    for _ in range(2):
        store.commit(changes.CountFailure(token, 2, LATER))
    with pytest.raises(Stale):
        store.commit(changes.CountFailure(token, 2, LATER))


def test_a_session_moves_one_generation_at_a_time(store: Store) -> None:
    """The second move from one generation is refused, and so is any after the end."""
    user = stored(store)
    session = a_session(user)
    store.commit(changes.StillActive(user), changes.OpenSession(session))
    moved = replace(session, generation=2, rotated_at=LATER, last_used_at=LATER, mfa_at=LATER)
    store.commit(changes.MoveSession(session, moved), changes.StillActive(user))
    assert store.session(user.id, session.id) == moved
    with pytest.raises(Stale):
        store.commit(changes.MoveSession(session, moved))
    store.commit(changes.RevokeSession(moved, LATER))
    for late in (
        changes.RevokeSession(moved, LATER),
        changes.MoveSession(moved, replace(moved, generation=3)),
    ):
        with pytest.raises(Stale):
            store.commit(late)
    assert [one.revoked_at for one in store.sessions(user.id)] == [LATER]


def test_no_session_opens_for_a_changed_user(store: Store) -> None:
    """After `sv` rose, what was read before opens nothing."""
    user = stored(store)
    store.commit(a_step(user, sv=2))
    with pytest.raises(Stale):
        store.commit(changes.StillActive(user), changes.OpenSession(a_session(user)))
    assert list(store.sessions(user.id)) == []


def test_an_expired_session_does_not_move(store: Store) -> None:
    """At the instant it ends, a session is over."""
    user = stored(store)
    session = a_session(user, expires_at=LATER)
    store.commit(changes.OpenSession(session))
    with pytest.raises(Stale):
        store.commit(
            changes.MoveSession(session, replace(session, generation=2, last_used_at=LATER))
        )


def test_a_second_factor_changes_only_as_it_was_read(store: Store) -> None:
    """Pending may be replaced, on may not; a used step or code makes an older reading stale."""
    user = stored(store)
    first = Mfa(user.id, "mfa-1", b"\x01" * 20, "PENDING")
    second = replace(first, serial="mfa-2", secret=b"\x02" * 20)
    store.commit(changes.SetUpMfa(first))
    store.commit(changes.SetUpMfa(second))
    with pytest.raises(Stale):
        store.commit(changes.MoveMfa(first, replace(first, state="ON")))
    on = replace(second, state="ON", last_step=7, recovery_hashes=("a", "b"))
    store.commit(changes.MoveMfa(second, on))
    assert store.mfa(user.id) == on
    with pytest.raises(Stale):
        store.commit(changes.SetUpMfa(first))
    used = replace(on, recovery_hashes=("b",))
    store.commit(changes.MoveMfa(on, used))
    with pytest.raises(Stale):
        store.commit(changes.MoveMfa(on, used))
    with pytest.raises(Stale):
        store.commit(changes.DropMfa(on))
    store.commit(changes.DropMfa(used))
    assert store.mfa(user.id) is None


def test_a_short_list_changes_only_as_it_was_read(store: Store) -> None:
    """Of two changes of one edition the second is refused."""
    user = stored(store)
    home = Address("adr_1", "Home", "Amina", "12 Canal Street", "Berlin", "10115", "DE")
    book = store.address_book(user.id)
    store.commit(changes.ChangeAddresses(user.id, book, (home,)))
    with pytest.raises(Stale):
        store.commit(changes.ChangeAddresses(user.id, book, (replace(home, id="adr_2"),)))
    book = store.address_book(user.id)
    assert book.addresses == (home,)
    moved = replace(home, city="Potsdam", is_default=True)
    store.commit(changes.ChangeAddresses(user.id, book, (moved,)))
    book = store.address_book(user.id)
    assert book.addresses == (moved,)
    store.commit(changes.ChangeAddresses(user.id, book, deleted=("adr_1",)))
    assert store.address_book(user.id).addresses == ()


def test_devices_and_preferences_are_kept(store: Store) -> None:
    """Both come back as written; wishes of nobody are refused."""
    user = stored(store)
    phone = Device("dev_1", "ios", "token-00001", NOON)
    store.commit(changes.ChangeDevices(user.id, store.device_list(user.id), (phone,)))
    wishes = Preferences(email=False, sms=True, push=True, marketing_email=True)
    store.commit(changes.SetPreferences(user.id, wishes))
    assert store.device_list(user.id).devices == (phone,)
    assert store.preferences(user.id) == wishes
    store.commit(changes.ChangeDevices(user.id, store.device_list(user.id), deleted=("dev_1",)))
    assert store.device_list(user.id).devices == ()
    with pytest.raises(Stale):
        store.commit(changes.SetPreferences(IDS.new("usr"), wishes))


def test_nothing_is_written_for_somebody_no_longer_admitted(store: Store) -> None:
    """After `sv` rose or the account was closed, the write that came with the claim fails too."""
    user = stored(store)
    admitted = Admitted(user.id, "ses_1", user.sv)
    wishes = Preferences(email=False)
    store.commit(changes.SetPreferences(user.id, wishes), changes.StillAdmitted(admitted))
    store.commit(a_step(user, sv=2))
    for late in (admitted, Admitted(IDS.new("usr"), "ses_1", 1)):
        with pytest.raises(Stale):
            store.commit(
                changes.SetPreferences(user.id, Preferences()), changes.StillAdmitted(late)
            )
    assert store.preferences(user.id) == wishes


def test_what_is_done_once_is_done_once(store: Store) -> None:
    """The second claim is told apart from everything that may be tried again."""
    store.commit(changes.ClaimOnce("first-admin", NOON))
    with pytest.raises(DoneBefore):
        store.commit(changes.ClaimOnce("first-admin", LATER))


def test_a_hash_is_renewed_only_where_it_is_still_the_old_one(store: Store) -> None:
    """A password changed meanwhile is not undone."""
    user = stored(store)
    store.commit(changes.Rehash(user, "new hash"))
    renewed = store.user(user.id)
    assert renewed is not None
    assert (renewed.password_hash, renewed.version) == ("new hash", 1)
    with pytest.raises(Stale):
        store.commit(changes.Rehash(user, "another hash"))


def test_activity_is_told_newest_first(store: Store) -> None:
    """Types and actors, page by page."""
    user = stored(store)
    step = a_step(user, name="Amina O.")
    store.commit(step)
    store.commit(a_step(step.after, name="Amina"))
    first = store.activity(user.id, PageRequest(2))
    assert [one.type for one in first.items] == ["ProfileUpdated", "ProfileUpdated"]
    rest = store.activity(user.id, PageRequest(2, first.next))
    assert [(one.type, one.at, one.actor) for one in rest.items] == [
        ("UserRegistered", NOON, "system")
    ]
