"""Use cases of conversations: open, say, read, hand out, end."""

import random
from collections.abc import Callable
from typing import Final, TypeVar

from chalicelib.chat.ports import Deps, Overtaken, Sender
from chalicelib.chat.records import (
    Conversation,
    Member,
    Message,
    Side,
    Spoken,
    Status,
)
from chalicelib.kernel.clock import instant
from chalicelib.kernel.errors import Conflict, Invalid, NotFound, Unavailable

TRIES_MAX: Final = 12
PAUSE_S: Final = 0.01

Outcome = TypeVar("Outcome")


class ConversationClosed(Conflict):
    """Nothing more is said here."""

    code = "conversation_closed"
    message = "This conversation is closed."


def open_conversation(
    subject: str, spoken: Spoken, order_id: str | None, sender: Sender, deps: Deps
) -> tuple[Conversation, Message]:
    """Begin a conversation; the same client id again answers the one that it began."""
    if order_id is not None and not deps.orders.is_of(order_id, sender.user_id):
        raise Invalid.field("order_id", "not_own", "This is no order of yours.")
    begun = deps.store.opened_before(sender.user_id, spoken.client_id)
    if begun is None:
        begun = _begin(subject, spoken, order_id, sender.user_id, deps)
    conversation = deps.store.conversation(begun)
    first = deps.store.message(begun, 1)
    if conversation is None or first is None:
        raise Unavailable
    return conversation, first


def _begin(subject: str, spoken: Spoken, order_id: str | None, user_id: str, deps: Deps) -> str:
    now = instant(deps.clock.now())
    conversation = Conversation(
        id=deps.ids.new("cnv"),
        customer_id=user_id,
        subject=subject,
        status=Status.OPEN,
        last_seq=1,
        created_at=now,
        updated_at=now,
        order_id=order_id,
    )
    first = Message(conversation.id, 1, user_id, Side.CUSTOMER, spoken.text, spoken.client_id, now)
    if deps.store.open(conversation, first):
        return conversation.id
    begun = deps.store.opened_before(user_id, spoken.client_id)
    if begun is None:
        raise Unavailable
    return begun


def say(conversation_id: str, spoken: Spoken, user_id: str, deps: Deps) -> Message:
    """Add the next line of a member; the same client id again answers the first one.

    NotFound for anybody else, ConversationClosed once it is over.
    """

    def attempt() -> Message:
        before = deps.store.before_sending(conversation_id, user_id, spoken.client_id)
        if before.conversation is None or before.member is None:
            raise NotFound
        if before.sent_seq is not None:
            return _said_before(conversation_id, before.sent_seq, deps)
        if before.conversation.status is Status.CLOSED:
            raise ConversationClosed
        _require_picture(spoken.media_id, user_id, deps)
        message = _next_message(before.conversation, before.member, spoken, deps)
        deps.store.append(before.conversation, message)
        return message

    return _settled(attempt, deps)


def _said_before(conversation_id: str, seq: int, deps: Deps) -> Message:
    message = deps.store.message(conversation_id, seq)
    if message is None:
        raise Unavailable
    return message


def _require_picture(media_id: str | None, user_id: str, deps: Deps) -> None:
    if media_id is not None and not deps.pictures.may_show(media_id, user_id):
        raise Invalid.field("media_id", "not_usable", "Send a picture of yours that is ready.")


def _next_message(
    conversation: Conversation, member: Member, spoken: Spoken, deps: Deps
) -> Message:
    return Message(
        conversation_id=conversation.id,
        seq=conversation.last_seq + 1,
        sender_id=member.user_id,
        sender_role=member.role,
        text=spoken.text,
        client_id=spoken.client_id,
        at=instant(deps.clock.now()),
        media_id=spoken.media_id,
    )


def _settled(attempt: Callable[[], Outcome], deps: Deps) -> Outcome:
    """The outcome of `attempt`, again when it was overtaken; a busy room settles by jitter."""
    for number in range(TRIES_MAX):
        if number:
            deps.sleep(random.uniform(0, PAUSE_S * 2 ** min(number, 5)))  # noqa: S311 - jitter
        try:
            return attempt()
        except Overtaken:
            continue
    raise Unavailable


def read_up_to(conversation_id: str, seq: int, user_id: str, deps: Deps) -> int:
    """Move a member's read mark forward; where it stands then. NotFound for anybody else."""
    conversation = deps.store.conversation(conversation_id)
    member = deps.store.member(conversation_id, user_id)
    if conversation is None or member is None:
        raise NotFound
    wanted = min(seq, conversation.last_seq)
    if wanted <= member.last_read:
        return member.last_read
    deps.store.advance_read(conversation_id, user_id, wanted)
    return wanted


def require_member(conversation_id: str, user_id: str, deps: Deps) -> None:
    """NotFound for whoever takes no part."""
    if deps.store.member(conversation_id, user_id) is None:
        raise NotFound


def seen_by(conversation_id: str, sender: Sender, deps: Deps) -> Conversation:
    """The conversation, for its members and for support; NotFound for anybody else."""
    conversation = deps.store.conversation(conversation_id)
    if conversation is None:
        raise NotFound
    if not sender.is_support:
        require_member(conversation_id, sender.user_id, deps)
    return conversation


def assign(conversation_id: str, agent_id: str, deps: Deps) -> Conversation:
    """Take a conversation over, from the desk or from a colleague."""

    def attempt() -> Conversation:
        before = deps.store.conversation(conversation_id)
        if before is None:
            raise NotFound
        if before.status is Status.CLOSED:
            raise ConversationClosed
        if before.agent_id == agent_id:
            return before
        now = instant(deps.clock.now())
        after = before.assigned(agent_id, now)
        known = deps.store.member(conversation_id, agent_id)
        joining = None if known else Member(agent_id, Side.AGENT, 0, now)
        deps.store.move(before, after, joining)
        return after

    return _settled(attempt, deps)


def close(conversation_id: str, sender: Sender, deps: Deps) -> Conversation:
    """End a conversation; one that is over stays so."""

    def attempt() -> Conversation:
        before = seen_by(conversation_id, sender, deps)
        if before.status is Status.CLOSED:
            return before
        after = before.closed(instant(deps.clock.now()))
        deps.store.move(before, after, None)
        return after

    return _settled(attempt, deps)
