"""What the HTTP edge itself needs of AWS, built once per process: cursors, counters, records."""

import hashlib
from functools import lru_cache
from typing import Final

from chalicelib.aws.encryption import Sealer
from chalicelib.aws.idempotency import IdempotencyRecords
from chalicelib.aws.rates import RateLimiter, RateRule
from chalicelib.aws.secrets import KeyRing, secrets
from chalicelib.aws.settings import settings
from chalicelib.aws.tables import core_table
from chalicelib.edge.cursors import Cursors
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.errors import Unavailable

CATALOGUE_CACHE: Final = "public, max-age=30"


def identity_ring() -> KeyRing:
    """The ring of the field keys."""
    return secrets().ring("identity")


def tokens_ring() -> KeyRing:
    """The ring of access tokens and cursors."""
    return secrets().ring("tokens")


def fresh_identity_ring() -> KeyRing:
    """The ring of the field keys, asked for anew at most every ten seconds."""
    return secrets().ring("identity", is_fresh=True)


def fresh_tokens_ring() -> KeyRing:
    """The ring of tokens and cursors, asked for anew at most every ten seconds."""
    return secrets().ring("tokens", is_fresh=True)


@lru_cache(maxsize=1)
def sealer() -> Sealer:
    """Seals fields under the identity ring."""
    return Sealer(identity_ring, fresh_ring=fresh_identity_ring)


@lru_cache(maxsize=1)
def cursors() -> Cursors:
    """The cursors of this process."""
    return Cursors(tokens_ring, SystemClock(), fresh_tokens_ring)


@lru_cache(maxsize=1)
def idempotency_records() -> IdempotencyRecords:
    """The idempotency records of the core table."""
    return IdempotencyRecords(core_table(), sealer())


@lru_cache(maxsize=1)
def rate_limiter() -> RateLimiter:
    """The counters of the core table."""
    return RateLimiter(core_table(), settings().rate_scale)


def limit(rule: RateRule, subject: str) -> None:
    """Count this call against a rule; addresses are counted under a hash."""
    hashed = hashlib.sha256(subject.encode()).hexdigest()[:32]
    rate_limiter().count(rule, hashed, SystemClock().now())


def is_sandbox() -> bool:
    """Whether this deployment runs the sandbox gateway and mailbox."""
    return settings().is_sandbox


def cors_headers(origin: str | None) -> dict[str, str]:
    """The headers for an allowed origin; none for any other."""
    if origin is None or origin not in settings().allowed_origins:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "ETag, Location, Retry-After, X-Request-Id, "
        "X-Correlation-Id, Idempotency-Replayed",
        "Vary": "Origin",
    }


def public_cache_headers(body: bytes) -> dict[str, str]:
    """The headers of a catalogue read: a body hash, and half a minute in shared caches."""
    tag = hashlib.sha256(body).hexdigest()[:32]
    return {"Cache-Control": CATALOGUE_CACHE, "ETag": f'"{tag}"'}


def is_known(tag: str, if_none_match: str | None) -> bool:
    """Whether the caller has this very body already (weak comparison, lists and * allowed)."""
    if if_none_match is None:
        return False
    known = {entry.strip().removeprefix("W/") for entry in if_none_match.split(",")}
    return tag in known or "*" in known


def stage() -> str:
    """The stage of this deployment."""
    return settings().stage


def version() -> str:
    """The version of the app that is deployed."""
    return settings().version


def public_base_url() -> str:
    """The URL that paths of this API are appended to; empty where it is not set."""
    return settings().public_base_url


def socket_base_url() -> str:
    """The URL that sockets connect to; Unavailable where it is not set."""
    if not settings().socket_base_url:
        raise Unavailable("Sockets are not configured.")
    return settings().socket_base_url
