"""In-app notifications as rows of the core table, written beside the push that announces them."""

from chalicelib.aws.writes import Put
from chalicelib.notifications.inbox import Notification


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
