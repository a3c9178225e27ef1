"""Wire models of notifications."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from chalicelib.wire.models import PLAIN_BOOLEAN, PageParameters, View

Recipient = Annotated[
    str,
    StringConstraints(
        min_length=3,
        max_length=254,
        pattern=r"^(\+[1-9][0-9]{6,14}|[^\s@\"<>(),:;\x00-\x1f\x7f-\x9f]{1,64}@[A-Za-z0-9.-]+)$",
    ),
]


class MailboxParameters(PageParameters):
    """Whose mailbox: an e-mail address or a phone number."""

    to: Recipient


class MailboxItem(View):
    """A copy of one message that the sandbox sent."""

    channel: Literal["email", "sms", "push"]
    template: str
    subject: str | None
    text: str
    token: str | None
    event_id: str
    at: str


class MailboxPage(View):
    """Copies, newest first."""

    items: list[MailboxItem]
    next: str | None


class NotificationParameters(PageParameters):
    """Which notifications; `unread` leaves out what was read."""

    unread: Annotated[bool, PLAIN_BOOLEAN] = False


class ReferenceView(View):
    """What a notification is about."""

    type: str
    id: str


class NotificationView(View):
    """One notification in the shop."""

    id: str
    kind: Literal["order", "security"]
    title: str
    body: str
    ref: ReferenceView | None
    read: bool
    created_at: str


class NotificationPage(View):
    """Notifications, newest first; `unread` 100 stands for 100 or more."""

    items: list[NotificationView]
    next: str | None
    unread: Annotated[int, Field(ge=0, le=100)]
