"""Conversations as their readers see them: lists, names, read marks, pictures."""

from collections.abc import Sequence

from chalicelib.chat.ports import Deps, Sender
from chalicelib.chat.records import Conversation, Line, Message, Shown
from chalicelib.chat.service import seen_by
from chalicelib.kernel.clock import instant
from chalicelib.kernel.pagination import Page, PageRequest


def shown(conversations: Sequence[Conversation], reader_id: str, deps: Deps) -> list[Shown]:
    """Conversations with the names of their customers and the reader's own marks."""
    marks = deps.store.read_marks([one.id for one in conversations], reader_id)
    names = deps.people.names_of([one.customer_id for one in conversations])
    return [
        Shown(one, names.get(one.customer_id, ""), marks.get(one.id, 0)) for one in conversations
    ]


def shown_one(conversation: Conversation, reader_id: str, deps: Deps) -> Shown:
    """One conversation, the same way."""
    return shown([conversation], reader_id, deps)[0]


def lines(messages: Sequence[Message], deps: Deps) -> list[Line]:
    """Messages with their pictures."""
    wanted = [one.media_id for one in messages if one.media_id is not None]
    pictures = deps.pictures.shown(wanted) if wanted else {}
    return [Line(one, pictures.get(one.media_id or "")) for one in messages]


def own_conversations(user_id: str, page: PageRequest, deps: Deps) -> Page[Shown]:
    """What a customer has asked, the last change first."""
    found = deps.store.of_customer(user_id, page)
    return Page(tuple(shown(found.items, user_id, deps)), found.next)


def desk(
    status: str, month: str | None, agent_id: str, page: PageRequest, deps: Deps
) -> Page[Shown]:
    """What waits for support, the longest wait first; closed ones by the month of opening."""
    chosen = month or instant(deps.clock.now())[:7]
    found = deps.store.on_desk(status, chosen, page)
    return Page(tuple(shown(found.items, agent_id, deps)), found.next)


def history(
    conversation_id: str, after: int, most: int, sender: Sender, deps: Deps
) -> tuple[Sequence[Line], int | None]:
    """Messages after a number, oldest first, and the number to go on after, if there are more."""
    conversation = seen_by(conversation_id, sender, deps)
    found = deps.store.messages_after(conversation_id, after, most)
    last = found[-1].seq if found else after
    return lines(found, deps), last if found and last < conversation.last_seq else None
