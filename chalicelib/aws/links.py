"""One-time tokens for mailed links: rebuilt from the event, so that no event carries a secret."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from chalicelib.aws.secrets import KeyRing

_PURPOSE: Final = "link"


class LinkTokens:
    """Makes the token of an event, and makes the same one again from the event's `kid`."""

    def __init__(self, ring: Callable[[], KeyRing]) -> None:
        self._ring = ring

    def kid(self) -> str:
        """The key version that new tokens are made under."""
        return self._ring().current

    def token(self, kid: str, event_id: str) -> str:
        """43 base64url characters: HMAC-SHA256 of the event id; KeyError for an unknown key."""
        mac = hmac.digest(self._ring().key(_PURPOSE, kid), event_id.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def token_hash(token: str) -> str:
    """What is stored of a one-time token: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()
