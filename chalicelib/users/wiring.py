"""The real world of the users' use cases, built once per process."""

from functools import lru_cache

from chalicelib.aws.links import LinkTokens
from chalicelib.aws.secrets import KeyRing, secrets
from chalicelib.aws.settings import settings
from chalicelib.aws.tables import core_table
from chalicelib.edge import gateway
from chalicelib.edge.tokens import TokenIssuer
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.ids import Ids
from chalicelib.users.credentials import KeyedLookups, SessionCredentials, pepper
from chalicelib.users.hashing import PepperedPasswords
from chalicelib.users.limits import CountedLimits
from chalicelib.users.ports import Deps
from chalicelib.users.sealed_rows import SealedRows
from chalicelib.users.store import TableStore


def links_ring() -> KeyRing:
    """The ring of mailed links."""
    return secrets().ring("links")


@lru_cache(maxsize=1)
def deps() -> Deps:
    """Everything the use cases touch."""
    clock, ids = SystemClock(), Ids()
    access = TokenIssuer(settings().stage, gateway.tokens_ring)
    return Deps(
        store=TableStore(core_table(), SealedRows(gateway.sealer())),
        passwords=PepperedPasswords(pepper(gateway.identity_ring)),
        lookups=KeyedLookups(gateway.identity_ring),
        links=LinkTokens(links_ring),
        credentials=SessionCredentials(
            access, gateway.identity_ring, gateway.fresh_identity_ring, ids
        ),
        limits=CountedLimits(gateway.rate_limiter(), clock),
        clock=clock,
        ids=ids,
    )
