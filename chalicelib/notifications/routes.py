"""REST routes of notifications."""

from dataclasses import asdict
from typing import Final

from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.http import SANDBOX_ONLY, HttpBlueprint
from chalicelib.edge.replies import Reply
from chalicelib.notifications import inbox, wiring
from chalicelib.notifications.schemas import (
    MailboxItem,
    MailboxPage,
    MailboxParameters,
    NotificationPage,
    NotificationParameters,
    NotificationView,
)
from chalicelib.users.authorizer import CUSTOMER

blueprint: Final = HttpBlueprint(__name__)


@blueprint.route("/sandbox/mailbox", methods=["GET"], access=SANDBOX_ONLY)
@documented(replies={200: MailboxPage}, query=MailboxParameters)
def get_mailbox(call: Call) -> Reply:
    """What the sandbox sent to an address in the last seven days, newest first."""
    address = call.query(MailboxParameters).to.lower()
    page = wiring.mailbox().entries(address, call.page())
    listed = call.listed(page, lambda entry: MailboxItem(**asdict(entry)))
    return Reply(200, MailboxPage(**listed))


@blueprint.route("/users/me/notifications", methods=["GET"], access=CUSTOMER)
@documented(replies={200: NotificationPage}, query=NotificationParameters)
def get_notifications(call: Call) -> Reply:
    """What the caller was told, newest first."""
    inboxes = wiring.inbox_deps().inboxes
    user_id, unread = call.caller.user_id, call.query(NotificationParameters).unread
    page = inboxes.entries(user_id, call.page(), unread=unread)
    listed = call.listed(page, lambda entry: NotificationView.model_validate(asdict(entry)))
    return Reply(200, NotificationPage(**listed, unread=inboxes.unread(user_id)))


@blueprint.route(
    "/users/me/notifications/{notification_id}/read", methods=["POST"], access=CUSTOMER
)
@documented(replies={204: None})
def post_read(call: Call, notification_id: str) -> Reply:
    """Mark one notification as read."""
    inbox.read_one(call.caller.user_id, notification_id, wiring.inbox_deps())
    return Reply(204)


@blueprint.route("/users/me/notifications/read-all", methods=["POST"], access=CUSTOMER)
@documented(replies={204: None})
def post_read_all(call: Call) -> Reply:
    """Mark everything as read."""
    inbox.read_all(call.caller.user_id, wiring.inbox_deps())
    return Reply(204)
