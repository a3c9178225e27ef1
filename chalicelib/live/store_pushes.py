"""Pushes that can be had again: numbered without gaps, kept for a day."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from chalicelib.aws.items import Item
from chalicelib.aws.table import ConditionFailed, Table
from chalicelib.aws.writes import ABSENT, Elsewhere, Put, Update, Write
from chalicelib.kernel.clock import epoch_s, instant
from chalicelib.kernel.errors import Unavailable
from chalicelib.live import keys
from chalicelib.live.publishing import Draft, Seen
from chalicelib.live.records import PUSH_KEPT_S, Push

SEQUENCE_TRIES: Final = 8


class TablePushes:
    """Keeps pushes for a day: T30."""

    def __init__(self, live: Table, core: str) -> None:
        self._live = live
        self._core = core

    def append(
        self, drafts: Sequence[Draft], seen: Seen, others: Sequence[Put], now: datetime
    ) -> bool:
        """Number the pushes of each topic; False if the event had its effect before."""
        mark = Put(
            {"pk": seen.key[0], "sk": seen.key[1], "at": instant(now), "ttl": seen.ttl},
            label="seen",
        )
        beside = [Elsewhere(put, self._core) for put in (mark, *others)]
        for _ in range(SEQUENCE_TRIES):
            writes = self._numbered(drafts, now)
            try:
                self._live.transact([*writes, *beside])
            except ConditionFailed as failed:
                if "seen" in failed.labels:
                    return False
                continue
            return True
        raise Unavailable

    def _numbered(self, drafts: Sequence[Draft], now: datetime) -> list[Write]:
        by_topic: dict[str, list[Draft]] = {}
        for draft in drafts:
            by_topic.setdefault(draft.topic, []).append(draft)
        writes: list[Write] = []
        for topic, ours in by_topic.items():
            key = keys.sequence_key(topic)
            row = self._live.get(key)
            last = int(row["n"]) if row else 0
            pushes = [_push_item(draft, last + 1 + n, now) for n, draft in enumerate(ours)]
            writes += [Put(item, label="push") for item in pushes]
            writes.append(_sequence(key, last, last + len(ours)))
        return writes


def _sequence(key: tuple[str, str], before: int, after: int) -> Update:
    condition = "#n = :before" if before else ABSENT
    values = {"before": before} if before else {}
    return Update(key, set={"n": after}, condition=condition, values=values, label="sequence")


def _push_item(draft: Draft, seq: int, now: datetime) -> Item:
    pk, sk = keys.push_key(draft.topic, seq)
    return {
        "pk": pk,
        "sk": sk,
        "type": draft.type,
        "topic": draft.topic,
        "seq": seq,
        "at": instant(now),
        "data": dict(draft.data),
        "ends_sessions_of": draft.ends_sessions_of,
        "ttl": epoch_s(now) + PUSH_KEPT_S,
    }


def read_push(item: Item) -> Push:
    """The push in an EV row."""
    return Push(item["topic"], item["type"], item["at"], item["data"], item["seq"])
