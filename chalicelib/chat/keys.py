"""Where the rows of conversations stand in the live table."""

from typing import Final

from chalicelib.aws.items import Key

META: Final = "META"
CONVERSATION: Final = "CONV#"
MEMBER: Final = "MEM#"
MESSAGE: Final = "MSG#"


def conversation_partition(conversation_id: str) -> str:
    """A conversation, its members and messages."""
    return f"{CONVERSATION}{conversation_id}"


def conversation_key(conversation_id: str) -> Key:
    """The conversation itself."""
    return conversation_partition(conversation_id), META


def member_key(conversation_id: str, user_id: str) -> Key:
    """One member."""
    return conversation_partition(conversation_id), f"{MEMBER}{user_id}"


def message_key(conversation_id: str, seq: int) -> Key:
    """One message."""
    return conversation_partition(conversation_id), f"{MESSAGE}{seq:012d}"


def sent_key(conversation_id: str, user_id: str, client_id: str) -> Key:
    """Which message a client id stands for."""
    return conversation_partition(conversation_id), f"CID#{user_id}#{client_id}"


def opened_key(user_id: str, client_id: str) -> Key:
    """Which conversation a client id has opened."""
    return f"OPENED#{user_id}", f"CID#{client_id}"


def customer_partition(user_id: str) -> str:
    """Index 1: the conversations of a customer."""
    return f"CUST#{user_id}"


def desk_partition(status: str, month: str) -> str:
    """Index 2: conversations by status, closed ones by the month they were opened in too."""
    return f"DESK#{status}#{month}" if status == "CLOSED" else f"DESK#{status}"


def by_time(updated_at: str, conversation_id: str) -> str:
    """Sorts both lists by the last change."""
    return f"{updated_at}#{conversation_id}"
