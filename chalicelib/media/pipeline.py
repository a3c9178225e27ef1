"""The steps of `media-pipeline`: claim, inspect, render, describe, publish, reject, fail.

Each may run any number of times, and two runs of one upload cannot both have an effect: the one
that claimed it last has its name in the record, and every later step asks for that name.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Protocol

from chalicelib.kernel.clock import Clock, instant
from chalicelib.kernel.domain_events import (
    MEDIA_FAILED,
    MEDIA_PROCESSING,
    MEDIA_READY,
    MEDIA_REJECTED,
    Actor,
    Cause,
)
from chalicelib.media.findings import MEDIA_TYPES, Painter, Reason, Rendition, Undecodable
from chalicelib.media.moves import Changed, Move, Originals, Overtaken, Uploads
from chalicelib.media.rules import (
    PIPELINE_DUE_S,
    UPLOAD_BYTES_MAX,
    Media,
    Status,
    Stored,
    original_key,
)

ACTOR: Final = Actor("system", "media_steps")
CLAIM_TRIES: Final = 4
SKIP: Final = "skip"


class Gallery(Protocol):
    """The public home of renditions."""

    def publish(self, key: str, content: bytes, media_type: str) -> None:
        """Put a rendition under its key for ever."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """What the steps need."""

    uploads: Uploads
    originals: Originals
    gallery: Gallery
    painter: Painter
    clock: Clock


@dataclass(frozen=True, slots=True)
class Task:
    """One step of one run on one upload, with what earlier steps found."""

    media_id: str
    execution: str
    correlation_id: str
    reason: str = ""
    parts: Sequence[Mapping[str, Any]] = ()  # Any: JSON of the workflow's state


@dataclass(frozen=True, slots=True)
class Outcome:
    """A step's answer; `found` is what later steps need of it."""

    outcome: str
    reason: str = ""
    attempts: int = 0
    found: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON of the workflow's state


def claim(task: Task, deps: Deps) -> Outcome:
    """Take the upload in hand for this run: `claimed`, or `skip` if another run has it."""
    for _ in range(CLAIM_TRIES):
        upload = deps.uploads.media(task.media_id)
        if upload is not None and _is_own(upload, task, Status.PROCESSING):
            return Outcome("claimed")
        if upload is None or not _is_claimable(upload, deps):
            return Outcome(SKIP)
        now = instant(deps.clock.now())
        after = replace(upload, status=Status.PROCESSING, run=task.execution, claimed_at=now)
        try:
            deps.uploads.move(Move(upload, after, MEDIA_PROCESSING, _cause(task, deps)))
        except Overtaken:
            continue
        return Outcome("claimed")
    return Outcome(SKIP)


def check(task: Task, deps: Deps) -> Outcome:
    """Judge the pinned file: `valid`, or `rejected` with the reason."""
    upload = _own(task, deps)
    if upload is None:
        return Outcome(SKIP)
    try:
        verdict = deps.painter.inspect(_original(upload, deps), upload.declared_type)
    except Changed:
        return Outcome("rejected", Reason.CHANGED_AFTER_UPLOAD)
    return Outcome("rejected", verdict.reason) if verdict.reason else Outcome("valid")


def paint(task: Task, deps: Deps) -> Outcome:
    """Publish the twelve renditions; the record learns of them when all is done."""
    upload = _own(task, deps)
    if upload is None:
        return Outcome(SKIP)
    try:
        raw = _original(upload, deps)
        stored = [
            Stored(
                name=one.name,
                format=one.format,
                width=one.width,
                height=one.height,
                bytes=len(one.content),
                key=_published(upload.id, one, deps),
            )
            for one in deps.painter.render(raw, upload.declared_type)
        ]
    except (Changed, Undecodable) as refusal:
        return _refused(refusal)
    return Outcome("rendered", found={"renditions": [asdict(one) for one in stored]})


def describe(task: Task, deps: Deps) -> Outcome:
    """The hash of the original, its size as people see it, and a colour to show before it."""
    upload = _own(task, deps)
    if upload is None:
        return Outcome(SKIP)
    try:
        raw = _original(upload, deps)
        verdict = deps.painter.inspect(raw, upload.declared_type)
        colour = deps.painter.tint(raw, upload.declared_type)
    except (Changed, Undecodable) as refusal:
        return _refused(refusal)
    found = {
        "sha256": hashlib.sha256(raw).hexdigest(),
        "placeholder": colour,
        "width": verdict.width,
        "height": verdict.height,
    }
    return Outcome("described", found=found)


