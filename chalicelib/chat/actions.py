"""What clients may ask through a socket: each frame is carried out or refused, never both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.chat import service
from chalicelib.chat.ports import Deps, Sender
from chalicelib.chat.presenting import message_fields
from chalicelib.chat.reading import lines
from chalicelib.chat.records import REPLAYED_MAX, Spoken
from chalicelib.kernel.clock import instant
from chalicelib.live import service as live
from chalicelib.live.fanout import FanOutDeps, fan_out
from chalicelib.live.frames import Frame
from chalicelib.live.records import Connection, Kind, Push, Topic
from chalicelib.live.service import CaughtUp

Fields = dict[str, Any]  # Any: JSON
UNCHECKED: Final = frozenset({"ping", "sub.remove"})
"""Actions that tell and change nothing but one's own socket: no session is read for them."""


@dataclass(frozen=True, slots=True)
class ActionDeps:
    """Everything that frames touch."""

    live: live.Deps
    chat: Deps
    fan_out: Callable[[], FanOutDeps]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: missed pushes first, then the acknowledgement."""

    ack: Fields
    missed: tuple[Push, ...] = ()


def carry_out(frame: Frame, connection: Connection, deps: ActionDeps) -> Answer:
    """Do what a frame asks, with the rights of this moment; DomainError otherwise."""
    if frame.action not in UNCHECKED:
        live.require_live(connection, deps.live)
    return _ACTIONS[frame.action](frame, connection, deps)


def _ping(_frame: Frame, _connection: Connection, deps: ActionDeps) -> Answer:
    return Answer({"now": instant(deps.live.clock.now())})


def _listen(frame: Frame, connection: Connection, deps: ActionDeps) -> Answer:
    topic = Topic.read(frame.data["topic"])
    if topic.kind is Kind.CONVERSATION:
        sender = Sender(connection.user_id, connection.scopes)
        service.seen_by(topic.id, sender, deps.chat)

    def read(topic: Topic, since: int, most: int) -> CaughtUp:
        if topic.kind is Kind.CONVERSATION:
            return messages_since(topic, since, most, deps.chat)
        return deps.live.connections.pushes_since(str(topic), since, most)

    heard = live.listen(connection, topic, frame.data.get("since"), read, deps.live)
    missed = heard.missed.pushes if heard.missed else ()
    ack = {
        "topic": str(topic),
        "last_seq": heard.last_seq,
        "replayed": len(missed),
        "complete": heard.missed is None or heard.missed.is_complete,
    }
    return Answer(ack, missed)


def messages_since(topic: Topic, since: int, most: int, deps: Deps) -> CaughtUp:
    """The messages of a conversation after a number, as pushes; they are kept for ever."""
    conversation = deps.store.conversation(topic.id)
    last_seq = conversation.last_seq if conversation else 0
    wanted = min(most, REPLAYED_MAX)
    found = deps.store.messages_after(topic.id, since, wanted) if wanted else ()
    pushes = tuple(message_push(message_fields(line)) for line in lines(found, deps))
    return CaughtUp(pushes, last_seq, since + len(pushes) >= last_seq)


def message_push(fields: Mapping[str, Any]) -> Push:
    """A message, told to all who follow its conversation."""
    topic = str(Topic(Kind.CONVERSATION, fields["conversation_id"]))
    return Push(topic, "chat.message", fields["at"], fields, fields["seq"])


def _stop_listening(frame: Frame, connection: Connection, deps: ActionDeps) -> Answer:
    topic = Topic.read(frame.data["topic"])
    live.stop_listening(connection.id, topic, deps.live)
    return Answer({"topic": str(topic)})


def _say(frame: Frame, connection: Connection, deps: ActionDeps) -> Answer:
    spoken = Spoken(frame.data["text"], frame.id, frame.data.get("media_id"))
    said = service.say(frame.data["conversation_id"], spoken, connection.user_id, deps.chat)
    return Answer({"conversation_id": said.conversation_id, "seq": said.seq})


def _read(frame: Frame, connection: Connection, deps: ActionDeps) -> Answer:
    conversation_id, seq = frame.data["conversation_id"], frame.data["seq"]
    mark = service.read_up_to(conversation_id, seq, connection.user_id, deps.chat)
    return Answer({"last_read": mark})


def _type(frame: Frame, connection: Connection, deps: ActionDeps) -> Answer:
    """Told at once and kept nowhere: whoever misses it has missed nothing."""
    conversation_id = frame.data["conversation_id"]
    service.require_member(conversation_id, connection.user_id, deps.chat)
    data = {"conversation_id": conversation_id, "user_id": connection.user_id}
    topic = str(Topic(Kind.CONVERSATION, conversation_id))
    fan_out(
        [Push(topic, "chat.typing", instant(deps.live.clock.now()), data)],
        deps.fan_out(),
        but=connection.id,
    )
    return Answer({})


_ACTIONS: Final[Mapping[str, Callable[[Frame, Connection, ActionDeps], Answer]]] = {
    "ping": _ping,
    "sub.add": _listen,
    "sub.remove": _stop_listening,
    "chat.send": _say,
    "chat.read": _read,
    "chat.typing": _type,
}
