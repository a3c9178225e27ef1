"""Conversations and messages as the wire has them, in replies and in pushes alike."""

from typing import Any

from chalicelib.chat.records import Conversation, Line, Shown

Fields = dict[str, Any]  # Any: JSON


def message_fields(line: Line) -> Fields:
    """A message."""
    message = line.message
    return {
        "conversation_id": message.conversation_id,
        "seq": message.seq,
        "sender_id": message.sender_id,
        "sender_role": message.sender_role.value,
        "text": message.text,
        "picture": line.picture,
        "client_id": message.client_id,
        "at": message.at,
    }


def conversation_fields(shown: Shown) -> Fields:
    """A conversation."""
    one = shown.conversation
    return {
        "id": one.id,
        "subject": one.subject,
        "status": one.status.value,
        "customer_id": one.customer_id,
        "customer_name": shown.customer_name,
        "agent_id": one.agent_id,
        "order_id": one.order_id,
        "last_seq": one.last_seq,
        "last_read": shown.last_read,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "version": one.version,
    }


def state_fields(one: Conversation) -> Fields:
    """What those are told who follow a conversation without reading it."""
    return {
        "conversation_id": one.id,
        "status": one.status.value,
        "agent_id": one.agent_id,
        "last_seq": one.last_seq,
        "updated_at": one.updated_at,
    }
