"""The real adapters of conversations, built once per process."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Final

from chalicelib.aws.items import Item
from chalicelib.aws.queues import Queues, queues
from chalicelib.aws.settings import settings
from chalicelib.aws.table import Table
from chalicelib.aws.tables import core_table, live_table
from chalicelib.chat import rows
from chalicelib.chat.actions import ActionDeps
from chalicelib.chat.ports import Deps
from chalicelib.chat.store import TableConversations
from chalicelib.chat.telling import Readers, TellingDeps
from chalicelib.edge.sockets import SocketCall
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.ids import Ids
from chalicelib.live import front
from chalicelib.live.fanout import Posted
from chalicelib.live.front import read_push
from chalicelib.live.records import Payload
from chalicelib.orders.front import TableOrderBriefs
from chalicelib.products.pictures import media_key, picture_of
from chalicelib.users.standing_rows import TableNames

STREAMS_DEAD_END: Final = "streams-dlq"
CAUSE_MAX: Final = 300
REPLY_TRIES: Final = 3
REPLY_PAUSE_S: Final = 0.1


class OwnOrders:
    """Implements `ports.Orders`."""

    def __init__(self, briefs: TableOrderBriefs) -> None:
        self._briefs = briefs

    def is_of(self, order_id: str, user_id: str) -> bool:
        """Whether this is an order of this user."""
        found = self._briefs.of(order_id)
        return found is not None and found.user_id == user_id


class MediaRows:
    """Implements `ports.Pictures` on the media rows of the core table."""

    def __init__(self, core: Table, base_url: str) -> None:
        self._core = core
        self._base_url = base_url

    def may_show(self, media_id: str, user_id: str) -> bool:
        """Whether it is this user's own, made for a conversation, and ready."""
        row = self._core.get(media_key(media_id)) or {}
        said = (row.get("owner_id"), row.get("purpose"), row.get("status"))
        return said == (user_id, "chat", "READY")

    def shown(self, media_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """The pictures whose renditions are there (Any: JSON)."""
        found = self._core.batch_get([media_key(one) for one in media_ids])
        pictures = ((row, picture_of(row, self._base_url)) for row in found.values())
        return {
            picture.media_id: {**asdict(picture), "alt": row.get("alt", ""), "position": 0}
            for row, picture in pictures
            if picture is not None
        }


class StreamsDeadEnd:
    """Implements `telling.Parking`."""

    def __init__(self, through: Queues) -> None:
        self._queues = through

    def park(self, row: Item, cause: str) -> None:
        """Send its place and its cause; the row itself, which people may have written, stays."""
        attributes = {
            "cause": cause[:CAUSE_MAX],
            "source": "live",
            "reference": f"{row['pk']}|{row['sk']}",
        }
        place = {"table": "live", "pk": row["pk"], "sk": row["sk"]}
        self._queues.send(STREAMS_DEAD_END, place, attributes)


@lru_cache(maxsize=1)
def deps() -> Deps:
    """What the use cases of conversations work with."""
    return Deps(
        store=TableConversations(live_table()),
        people=TableNames(core_table()),
        orders=OwnOrders(TableOrderBriefs(core_table())),
        pictures=MediaRows(core_table(), settings().media_base_url),
        clock=SystemClock(),
        ids=Ids(),
        sleep=time.sleep,
    )


@lru_cache(maxsize=1)
def action_deps() -> ActionDeps:
    """What frames work with."""
    return ActionDeps(live=front.deps(), chat=deps(), fan_out=front.fan_out_deps)


@lru_cache(maxsize=1)
def telling_deps() -> TellingDeps:
    """What the fan-out works with."""
    return TellingDeps(
        readers=Readers(rows.read_conversation, rows.read_message, read_push),
        chat=deps(),
        fan_out=front.fan_out_deps(),
        parking=StreamsDeadEnd(queues()),
    )


def reply_to(call: SocketCall, frame: Mapping[str, Any]) -> bool:
    """Send one frame back on the socket it answers; False if nobody is there any more."""
    payload = Payload.of(frame)
    for attempt in range(REPLY_TRIES):
        if attempt:
            time.sleep(REPLY_PAUSE_S)
        match front.poster().post(call.endpoint, call.connection_id, payload):
            case Posted.DELIVERED:
                return True
            case Posted.GONE:
                front.connections().forget(call.connection_id)
                return False
    return False