def publish(task: Task, deps: Deps) -> Outcome:
    """The upload is READY with its renditions; `rejected` if a part found the file unfit."""
    refused = next((part for part in task.parts if part["outcome"] == "rejected"), None)
    if refused is not None:
        return Outcome("rejected", refused["reason"])
    upload = deps.uploads.media(task.media_id)
    if upload is None or not _is_own(upload, task, Status.PROCESSING):
        return _already(upload, task, Status.READY, "ready")
    found = {name: value for part in task.parts for name, value in part["found"].items()}
    after = replace(
        upload,
        status=Status.READY,
        content_type=upload.declared_type,
        width=found["width"],
        height=found["height"],
        sha256=found["sha256"],
        placeholder=found["placeholder"],
        renditions=tuple(Stored(**one) for one in found["renditions"]),
        reject_reason=None,
    )
    more = {"renditions": len(after.renditions), "attached_to": upload.attached_to}
    move = Move(upload, after, MEDIA_READY, _cause(task, deps), more)
    return _carried_out(move, task, deps, "ready")


def reject(task: Task, deps: Deps) -> Outcome:
    """The upload is REJECTED with the reason, and its original is deleted."""
    upload = deps.uploads.media(task.media_id)
    if upload is None or not _is_own(upload, task, Status.PROCESSING):
        outcome = _already(upload, task, Status.REJECTED, "rejected")
    else:
        after = replace(upload, status=Status.REJECTED, reject_reason=task.reason)
        move = Move(upload, after, MEDIA_REJECTED, _cause(task, deps), {"reason": task.reason})
        outcome = _carried_out(move, task, deps, "rejected")
    if outcome.outcome == "rejected":
        deps.originals.delete([original_key(task.media_id)])
    return outcome


def fail(task: Task, deps: Deps) -> Outcome:
    """The upload is FAILED, if this run had claimed it; else the sweeper starts another run."""
    upload = deps.uploads.media(task.media_id)
    if upload is None or not _is_own(upload, task, Status.PROCESSING):
        return _already(upload, task, Status.FAILED, "failed")
    after = replace(upload, status=Status.FAILED)
    return _carried_out(Move(upload, after, MEDIA_FAILED, _cause(task, deps)), task, deps, "failed")


def _own(task: Task, deps: Deps) -> Media | None:
    upload = deps.uploads.media(task.media_id)
    return upload if upload and _is_own(upload, task, Status.PROCESSING) else None


def _is_own(upload: Media, task: Task, status: Status) -> bool:
    return upload.status is status and upload.run == task.execution


def _is_claimable(upload: Media, deps: Deps) -> bool:
    if upload.status is not Status.PROCESSING:
        return upload.status is Status.UPLOADED
    oldest = instant(deps.clock.now() - timedelta(seconds=PIPELINE_DUE_S))
    return upload.claimed_at is None or upload.claimed_at < oldest


def _already(upload: Media | None, task: Task, status: Status, outcome: str) -> Outcome:
    """What this very run wrote before, or nothing to do."""
    done = upload is not None and _is_own(upload, task, status)
    return Outcome(outcome if done else SKIP)


def _carried_out(move: Move, task: Task, deps: Deps, outcome: str) -> Outcome:
    try:
        deps.uploads.move(move)
    except Overtaken:
        return _already(deps.uploads.media(task.media_id), task, move.after.status, outcome)
    return Outcome(outcome)


def _original(upload: Media, deps: Deps) -> bytes:
    return deps.originals.read(original_key(upload.id), upload.etag or "", UPLOAD_BYTES_MAX)


def _published(media_id: str, one: Rendition, deps: Deps) -> str:
    key = one.key(media_id)
    deps.gallery.publish(key, one.content, MEDIA_TYPES[one.format])
    return key


def _refused(refusal: Exception) -> Outcome:
    is_changed = isinstance(refusal, Changed)
    return Outcome("rejected", Reason.CHANGED_AFTER_UPLOAD if is_changed else Reason.CORRUPT)


def _cause(task: Task, deps: Deps) -> Cause:
    return Cause(instant(deps.clock.now()), ACTOR, task.correlation_id)
