"""REST routes of notifications."""

from dataclasses import asdict
from typing import Final

from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.http import SANDBOX_ONLY, HttpBlueprint
from chalicelib.edge.replies import Reply
from chalicelib.notifications import wiring
from chalicelib.notifications.schemas import MailboxItem, MailboxPage, MailboxParameters

blueprint: Final = HttpBlueprint(__name__)


@blueprint.route("/sandbox/mailbox", methods=["GET"], access=SANDBOX_ONLY)
@documented(replies={200: MailboxPage}, query=MailboxParameters)
def get_mailbox(call: Call) -> Reply:
    """What the sandbox sent to an address in the last seven days, newest first."""
    address = call.query(MailboxParameters).to.lower()
    page = wiring.mailbox().entries(address, call.page())
    listed = call.listed(page, lambda entry: MailboxItem(**asdict(entry)))
    return Reply(200, MailboxPage(**listed))
