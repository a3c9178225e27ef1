"""One-time tokens for mailed links: rebuilt from the event, so that no event carries a secret."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from chalicelib.aws.secrets import KeyRing, knowing

_PURPOSE: Final = "link"


class LinkTokens:
    """Makes the token of an event, and makes the same one again from the event's `kid`."""

    def __init__(
        self, ring: Callable[[], KeyRing], fresh_ring: Callable[[], KeyRing] | None = None
    ) -> None:
        """`fresh_ring` is asked for keys made since `ring` was read."""
        self._ring = ring
        self._fresh_ring = fresh_ring

    def kid(self) -> str:
        """The key version that new tokens are made under."""
        return self._ring().current

    def token(self, kid: str, event_id: str) -> str:
        """43 base64url characters: HMAC-SHA256 of the event id; KeyError for an unknown key."""
        key = knowing(kid, self._ring, self._fresh_ring).key(_PURPOSE, kid)
        mac = hmac.digest(key, event_id.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def token_hash(token: str) -> str:
    """What is stored of a one-time token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()
