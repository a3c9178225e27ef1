"""In-app notifications as rows of the core table, written beside the push that announces them."""

from chalicelib.aws.writes import Put
from chalicelib.notifications.announcing import Notification
from chalicelib.notifications.store_inbox import notification_key, unread_partition


def new_notification(one: Notification) -> Put:
    """Keep it, in the list and in the index of what is unread; label `notification`."""
    pk, sk = notification_key(one.user_id, one.id)
    return Put(
        {
            "pk": pk,
            "sk": sk,
            "id": one.id,
            "user_id": one.user_id,
            "kind": one.kind,
            "title": one.title,
            "body": one.body,
            "ref": one.ref,
            "created_at": one.created_at,
            "gsi1pk": unread_partition(one.user_id),
            "gsi1sk": one.id,
        },
        label="notification",
    )
