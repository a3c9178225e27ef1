"""Cursors: where a page ended, signed, bound to list and caller, valid for a day."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Final

from chalicelib.aws.secrets import KeyRing, knowing
from chalicelib.kernel.clock import Clock, epoch_s
from chalicelib.kernel.errors import Malformed
from chalicelib.kernel.pagination import Position

VALID_S: Final = 86_400
MAC_BYTES: Final = 16
_PURPOSE: Final = "cursor"


class InvalidCursor(Malformed):
    """The cursor was altered, has expired, or belongs to another list."""

    code = "invalid_cursor"
    message = "This cursor is not valid here; start again without it."


class Cursors:
    """Writes and reads cursors under the ring of the access tokens."""

    def __init__(
        self,
        ring: Callable[[], KeyRing],
        clock: Clock,
        fresh_ring: Callable[[], KeyRing] | None = None,
    ) -> None:
        """`fresh_ring` is asked for keys made since `ring` was read."""
        self._ring = ring
        self._clock = clock
        self._fresh_ring = fresh_ring

    def write(self, position: Position, list_name: str) -> str:
        """An opaque cursor for `position` in the list called `list_name`."""
        ring = self._ring()
        expires_at = epoch_s(self._clock.now()) + VALID_S
        content = json.dumps([ring.current, expires_at, dict(position)]).encode()
        mac = _mac(ring.key(_PURPOSE), content, list_name)
        return _encoded(mac + content)

    def read(self, cursor: str, list_name: str) -> Position:
        """The position in a cursor; InvalidCursor unless it was written for this list."""
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            if _encoded(raw) != cursor:
                # The decoder passes over foreign characters: one cursor, many spellings.
                raise InvalidCursor
            mac, content = raw[:MAC_BYTES], raw[MAC_BYTES:]
            version, expires_at, position = json.loads(content)
            key = knowing(version, self._ring, self._fresh_ring).key(_PURPOSE, version)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InvalidCursor from error
        if not hmac.compare_digest(mac, _mac(key, content, list_name)):
            raise InvalidCursor
        if expires_at < epoch_s(self._clock.now()):
            raise InvalidCursor
        return {str(name): str(value) for name, value in position.items()}


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _mac(key: bytes, content: bytes, list_name: str) -> bytes:
    bound = content + b"\x00" + list_name.encode()
    return hmac.digest(key, bound, hashlib.sha256)[:MAC_BYTES]
