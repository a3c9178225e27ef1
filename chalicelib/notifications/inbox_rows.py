"""In-app notifications as rows of the core table, written beside the push that announces them."""

from dataclasses import dataclass

from chalicelib.aws.writes import Put


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


def new_notification(one: Notification) -> Put:
    """Keep it, in the list and in the index of what is unread; label `notification`."""
    return Put(
        {
            "pk": f"USER#{one.user_id}",
            "sk": f"NTF#{one.id}",
            "id": one.id,
            "user_id": one.user_id,
            "kind": one.kind,
            "title": one.title,
            "body": one.body,
            "ref": one.ref,
            "created_at": one.created_at,
            "gsi1pk": f"USER#{one.user_id}#UNREAD",
            "gsi1sk": one.id,
        },
        label="notification",
    )
