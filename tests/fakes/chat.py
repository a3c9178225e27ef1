"""Conversations kept in dictionaries; they pass the same contract suite as the table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.chat.ports import Before, Overtaken
from chalicelib.chat.records import Conversation, Member, Message, Side, Status
from chalicelib.kernel.pagination import Page, PageRequest


class FakeConversations:
    """Implements `ports.Store` without pages: lists are short in tests."""

    def __init__(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.members: dict[tuple[str, str], Member] = {}
        self.messages: dict[tuple[str, int], Message] = {}
        self.opened: dict[tuple[str, str], str] = {}
        self.sent: dict[tuple[str, str, str], int] = {}

    def opened_before(self, user_id: str, client_id: str) -> str | None:
        return self.opened.get((user_id, client_id))

    def open(self, conversation: Conversation, first: Message) -> bool:
        key = (conversation.customer_id, first.client_id)
        if key in self.opened:
            return False
        self.opened[key] = conversation.id
        self.conversations[conversation.id] = conversation
        member = Member(conversation.customer_id, Side.CUSTOMER, 0, conversation.created_at)
        self.members[conversation.id, member.user_id] = member
        self.messages[conversation.id, 1] = first
        return True

    def conversation(self, conversation_id: str) -> Conversation | None:
        return self.conversations.get(conversation_id)

    def member(self, conversation_id: str, user_id: str) -> Member | None:
        return self.members.get((conversation_id, user_id))

    def before_sending(self, conversation_id: str, user_id: str, client_id: str) -> Before:
        return Before(
            self.conversation(conversation_id),
            self.member(conversation_id, user_id),
            self.sent.get((conversation_id, user_id, client_id)),
        )

    def append(self, conversation: Conversation, message: Message) -> None:
        present = self.conversations[conversation.id]
        key = (conversation.id, message.sender_id, message.client_id)
        is_member = (conversation.id, message.sender_id) in self.members
        as_read = (present.last_seq, present.status) == (conversation.last_seq, conversation.status)
        if not as_read or key in self.sent or not is_member:
            raise Overtaken
        self.conversations[conversation.id] = replace(
            present, last_seq=message.seq, updated_at=message.at
        )
        self.messages[conversation.id, message.seq] = message
        self.sent[key] = message.seq

    def message(self, conversation_id: str, seq: int) -> Message | None:
        return self.messages.get((conversation_id, seq))

    def messages_after(self, conversation_id: str, seq: int, most: int) -> Sequence[Message]:
        found = [one for (room, n), one in sorted(self.messages.items()) if room == conversation_id]
        return [one for one in found if one.seq > seq][:most]

    def move(self, before: Conversation, after: Conversation, joining: Member | None) -> None:
        if self.conversations[before.id] != before:
            raise Overtaken
        if joining is not None:
            if (before.id, joining.user_id) in self.members:
                raise Overtaken
            self.members[before.id, joining.user_id] = joining
        self.conversations[before.id] = after

    def advance_read(self, conversation_id: str, user_id: str, seq: int) -> None:
        member = self.members[conversation_id, user_id]
        if member.last_read < seq:
            self.members[conversation_id, user_id] = replace(member, last_read=seq)

    def of_customer(self, user_id: str, page: PageRequest) -> Page[Conversation]:
        ours = [one for one in self.conversations.values() if one.customer_id == user_id]
        ours.sort(key=lambda one: (one.updated_at, one.id), reverse=True)
        return Page(tuple(ours[: page.limit]))

    def on_desk(self, status: str, month: str, page: PageRequest) -> Page[Conversation]:
        found = [one for one in self.conversations.values() if one.status == status]
        if status == Status.CLOSED:
            found = [one for one in found if one.created_at.startswith(month)]
        found.sort(key=lambda one: (one.updated_at, one.id))
        return Page(tuple(found[: page.limit]))

    def read_marks(self, conversation_ids: Sequence[str], user_id: str) -> Mapping[str, int]:
        marks = {room: self.members.get((room, user_id)) for room in conversation_ids}
        return {room: member.last_read for room, member in marks.items() if member}
