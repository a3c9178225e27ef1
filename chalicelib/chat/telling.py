"""From changed rows of the live table to pushes: what is told to whom when something changes.

A new message or push goes to its topic. A conversation that moves is told to its followers and
to the desk, a read mark to its conversation. A new connection may be one too many, and behind
`session.revoked` the sockets of ended sessions are closed.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from chalicelib.chat.actions import message_push
from chalicelib.chat.ports import Deps
from chalicelib.chat.presenting import message_fields, state_fields
from chalicelib.chat.reading import lines
from chalicelib.chat.records import Conversation, Message
from chalicelib.kernel.clock import instant
from chalicelib.live.fanout import TRIES, FanOutDeps, end_sockets, fan_out, keep_five
from chalicelib.live.records import Kind, Push, Topic, user_topic

Row = dict[str, Any]  # Any: an item of the table

logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """A row as it is now and as it was before; None if it is new."""

    now: Row
    before: Row | None = None
    is_foreign: bool = False


class Parking(Protocol):
    """Where rows go that cannot be told."""

    def park(self, row: Row, cause: str) -> None:
        """Keep the row with its cause for a person to see."""
        ...


@dataclass(frozen=True, slots=True)
class Readers:
    """Turns rows into what they hold."""

    conversation: Callable[[Row], Conversation]
    message: Callable[[Row], Message]
    push: Callable[[Row], Push]


@dataclass(frozen=True, slots=True)
class TellingDeps:
    """Everything that telling touches."""

    readers: Readers
    chat: Deps
    fan_out: FanOutDeps
    parking: Parking


@dataclass(slots=True)
class _Told:
    """What a batch of changes comes to."""

    pushes: list[Push]
    sessions_of: list[str]
    sockets_of: list[str]


def tell(changes: Sequence[Change], deps: TellingDeps) -> int:
    """Tell a batch of changes in their order; how many messages arrived."""
    told = _Told([], [], [])
    for change in changes:
        try:
            _collect(change, told, deps)
        except (KeyError, TypeError, ValueError) as error:
            deps.parking.park(change.now, f"{type(error).__name__}: a row that cannot be told")
            logger.warning("row parked", extra={"cause": type(error).__name__})
    # Behind their last words these sockets are closed: what fails cannot be told later.
    ending = {str(user_topic(user_id)) for user_id in told.sessions_of}
    last_words = [push for push in told.pushes if push.topic in ending]
    others = [push for push in told.pushes if push.topic not in ending]
    delivered = fan_out(others, deps.fan_out) if others else 0
    if last_words:
        delivered += fan_out(last_words, deps.fan_out, tries=TRIES)
    for user_id in dict.fromkeys(told.sessions_of):
        end_sockets(user_id, deps.fan_out)
    for user_id in dict.fromkeys(told.sockets_of):
        keep_five(user_id, deps.fan_out)
    return delivered


def _collect(change: Change, told: _Told, deps: TellingDeps) -> None:
    if change.is_foreign:
        raise ValueError("foreign row")
    partition, _, _ = change.now["pk"].partition("#")
    kind, _, _ = change.now["sk"].partition("#")
    match partition, kind:
        case "CONV", "MSG" if change.before is None:
            message = deps.readers.message(change.now)
            (line,) = lines([message], deps.chat)
            told.pushes.append(message_push(message_fields(line)))
        case "CONV", "META":
            told.pushes += _state(change, deps)
        case "CONV", "MEM":
            told.pushes += _read_mark(change, deps)
        case "TOPIC", "EV" if change.before is None:
            told.pushes.append(deps.readers.push(change.now))
            if user_id := change.now.get("ends_sessions_of"):
                told.sessions_of.append(user_id)
        case "CONN", "META" if change.before is None:
            told.sockets_of.append(change.now["user_id"])


def _state(change: Change, deps: TellingDeps) -> list[Push]:
    """The desk hears every change, those in the conversation hear of another state."""
    now = deps.readers.conversation(change.now)
    before = deps.readers.conversation(change.before) if change.before else None
    if before == now:
        return []
    data = state_fields(now)
    pushes = [Push(str(Topic(Kind.DESK)), "chat.state", now.updated_at, data)]
    if before is None or (before.status, before.agent_id) != (now.status, now.agent_id):
        topic = str(Topic(Kind.CONVERSATION, now.id))
        pushes.append(Push(topic, "chat.state", now.updated_at, data))
    return pushes


def _read_mark(change: Change, deps: TellingDeps) -> list[Push]:
    seq = change.now["last_read"]
    if change.before is None or change.before["last_read"] >= seq:
        return []
    conversation_id = change.now["conversation_id"]
    data = {"conversation_id": conversation_id, "user_id": change.now["user_id"], "seq": seq}
    topic = str(Topic(Kind.CONVERSATION, conversation_id))
    return [Push(topic, "chat.read", instant(deps.fan_out.clock.now()), data)]
