"""Connections, topics and pushes: entities, bounds, and who may listen to what."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from chalicelib.kernel.errors import DomainError, Forbidden, Invalid, NotFound
from chalicelib.kernel.ids import is_id
from chalicelib.kernel.roles import scopes_of

TICKET_VALID_S: Final = 60
# The gateway ends every socket after two hours; rows of one that was not said goodbye go later.
CONNECTION_KEPT_S: Final = 130 * 60
# A handshake may still be under way while its rows are there: posting to it finds nobody yet.
HANDSHAKE_S: Final = 10
SOCKETS_MAX: Final = 5
TOPICS_MAX: Final = 20
FRAMES_PER_S_MAX: Final = 5
PUSH_KEPT_S: Final = 86_400
REPLAYED_MAX: Final = 200
PROTOCOL: Final = 1

Fields = Mapping[str, Any]  # Any: JSON of many shapes


class TicketRefused(DomainError):
    """The ticket is missing, unknown, used or expired, or its session is over."""

    code = "unauthenticated"
    message = "Get a new ticket."


class OriginRefused(Forbidden):
    """The page that opens the socket is none of ours."""


class TooManyTopics(Invalid):
    """A connection listens to twenty topics at most."""


class Kind(StrEnum):
    """The kinds of topics."""

    USER = "user"
    CONVERSATION = "conv"
    PRODUCT = "product"
    DESK = "desk"
    OPS = "ops"


_ID_OF: Final = MappingProxyType({Kind.USER: "usr", Kind.CONVERSATION: "cnv", Kind.PRODUCT: "prd"})
_SCOPE_OF: Final = MappingProxyType({Kind.DESK: "support", Kind.OPS: "ops"})


@dataclass(frozen=True, slots=True)
class Topic:
    """What can be listened to: a kind, and of whom or what."""

    kind: Kind
    id: str = ""

    def __str__(self) -> str:
        """As frames and keys write it."""
        return f"{self.kind}:{self.id}" if self.id else self.kind.value

    @property
    def is_replayable(self) -> bool:
        """Whether missed pushes can be had again."""
        return self.kind is not Kind.DESK

    @classmethod
    def read(cls, written: str) -> "Topic":
        """The topic in a frame; Invalid unless it is written as one."""
        word, _, identifier = written.partition(":")
        kind = Kind(word) if word in set(Kind) else None
        prefix = _ID_OF.get(kind) if kind else None
        well_formed = is_id(identifier, prefix) if prefix else written == word
        if kind is None or not well_formed:
            raise Invalid.field("data.topic", "topic_unknown", "There is no such topic.")
        return cls(kind, identifier)


def user_topic(user_id: str) -> Topic:
    """What concerns one user."""
    return Topic(Kind.USER, user_id)


@dataclass(frozen=True, slots=True)
class Connection:
    """One open socket and who is behind it; `role` grants nothing if staff lack a second factor."""

    id: str
    user_id: str
    session_id: str
    sv: int
    role: str
    endpoint: str
    connected_at: str
    ends_at_s: int

    @property
    def scopes(self) -> frozenset[str]:
        """What the role grants."""
        return scopes_of(self.role)


def require_right(topic: Topic, connection: Connection) -> None:
    """NotFound for what is somebody else's, Forbidden without the scope.

    Conversations are left to those who know their members.
    """
    if topic.kind is Kind.USER and topic.id != connection.user_id:
        raise NotFound
    scope = _SCOPE_OF.get(topic.kind)
    if scope is not None and scope not in connection.scopes:
        raise Forbidden


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One connection as a topic knows it."""

    connection_id: str
    endpoint: str
    user_id: str
    session_id: str
    connected_at: str


@dataclass(frozen=True, slots=True)
class Push:
    """Something told to all who listen to a topic; `seq` is None where nothing is replayed."""

    topic: str
    type: str
    at: str
    data: Fields
    seq: int | None = None

    def frame(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return {
            "v": PROTOCOL,
            "type": self.type,
            "topic": self.topic,
            "seq": self.seq,
            "at": self.at,
            "data": dict(self.data),
        }


@dataclass(frozen=True, slots=True)
class Payload:
    """Bytes to send, hashed once however many receive them."""

    body: bytes
    digest: str = field(compare=False)

    @classmethod
    def of(cls, frame: Mapping[str, Any]) -> "Payload":
        """A frame, written and hashed."""
        body = json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode()
        return cls(body, hashlib.sha256(body).hexdigest())

    @classmethod
    def written(cls, frame: str) -> "Payload":
        """A frame that was written before, hashed."""
        body = frame.encode()
        return cls(body, hashlib.sha256(body).hexdigest())


def ack(re: str, data: Fields) -> dict[str, Any]:
    """The answer to a frame that was carried out."""
    return {"v": PROTOCOL, "type": "ack", "re": re, "data": dict(data)}


def refusal(re: str | None, error: DomainError, request_id: str) -> dict[str, Any]:
    """The answer to a frame that was not."""
    told: dict[str, Any] = {"code": error.code, "message": error.message}
    if isinstance(error, Invalid) and error.fields:
        told["fields"] = [
            {"path": one.path, "code": one.code, "message": one.message} for one in error.fields
        ]
    told["request_id"] = request_id
    return {"v": PROTOCOL, "type": "error", "re": re, "error": told}
