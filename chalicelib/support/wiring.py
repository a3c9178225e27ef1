"""The real adapters of support, built once per process."""

from functools import lru_cache

from chalicelib.aws.tables import core_table
from chalicelib.edge import gateway
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.ids import Ids
from chalicelib.support.service import Deps
from chalicelib.support.store import TicketRows
from chalicelib.users.credentials import KeyedLookups


@lru_cache(maxsize=1)
def deps() -> Deps:
    """What tickets of this process are worked on with."""
    return Deps(
        tickets=TicketRows(core_table(), gateway.idempotency_records()),
        email_key=KeyedLookups(gateway.identity_ring).email_key,
        clock=SystemClock(),
        ids=Ids(),
    )
