"""Identifiers: a prefix, 48 bits of milliseconds and 80 random bits, sortable by creation."""

import os
import re
import time
import zlib
from collections.abc import Callable
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BODY: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_BODY_LENGTH: Final = 26
_NUMBER_LENGTH: Final = 8


def _crockford(value: int, length: int) -> str:
    return "".join(ALPHABET[(value >> (5 * place)) & 31] for place in range(length - 1, -1, -1))


class Ids:
    """Makes ids; the source of randomness and the clock can be given for tests."""

    def __init__(
        self,
        random_bytes: Callable[[int], bytes] = os.urandom,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._random_bytes = random_bytes
        self._now_ms = now_ms

    def new(self, prefix: str) -> str:
        """A new id such as ord_01J…; sorting by id sorts by creation time."""
        random = int.from_bytes(self._random_bytes(10), "big")
        return f"{prefix}_{_crockford((self._now_ms() << 80) | random, _BODY_LENGTH)}"

    def order_number(self) -> str:
        """An order number for people: SK- and eight random Crockford characters."""
        random = int.from_bytes(self._random_bytes(5), "big")
        return f"SK-{_crockford(random, _NUMBER_LENGTH)}"

    def token_bytes(self, size: int) -> bytes:
        """`size` unpredictable bytes, for secrets that leave the shop once."""
        return self._random_bytes(size)


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` is a well-formed id with this prefix; malformed ids in a path are 404."""
    head, _, body = text.partition("_")
    return head == prefix and _BODY.fullmatch(body) is not None


def body_of(identifier: str) -> str:
    """The 26 characters behind the prefix."""
    return identifier.partition("_")[2]


def bucket_of(identifier: str, buckets: int) -> int:
    """A stable spread of ids over `buckets` index partitions."""
    return zlib.crc32(identifier.encode()) % buckets
