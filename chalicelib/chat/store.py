"""Conversations in the live table."""

from collections.abc import Mapping, Sequence

from chalicelib.aws.table import ConditionFailed, Found, Query, Table
from chalicelib.aws.writes import Check, Put, Update, Write
from chalicelib.chat import keys, rows
from chalicelib.chat.ports import Before, Overtaken
from chalicelib.chat.records import (
    CLIENT_ID_KEPT_S,
    Conversation,
    Member,
    Message,
    Side,
)
from chalicelib.kernel.clock import epoch_s, moment
from chalicelib.kernel.pagination import Page, PageRequest


class TableConversations:
    """Implements `ports.Store`."""

    def __init__(self, live: Table) -> None:
        self._live = live

    # --- open ----------------------------------------------------------------------------------
    def opened_before(self, user_id: str, client_id: str) -> str | None:
        """The row of the client id leads to its conversation."""
        found = self._live.get(keys.opened_key(user_id, client_id))
        return found["conversation_id"] if found else None

    def open(self, conversation: Conversation, first: Message) -> bool:
        """T27; the row of the client id makes it happen once."""
        customer = Member(conversation.customer_id, Side.CUSTOMER, 0, conversation.created_at)
        opened = {
            "conversation_id": conversation.id,
            "ttl": _kept_until(conversation.created_at),
        }
        key = keys.opened_key(conversation.customer_id, first.client_id)
        writes: list[Write] = [
            Put(rows.conversation_row(conversation), label="conversation"),
            Put(rows.member_row(conversation.id, customer), label="member"),
            Put(rows.message_row(first), label="message"),
            Put(rows.row(key, opened), label="opened"),
        ]
        try:
            self._live.transact(writes)
        except ConditionFailed:
            return False
        return True

    # --- read ----------------------------------------------------------------------------------
    def conversation(self, conversation_id: str) -> Conversation | None:
        """A consistent read."""
        found = self._live.get(keys.conversation_key(conversation_id))
        return rows.read_conversation(found) if found else None

    def member(self, conversation_id: str, user_id: str) -> Member | None:
        """A consistent read."""
        found = self._live.get(keys.member_key(conversation_id, user_id))
        return rows.read_member(found) if found else None

    def before_sending(self, conversation_id: str, user_id: str, client_id: str) -> Before:
        """One BatchGet of three rows."""
        room = keys.conversation_key(conversation_id)
        member = keys.member_key(conversation_id, user_id)
        sent = keys.sent_key(conversation_id, user_id, client_id)
        found = self._live.batch_get([room, member, sent], is_consistent=True)
        return Before(
            rows.read_conversation(found[room]) if room in found else None,
            rows.read_member(found[member]) if member in found else None,
            found[sent]["seq"] if sent in found else None,
        )

    def message(self, conversation_id: str, seq: int) -> Message | None:
        """A consistent read."""
        found = self._live.get(keys.message_key(conversation_id, seq))
        return rows.read_message(found) if found else None

    def messages_after(self, conversation_id: str, seq: int, most: int) -> Sequence[Message]:
        """A consistent query, oldest first."""
        query = Query(
            keys.conversation_partition(conversation_id),
            "#sk BETWEEN :first AND :last",
            {
                "first": keys.message_key(conversation_id, seq + 1)[1],
                "last": f"{keys.MESSAGE}~",
            },
            limit=max(1, most),
            is_consistent=True,
        )
        return tuple(map(rows.read_message, self._live.query_all(query, most=most)))

    # --- change --------------------------------------------------------------------------------
    def append(self, conversation: Conversation, message: Message) -> None:
        """T28."""
        room = Update(
            keys.conversation_key(conversation.id),
            set={
                "last_seq": message.seq,
                "updated_at": message.at,
                **rows.list_keys(conversation, message.at),
            },
            condition="#last_seq = :before AND #status = :status",
            values={"before": conversation.last_seq, "status": conversation.status.value},
            label="conversation",
        )
        sent = {"seq": message.seq, "ttl": _kept_until(message.at)}
        key = keys.sent_key(conversation.id, message.sender_id, message.client_id)
        writes: list[Write] = [
            room,
            Put(rows.message_row(message), label="message"),
            Put(rows.row(key, sent), label="sent"),
            Check(keys.member_key(conversation.id, message.sender_id), label="member"),
        ]
        try:
            self._live.transact(writes)
        except ConditionFailed as failed:
            raise Overtaken from failed

    def move(self, before: Conversation, after: Conversation, joining: Member | None) -> None:
        """T27: the next version, and the agent's own row."""
        room = Update(
            keys.conversation_key(before.id),
            set={
                "status": after.status.value,
                "agent_id": after.agent_id,
                "updated_at": after.updated_at,
                "version": after.version,
                **rows.list_keys(after, after.updated_at),
            },
            # Index keys carry the time, so a line said meanwhile must not be overtaken either.
            condition="#version = :version AND #status = :status AND #updated_at = :updated",
            values={
                "version": before.version,
                "status": before.status.value,
                "updated": before.updated_at,
            },
            label="conversation",
        )
        try:
            if joining is None:
                self._live.write(room)
            else:
                self._live.transact([room, Put(rows.member_row(before.id, joining))])
        except ConditionFailed as failed:
            raise Overtaken from failed

    def advance_read(self, conversation_id: str, user_id: str, seq: int) -> None:
        """One conditional update; somebody who has read further wins."""
        update = Update(
            keys.member_key(conversation_id, user_id),
            set={"last_read": seq},
            condition="#last_read < :seq",
            values={"seq": seq},
        )
        try:
            self._live.write(update)
        except ConditionFailed:
            return

    # --- lists ---------------------------------------------------------------------------------
    def of_customer(self, user_id: str, page: PageRequest) -> Page[Conversation]:
        """Index 1."""
        query = Query(
            keys.customer_partition(user_id),
            index="gsi1",
            limit=page.limit,
            after=page.after,
            is_descending=True,
        )
        return _page(self._live.query(query))

    def on_desk(self, status: str, month: str, page: PageRequest) -> Page[Conversation]:
        """Index 2."""
        query = Query(
            keys.desk_partition(status, month), index="gsi2", limit=page.limit, after=page.after
        )
        return _page(self._live.query(query))

    def read_marks(self, conversation_ids: Sequence[str], user_id: str) -> Mapping[str, int]:
        """One BatchGet of the member rows."""
        wanted = {keys.member_key(one, user_id): one for one in conversation_ids}
        if not wanted:
            return {}
        found = self._live.batch_get(list(wanted), is_consistent=True)
        return {wanted[key]: item["last_read"] for key, item in found.items()}


def _page(found: Found) -> Page[Conversation]:
    return Page(tuple(map(rows.read_conversation, found.items)), found.next)


def _kept_until(at: str) -> int:
    return epoch_s(moment(at)) + CLIENT_ID_KEPT_S
