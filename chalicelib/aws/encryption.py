"""Sealed fields: AES-GCM under versioned keys, bound to the place they belong to."""

import base64
import os
from collections.abc import Callable
from typing import Final

# cryptography is imported where it works: readers of the catalogue open nothing.
from chalicelib.aws.secrets import KeyRing, knowing

NONCE_BYTES: Final = 12
_PURPOSE: Final = "field"


class SealBroken(RuntimeError):
    """A sealed value was altered, moved to another place, or its key is gone."""


class Sealer:
    """Seals and opens fields; `place` (table key and field) is authenticated with them."""

    def __init__(
        self,
        ring: Callable[[], KeyRing],
        random_bytes: Callable[[int], bytes] = os.urandom,
        fresh_ring: Callable[[], KeyRing] | None = None,
    ) -> None:
        """`fresh_ring` is asked for keys made since `ring` was read."""
        self._ring = ring
        self._random_bytes = random_bytes
        self._fresh_ring = fresh_ring

    def seal(self, value: bytes, place: str) -> str:
        """`value` as `s1.<key version>.<base64 of nonce and ciphertext>`."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        ring = self._ring()
        nonce = self._random_bytes(NONCE_BYTES)
        sealed = nonce + AESGCM(ring.key(_PURPOSE)).encrypt(nonce, value, place.encode())
        return f"s1.{ring.current}.{base64.b64encode(sealed).decode()}"

    def open(self, sealed: str, place: str) -> bytes:
        """The value sealed for this place; SealBroken if it was altered or moved."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        try:
            form, version, written = sealed.split(".")
            if form != "s1":
                raise SealBroken("unknown form")
            raw = base64.b64decode(written, validate=True)
            if base64.b64encode(raw).decode() != written:
                raise SealBroken("not the one way to write it")
            key = knowing(version, self._ring, self._fresh_ring).key(_PURPOSE, version)
            return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode())
        except (ValueError, KeyError, InvalidTag) as error:
            raise SealBroken("the value cannot be opened") from error

    def version_of(self, sealed: str) -> str:
        """The key version a value was sealed under."""
        return sealed.split(".")[1]
