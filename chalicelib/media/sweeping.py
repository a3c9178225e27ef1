"""What the sweeper does for uploads whose deadline has passed (domain rule 7.5)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Protocol

from chalicelib.aws.objects import Bucket
from chalicelib.aws.workflows import workflows
from chalicelib.kernel.clock import Clock, SystemClock, instant
from chalicelib.kernel.domain_events import MEDIA_EXPIRED, MEDIA_FAILED, Actor, Cause
from chalicelib.media.moves import Move, Overtaken, Uploads
from chalicelib.media.pipeline_wiring import gallery, quarantine, uploads
from chalicelib.media.rules import LOOKS_MAX, Media, Status, original_key, published_prefix

ACTOR: Final = Actor("system", "sweeper")
WORKFLOW: Final = "media-pipeline"


class DueUploads(Uploads, Protocol):
    """Uploads with deadlines."""

    def due(self, now: str) -> list[str]:
        """Ids of uploads whose deadline has passed."""
        ...

    def mark_looked(self, media: Media, now: str) -> bool:
        """Count one more look; False if the upload moved meanwhile."""
        ...

    def mark_removed(self, media: Media) -> bool:
        """Nothing is left of a deleted upload."""
        ...


class Runs(Protocol):
    """The runs of workflows."""

    def start(self, workflow: str, name: str, given: Mapping[str, object]) -> bool:
        """Start a run; False if one of that name exists."""
        ...

    def is_running(self, workflow: str, name: str) -> bool | None:
        """Whether a run goes on; None if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """What the sweeping of uploads needs."""

    uploads: DueUploads
    runs: Runs
    remove: Callable[[str], None]
    clock: Clock


@lru_cache(maxsize=1)
def sweeping_deps() -> Deps:
    """The real adapters."""
    return Deps(uploads(), workflows(), _remover(quarantine(), gallery()), SystemClock())


def sweep_uploads(deps: Deps) -> dict[str, int]:
    """Look at every upload that is due; how many of each outcome."""
    outcomes: dict[str, int] = {}
    for media_id in deps.uploads.due(instant(deps.clock.now())):
        media = deps.uploads.media(media_id)
        outcome = "gone" if media is None else look_at(media, deps)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return outcomes


def look_at(media: Media, deps: Deps) -> str:
    """What became of one upload that is due."""
    match media.status:
        case Status.AWAITING:
            return _moved(media, Status.EXPIRED, deps)
        case Status.UPLOADED | Status.PROCESSING:
            return _started_again(media, deps)
        case Status.DELETED:
            deps.remove(media.id)
            deps.uploads.mark_removed(media)
            return "removed"
        case _:
            # The index had not caught up with the row.
            return "settled"


def _started_again(media: Media, deps: Deps) -> str:
    if media.looks >= LOOKS_MAX:
        return _moved(media, Status.FAILED, deps)
    now = deps.clock.now()
    is_running = media.run is not None and deps.runs.is_running(WORKFLOW, media.run)
    if not deps.uploads.mark_looked(media, instant(now)):
        return "settled"
    if is_running:
        return "running"
    given = {"media_id": media.id, "correlation_id": media.correlation_id}
    deps.runs.start(WORKFLOW, f"{media.id}-{now:%Y%m%d%H%M}", given)
    return "started"


def _moved(media: Media, status: Status, deps: Deps) -> str:
    event = MEDIA_EXPIRED if status is Status.EXPIRED else MEDIA_FAILED
    cause = Cause(instant(deps.clock.now()), ACTOR, media.correlation_id)
    try:
        deps.uploads.move(Move(media, replace(media, status=status), event, cause))
    except Overtaken:
        return "settled"
    return status.value.lower()


def _remover(originals: Bucket, renditions: Bucket) -> Callable[[str], None]:
    def remove(media_id: str) -> None:
        originals.delete([original_key(media_id)])
        renditions.delete(renditions.keys(published_prefix(media_id)))

    return remove
