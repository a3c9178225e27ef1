"""Steps of uploads from state to state, and the ports that carry them out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from chalicelib.kernel.domain_events import Cause, DomainEvent, EventType
from chalicelib.media.rules import Media


class Overtaken(Exception):
    """The upload is no longer as it was read."""


@dataclass(frozen=True, slots=True)
class Move:
    """An upload before and after, the event that tells of it, and what it says besides its ids."""

    before: Media
    after: Media
    event: EventType
    cause: Cause
    more: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON values

    @property
    def written(self) -> Media:
        """The upload as the move leaves it: one version on."""
        return replace(
            self.after, version=self.before.version + 1, updated_at=self.cause.occurred_at
        )

    def told(self) -> DomainEvent:
        """The event."""
        upload = self.written
        said = self.event.data(media_id=upload.id, owner_id=upload.owner_id, **self.more)
        return DomainEvent(self.event, upload.id, upload.version, self.cause, said)


class Uploads(Protocol):
    """Where uploads are kept."""

    def media(self, media_id: str) -> Media | None:
        """The upload as last written."""
        ...

    def move(self, move: Move) -> Media:
        """Write a move; Overtaken if another came first, and then nothing."""
        ...


class Originals(Protocol):
    """The quarantine of uploaded files."""

    def etag(self, key: str) -> str | None:
        """The ETag of the object; None if there is none."""
        ...

    def read(self, key: str, etag: str, bytes_max: int) -> bytes:
        """The object if it is still the one with this ETag; Changed otherwise."""
        ...

    def delete(self, keys: list[str]) -> None:
        """Delete objects, also those that are not there."""
        ...


class Changed(Exception):
    """The file that was inspected is gone or has been replaced."""
