"""Passwords: argon2id over an HMAC with a pepper that the table does not hold.

m = 19456 KiB, t = 2, p = 1 (OWASP's floor for argon2id). The parameters stand in the hash, so
that a login can tell an outdated one.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

# argon2 is imported where it works: most cold starts of the API serve a reader, not a login.

MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1
# A hash of nobody's password, of the same cost as everybody's.
_NOBODY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$"
    "0000000000000000000000000000000000000000000"
)


class PepperedPasswords:
    """Implements `ports.Passwords`."""

    def __init__(self, pepper: Callable[[], bytes]) -> None:
        from argon2 import PasswordHasher, Type  # noqa: PLC0415

        self._pepper = pepper
        self._hasher = PasswordHasher(
            time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID
        )

    def hashed(self, password: str) -> str:
        """The hash to keep."""
        return self._hasher.hash(self._peppered(password))

    def is_right(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash is of this password; without a hash the same work, and no."""
        from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415

        try:
            self._hasher.verify(password_hash or _NOBODY, self._peppered(password))
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(password_hash)

    def _peppered(self, password: str) -> str:
        mac = hmac.digest(self._pepper(), password.encode(), hashlib.sha256)
        return base64.b64encode(mac).decode()
