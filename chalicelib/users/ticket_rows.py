"""Socket tickets: one-time tokens that let a signed-in user open one socket."""

from dataclasses import dataclass
from typing import Final

from chalicelib.aws.table import Table
from chalicelib.aws.writes import Delete, Put
from chalicelib.kernel.clock import epoch_s, moment
from chalicelib.users.keys import one_time_key

PURPOSE: Final = "ws"
# Cleaning lags behind expiry anyway; until then the row is read as expired.
CLEANED_AFTER_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class SocketTicket:
    """What is kept of a ticket: its hash, and for which session it was made."""

    token_hash: str
    user_id: str
    session_id: str
    sv: int
    expires_at: str


def new_ticket(ticket: SocketTicket) -> Put:
    """Keep a ticket."""
    pk, sk = one_time_key(ticket.token_hash)
    return Put(
        {
            "pk": pk,
            "sk": sk,
            "token_hash": ticket.token_hash,
            "purpose": PURPOSE,
            "user_id": ticket.user_id,
            "session_id": ticket.session_id,
            "sv": ticket.sv,
            "expires_at": ticket.expires_at,
            "failures": 0,
            "ttl": epoch_s(moment(ticket.expires_at)) + CLEANED_AFTER_S,
        },
        label="ticket",
    )


def used_ticket(ticket: SocketTicket, now: str) -> Delete:
    """The ticket is there, has not expired, and is gone afterwards; label `ticket`."""
    return Delete(
        one_time_key(ticket.token_hash),
        "#purpose = :purpose AND #expires_at > :now",
        {"purpose": PURPOSE, "now": now},
        label="ticket",
    )


def find_ticket(table: Table, token_hash: str) -> SocketTicket | None:
    """The ticket with this hash; None if there is none or it is for something else."""
    row = table.get(one_time_key(token_hash))
    if row is None or row["purpose"] != PURPOSE:
        return None
    return SocketTicket(token_hash, row["user_id"], row["session_id"], row["sv"], row["expires_at"])
