"""Wire models of notifications."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from chalicelib.wire.models import PageParameters, View

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
