"""What the use cases of conversations need of the world."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from chalicelib.chat.records import Conversation, Member, Message
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.ids import Ids
from chalicelib.kernel.pagination import Page, PageRequest

SUPPORT: Final = "support"


class Overtaken(Exception):
    """Somebody else changed the conversation first; read again and decide again."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who speaks, and what their role allows."""

    user_id: str
    scopes: frozenset[str]

    @property
    def is_support(self) -> bool:
        """Whether every conversation may be seen."""
        return SUPPORT in self.scopes


@dataclass(frozen=True, slots=True)
class Before:
    """What is known before something is said: the room, the speaker, an earlier sending."""

    conversation: Conversation | None
    member: Member | None
    sent_seq: int | None


class Store(Protocol):
    """Keeps conversations."""

    def opened_before(self, user_id: str, client_id: str) -> str | None:
        """The conversation that this client id has opened."""
        ...

    def open(self, conversation: Conversation, first: Message) -> bool:
        """Keep a new conversation with its first message; False if its client id has one."""
        ...

    def conversation(self, conversation_id: str) -> Conversation | None:
        """The conversation as last written."""
        ...

    def member(self, conversation_id: str, user_id: str) -> Member | None:
        """The member with this id."""
        ...

    def before_sending(self, conversation_id: str, user_id: str, client_id: str) -> Before:
        """All three in one read."""
        ...

    def append(self, conversation: Conversation, message: Message) -> None:
        """Keep the next message of an open conversation; Overtaken if it is not the next."""
        ...

    def message(self, conversation_id: str, seq: int) -> Message | None:
        """One message."""
        ...

    def messages_after(self, conversation_id: str, seq: int, most: int) -> Sequence[Message]:
        """At most `most` messages after `seq`, oldest first."""
        ...

    def move(self, before: Conversation, after: Conversation, joining: Member | None) -> None:
        """The next version, with a member who joins; Overtaken unless it is as it was read."""
        ...

    def advance_read(self, conversation_id: str, user_id: str, seq: int) -> None:
        """Move the read mark forward, never back."""
        ...

    def of_customer(self, user_id: str, page: PageRequest) -> Page[Conversation]:
        """The conversations of a customer, last change first."""
        ...

    def on_desk(self, status: str, month: str, page: PageRequest) -> Page[Conversation]:
        """The conversations of a status, the one that waits longest first."""
        ...

    def read_marks(self, conversation_ids: Sequence[str], user_id: str) -> Mapping[str, int]:
        """How far one member has read in each."""
        ...


class People(Protocol):
    """The names of customers."""

    def names_of(self, user_ids: Sequence[str]) -> Mapping[str, str]:
        """The name of each; those of accounts that are gone are left out."""
        ...


class Orders(Protocol):
    """The orders that are talked about."""

    def is_of(self, order_id: str, user_id: str) -> bool:
        """Whether this is an order of this user."""
        ...


class Pictures(Protocol):
    """The pictures that are shown."""

    def may_show(self, media_id: str, user_id: str) -> bool:
        """Whether it is this user's own, made for a conversation, and ready."""
        ...

    def shown(self, media_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """The pictures as the wire has them (Any: JSON)."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything the use cases of conversations touch."""

    store: Store
    people: People
    orders: Orders
    pictures: Pictures
    clock: Clock
    ids: Ids
    sleep: Callable[[float], None]
