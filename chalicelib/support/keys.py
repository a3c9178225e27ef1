"""Where the rows of tickets stand."""

from typing import Final

from chalicelib.aws.items import Key

MESSAGES: Final = "MSG#"
CLOSED: Final = "CLOSED"


def ticket_key(ticket_id: str) -> Key:
    """One ticket."""
    return f"TICKET#{ticket_id}", "META"


def message_key(ticket_id: str, seq: int) -> Key:
    """One message of a ticket."""
    return f"TICKET#{ticket_id}", f"{MESSAGES}{seq:06d}"


def status_partition(status: str, month: str) -> str:
    """The list of one status; closed tickets are listed by the month they were opened in."""
    return f"TICKETS#{status}#{month}" if status == CLOSED else f"TICKETS#{status}"
