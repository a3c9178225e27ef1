"""Webhook signatures: `t=<unix>,v1=<hex>` over the time and the raw body, in constant time."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final

from chalicelib.kernel.errors import Malformed

TOLERANCE_S: Final = 300
HEADER_MAX: Final = 1024
_PART: Final = re.compile(r"(t|v1)=([0-9a-f]{1,64})")


class SignatureInvalid(Malformed):
    """The webhook was not signed by the gateway, or not within five minutes."""

    code = "signature_invalid"
    message = "The signature is missing, wrong or too old."


def signature(secret: str, signed_at: int, raw: bytes) -> str:
    """The hex HMAC-SHA256 of `<t>.<raw body>`."""
    return hmac.new(secret.encode(), b"%d." % signed_at + raw, hashlib.sha256).hexdigest()


def verify(header: str | None, raw: bytes, secrets: Iterable[str], now_s: int) -> None:
    """SignatureInvalid unless one `v1` fits one of the secrets and `t` is near enough."""
    signed_at, candidates = _read(header)
    if abs(now_s - signed_at) > TOLERANCE_S:
        raise SignatureInvalid
    expected = [signature(secret, signed_at, raw) for secret in secrets]
    # Every pair is compared, so that the time tells nothing about which one fits.
    fits = [hmac.compare_digest(one, other) for one in expected for other in candidates]
    if not any(fits):
        raise SignatureInvalid


def _read(header: str | None) -> tuple[int, list[str]]:
    if header is None or len(header) > HEADER_MAX:
        raise SignatureInvalid
    parts = [_PART.fullmatch(part.strip()) for part in header.split(",")]
    if not all(parts):
        raise SignatureInvalid
    named = [(part[1], part[2]) for part in parts if part]
    times = [value for name, value in named if name == "t"]
    candidates = [value for name, value in named if name == "v1"]
    if len(times) != 1 or not times[0].isdecimal() or not candidates:
        raise SignatureInvalid
    return int(times[0]), candidates
