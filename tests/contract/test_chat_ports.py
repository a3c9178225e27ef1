"""The conversations of the table and of the fake keep the same promises."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.aws.tables import live_table
from chalicelib.chat.ports import Overtaken, Store
from chalicelib.chat.records import Conversation, Member, Message, Side, Status
from chalicelib.chat.store import TableConversations
from chalicelib.kernel.pagination import PageRequest
from tests.cloud import cloud
from tests.fakes.chat import FakeConversations

AMINA, AGENT = "usr_01J00000000000000000000001", "usr_01J00000000000000000000002"
ROOM = "cnv_01J00000000000000000000001"
AT, LATER = "2026-03-01T12:00:00.000Z", "2026-03-01T12:00:01.000Z"
BEGUN = Conversation(ROOM, AMINA, "Lamp", Status.OPEN, 1, AT, AT)


def line(seq: int, sender: str = AMINA, client_id: str = "") -> Message:
    """A message of the customer or the agent."""
    side = Side.CUSTOMER if sender == AMINA else Side.AGENT
    return Message(ROOM, seq, sender, side, f"line {seq}", client_id or f"client-{seq:04d}", LATER)


@pytest.fixture(params=["fake", "table"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Either, with one conversation in it."""
    if request.param == "fake":
        kept: Store = FakeConversations()
        assert kept.open(BEGUN, line(1))
        yield kept
        return
    with cloud():
        kept = TableConversations(live_table())
        assert kept.open(BEGUN, line(1))
        yield kept


def present(store: Store) -> Conversation:
    """The conversation as it stands."""
    found = store.conversation(ROOM)
    assert found is not None
    return found


def test_what_was_opened_is_there(store: Store) -> None:
    """Root, member, first message and client id."""
    assert present(store) == BEGUN
    assert store.member(ROOM, AMINA) == Member(AMINA, Side.CUSTOMER, 0, AT)
    assert store.message(ROOM, 1) == line(1)
    assert store.opened_before(AMINA, "client-0001") == ROOM


def test_one_client_id_opens_once(store: Store) -> None:
    """The second conversation under it is not kept."""
    other = replace(BEGUN, id="cnv_01J00000000000000000000009")
    assert store.open(other, line(1)) is False
    assert store.conversation(other.id) is None


def test_next_message_moves_the_room(store: Store) -> None:
    """The number, the time of change and the client id are kept with it."""
    store.append(BEGUN, line(2))
    assert (present(store).last_seq, present(store).updated_at) == (2, LATER)
    assert store.before_sending(ROOM, AMINA, "client-0002").sent_seq == 2
    assert [one.seq for one in store.messages_after(ROOM, 0, 10)] == [1, 2]
    assert [one.seq for one in store.messages_after(ROOM, 1, 10)] == [2]
    assert [one.seq for one in store.messages_after(ROOM, 0, 1)] == [1]


def test_a_number_is_given_once(store: Store) -> None:
    """Whoever comes second with the same number is overtaken, and nothing of it is kept."""
    store.append(BEGUN, line(2))
    with pytest.raises(Overtaken):
        store.append(BEGUN, line(2, client_id="client-9999"))
    assert store.before_sending(ROOM, AMINA, "client-9999").sent_seq is None


def test_only_members_write(store: Store) -> None:
    """A row without its member is refused even if everybody forgot to ask."""
    with pytest.raises(Overtaken):
        store.append(BEGUN, line(2, AGENT))
    assert present(store).last_seq == 1


def test_a_move_must_start_from_what_was_read(store: Store) -> None:
    """A line said meanwhile makes the mover read again."""
    taken = BEGUN.assigned(AGENT, LATER)
    store.append(BEGUN, line(2))
    with pytest.raises(Overtaken):
        store.move(BEGUN, taken, Member(AGENT, Side.AGENT, 0, LATER))
    assert store.member(ROOM, AGENT) is None
    before = present(store)
    store.move(before, before.assigned(AGENT, LATER), Member(AGENT, Side.AGENT, 0, LATER))
    assert (present(store).status, present(store).version) == (Status.ASSIGNED, 2)
    store.append(present(store), line(3, AGENT))
    assert present(store).last_seq == 3


def test_read_mark_never_goes_back(store: Store) -> None:
    """Forward, and then a smaller number changes nothing."""
    store.append(BEGUN, line(2))
    store.advance_read(ROOM, AMINA, 2)
    store.advance_read(ROOM, AMINA, 1)
    assert store.read_marks([ROOM], AMINA) == {ROOM: 2}
    assert store.read_marks([ROOM], AGENT) == {}


def test_lists_follow_the_state(store: Store) -> None:
    """A closed conversation stands in the month of its opening, and no longer on the desk."""
    page = PageRequest(10)
    assert [one.id for one in store.on_desk("OPEN", "2026-03", page).items] == [ROOM]
    store.move(BEGUN, BEGUN.closed(LATER), None)
    assert store.on_desk("OPEN", "2026-03", page).items == ()
    assert [one.id for one in store.on_desk("CLOSED", "2026-03", page).items] == [ROOM]
    assert store.on_desk("CLOSED", "2026-02", page).items == ()
    assert [one.id for one in store.of_customer(AMINA, page).items] == [ROOM]
