"""Media rows in the core table: one step per change, deadlines in the sparse index."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from chalicelib.aws.event_rows import step
from chalicelib.aws.items import Item
from chalicelib.aws.objects import Bucket, ObjectChanged, ObjectGone
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.writes import Put, Update, Write, relabelled
from chalicelib.kernel.clock import instant, later, moment
from chalicelib.kernel.ids import bucket_of
from chalicelib.media.moves import Changed, Move, Overtaken
from chalicelib.media.rules import Media, Status, Stored, due_after_s
from chalicelib.products.pictures import media_key

DUE_PARTITIONS: Final = 2
PAGE: Final = 25
UPLOAD: Final = "upload:"


class MediaTable:
    """Uploads in the core table; implements `moves.Uploads`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def media(self, media_id: str) -> Media | None:
        """The upload as last written."""
        item = self._table.get(media_key(media_id))
        return None if item is None else media_of(item)

    def add(self, media: Media) -> None:
        """A new row; it has no event until the file is there."""
        key = media_key(media.id)
        self._table.write(Put({"pk": key[0], "sk": key[1], **fields_of(media)}, label="root"))

    def move(self, move: Move) -> Media:
        """One step to the next version with its event; Overtaken if another came first."""
        self.transact(move_writes(move))
        return move.written

    def hang(self, media: Media, product_id: str, others: Sequence[Write]) -> None:
        """T26: hang the picture together with the product's own writes."""
        update = Update(
            media_key(media.id),
            set={"attached_to": product_id},
            condition="#status = :ready AND "
            "(attribute_not_exists(#attached_to) OR #attached_to = :product)",
            values={"ready": Status.READY.value, "product": product_id},
            label=UPLOAD,
        )
        self.transact([update, *others])

    def move_with(self, move: Move, others: Sequence[Write]) -> Media:
        """A step together with the writes of another aggregate."""
        own = [relabelled(write, UPLOAD) for write in move_writes(move)]
        self.transact([*own, *others])
        return move.written

    def transact(self, writes: Sequence[Write]) -> None:
        """All or nothing; Overtaken, with the failed labels as its cause."""
        try:
            self._table.transact(writes)
        except ConditionFailed as failed:
            raise Overtaken from failed

    def mark_looked(self, media: Media, now: str) -> bool:
        """Count one more look of the sweeper and set the next; False if it moved meanwhile."""
        update = Update(
            media_key(media.id),
            set={"gsi3sk": _due_at(media.id, media.status, now)},
            add={"looks": 1},
            condition="#version = :version",
            values={"version": media.version},
        )
        return self._is_written(update)

    def mark_removed(self, media: Media) -> bool:
        """Nothing of a deleted upload is left to remove."""
        update = Update(
            media_key(media.id),
            set={"gsi3pk": None, "gsi3sk": None},
            condition="#status = :deleted",
            values={"deleted": Status.DELETED.value},
        )
        return self._is_written(update)

    def due(self, now: str) -> list[str]:
        """Ids of uploads whose deadline has passed, the oldest first, a bounded number."""
        found: list[str] = []
        for number in range(DUE_PARTITIONS):
            query = Query(
                f"DUE#MEDIA#{number}",
                sort="#sk <= :now",
                values={"now": f"{now}~"},
                index="gsi3",
                limit=PAGE,
            )
            found.extend(item["pk"].partition("#")[2] for item in self._table.query(query).items)
        return found

    def _is_written(self, update: Update) -> bool:
        try:
            self._table.write(update)
        except ConditionFailed:
            return False
        return True


class OriginalBucket:
    """The quarantine; implements `moves.Originals`."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def etag(self, key: str) -> str | None:
        """The ETag of the object; None if there is none."""
        return self._bucket.etag(key)

    def read(self, key: str, etag: str, bytes_max: int) -> bytes:
        """The pinned object; Changed if it is gone or another."""
        try:
            return self._bucket.read(key, etag, bytes_max)
        except (ObjectGone, ObjectChanged) as change:
            raise Changed from change

    def delete(self, keys: list[str]) -> None:
        """Delete objects, also those that are not there."""
        self._bucket.delete(keys)


def move_writes(move: Move) -> list[Write]:
    """The two writes of a step, conditioned on status, run and hanging as they were read."""
    guards, values = ["#status = :from"], {"from": move.before.status.value}
    for name in ("attached_to", "run"):
        value = getattr(move.before, name)
        if value is None:
            guards.append(f"attribute_not_exists(#{name})")
        else:
            guards.append(f"#{name} = :{name}")
            values[name] = value
    written = move.written
    key = media_key(written.id)
    return step(key, move.told(), fields_of(written), " AND ".join(guards), values)


def fields_of(media: Media) -> dict[str, Any]:  # Any: an item
    """All attributes of the row but its keys; None where one must go."""
    due_at = _due_at(media.id, media.status, media.updated_at)
    bucket = bucket_of(media.id, DUE_PARTITIONS)
    return {
        **asdict(media),
        "status": media.status.value,
        "gsi3pk": f"DUE#MEDIA#{bucket}" if due_at else None,
        "gsi3sk": due_at,
    }


def media_of(item: Item) -> Media:
    """The upload in its row."""
    known: Mapping[str, Any] = {
        name: item[name] for name in Media.__dataclass_fields__ if name in item
    }
    shaped = {
        "status": Status(item["status"]),
        "renditions": tuple(Stored(**one) for one in item["renditions"]),
    }
    return Media(**{**known, **shaped})


def _due_at(media_id: str, status: Status, now: str) -> str | None:
    seconds = due_after_s(status)
    return None if seconds is None else f"{instant(later(moment(now), seconds))}#{media_id}"
