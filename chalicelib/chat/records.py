"""Conversations, members and messages as the use cases see them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

TEXT_MAX: Final = 2_000
CLIENT_ID_KEPT_S: Final = 86_400
REPLAYED_MAX: Final = 200


class Status(StrEnum):
    """How far a conversation is."""

    OPEN = "OPEN"
    ASSIGNED = "ASSIGNED"
    CLOSED = "CLOSED"


class Side(StrEnum):
    """On which side of the desk a member sits."""

    CUSTOMER = "customer"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation; its messages are numbered 1 to `last_seq`."""

    id: str
    customer_id: str
    subject: str
    status: Status
    last_seq: int
    created_at: str
    updated_at: str
    order_id: str | None = None
    agent_id: str | None = None
    version: int = 1

    def assigned(self, agent_id: str, at: str) -> "Conversation":
        """The next version, in the hands of an agent."""
        return self._next(at, status=Status.ASSIGNED, agent_id=agent_id)

    def closed(self, at: str) -> "Conversation":
        """The next version, over."""
        return self._next(at, status=Status.CLOSED)

    def _next(self, at: str, **changes: Any) -> "Conversation":  # Any: fields of two types
        return replace(self, **changes, updated_at=at, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class Member:
    """Who takes part, and how far they have read."""

    user_id: str
    role: Side
    last_read: int
    joined_at: str


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a conversation."""

    conversation_id: str
    seq: int
    sender_id: str
    sender_role: Side
    text: str
    client_id: str
    at: str
    media_id: str | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """What somebody wants to say; the client id says it once however often it is sent."""

    text: str
    client_id: str
    media_id: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A conversation with what its reader is told beside it."""

    conversation: Conversation
    customer_name: str
    last_read: int


@dataclass(frozen=True, slots=True)
class Line:
    """A message with its picture (Any: JSON, as the wire has it)."""

    message: Message
    picture: Mapping[str, Any] | None
