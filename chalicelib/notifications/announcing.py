"""In-app notifications: what a user finds in the shop the next time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notification:
    """What a user finds in the shop the next time, unread at first."""

    id: str
    user_id: str
    kind: str
    title: str
    body: str
    created_at: str
    ref_type: str | None = None
    ref_id: str | None = None

    @property
    def ref(self) -> dict[str, str] | None:
        """What it is about."""
        if self.ref_type is None or self.ref_id is None:
            return None
        return {"type": self.ref_type, "id": self.ref_id}
