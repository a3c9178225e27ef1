"""Conversations, members and messages as rows of the live table and back."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from chalicelib.aws.items import Item, Key
from chalicelib.chat import keys
from chalicelib.chat.records import Conversation, Member, Message, Side, Status

_CONVERSATION: Final = tuple(field.name for field in fields(Conversation))
_MEMBER: Final = tuple(field.name for field in fields(Member))
_MESSAGE: Final = tuple(field.name for field in fields(Message))


def row(key: Key, values: Mapping[str, Any]) -> Item:  # Any: an item
    """An item at `key`."""
    return {"pk": key[0], "sk": key[1], **values}


def list_keys(conversation: Conversation, updated_at: str) -> dict[str, str]:
    """The index keys of a conversation changed at this time."""
    sort = keys.by_time(updated_at, conversation.id)
    month = conversation.created_at[:7]
    return {
        "gsi1pk": keys.customer_partition(conversation.customer_id),
        "gsi1sk": sort,
        "gsi2pk": keys.desk_partition(conversation.status, month),
        "gsi2sk": sort,
    }


def conversation_row(conversation: Conversation) -> Item:
    """The META row."""
    listed = list_keys(conversation, conversation.updated_at)
    values = {**asdict(conversation), "status": conversation.status.value, **listed}
    return row(keys.conversation_key(conversation.id), values)


def read_conversation(item: Item) -> Conversation:
    """The conversation in a META row."""
    values = {name: item[name] for name in _CONVERSATION if name in item}
    return Conversation(**{**values, "status": Status(item["status"])})


def member_row(conversation_id: str, member: Member) -> Item:
    """A MEM row."""
    values = {**asdict(member), "role": member.role.value, "conversation_id": conversation_id}
    return row(keys.member_key(conversation_id, member.user_id), values)


def read_member(item: Item) -> Member:
    """The member in a MEM row."""
    return Member(**{**{name: item[name] for name in _MEMBER}, "role": Side(item["role"])})


def message_row(message: Message) -> Item:
    """A MSG row."""
    values = {**asdict(message), "sender_role": message.sender_role.value}
    return row(keys.message_key(message.conversation_id, message.seq), values)


def read_message(item: Item) -> Message:
    """The message in a MSG row."""
    values = {name: item[name] for name in _MESSAGE if name in item}
    return Message(**{**values, "sender_role": Side(item["sender_role"])})
