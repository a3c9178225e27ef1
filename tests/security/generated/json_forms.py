"""Forms of JSON that are nearly right: cut, re-encoded, nested, overflowing, repeated, flipped."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

NESTING_MAX = 32
INSERTS = (
    b"\xef\xbb\xbf", b"\x00", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80",
    b"\xe2\x80\xa8",
    b"\\ud800", b"\\udc00\\ud800", b"\\x41", b"\\u12", b"//", b"/**/", b",", b"'", b"}", b"]",
    b"NaN", b"-Infinity", b"\x0b", b"\xa0", b"\n", b" ", b"\t", b"1", b'"', b":", b"\\",
)  # fmt: skip
VALUES = (
    b"NaN", b"Infinity", b"-Infinity", b"nan", b"01", b"+1", b".5", b"1.", b"0x10", b"1_0", b"1e",
    b"-",
    b"1e400", b"-1e400", b"1e-400", b"9" * 4000, b"0." + b"1" * 3000, b"True", b"None",
    b"undefined", b"'x'",
    b"t", b"nul", b'"\\ud83d\\ude00"', b'"\\ud83d"', b'"\\u0000"', b"{}", b"[]", b"null",
)  # fmt: skip
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-7", "cp037")
Form = Callable[[bytes, random.Random], bytes]


def _cut(raw: bytes, draws: random.Random) -> bytes:
    return raw[: draws.randrange(len(raw))]


def _inserted(raw: bytes, draws: random.Random) -> bytes:
    at = draws.randint(0, len(raw))
    return raw[:at] + draws.choice(INSERTS) + raw[at:]


def _flipped(raw: bytes, draws: random.Random) -> bytes:
    at = draws.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ (1 << draws.randrange(8))]) + raw[at + 1 :]


def _valued(raw: bytes, draws: random.Random) -> bytes:
    return raw[:-1] + b',"strange":' + draws.choice(VALUES) + b"}"


def _encoded(raw: bytes, draws: random.Random) -> bytes:
    return raw.decode().encode(draws.choice(ENCODINGS))


def _nested(raw: bytes, draws: random.Random) -> bytes:
    levels = draws.choice((1, 30, 31, 32, 33, 200, 5_000))
    opened, closed = draws.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return opened * levels + raw + closed * levels


def _repeated(raw: bytes, _draws: random.Random) -> bytes:
    return raw[:-1] + b"," + raw[1:]


def _joined(raw: bytes, draws: random.Random) -> bytes:
    tail = draws.choice((raw, b"x", b"\x00", b"]", b"\n"))
    return raw + draws.choice((b" ", b"\n", b"", b",")) + tail


def _alone(_raw: bytes, draws: random.Random) -> bytes:
    # Not {}: some routes accept it.
    others = [value for value in VALUES if value != b"{}"]
    return draws.choice((*others, b"7", b'"text"', b"[1]", b"  ", b"{"))


FORMS: tuple[Form, ...] = (
    _cut, _inserted, _flipped, _valued, _encoded, _nested, _repeated, _joined, _alone,
)  # fmt: skip


def forms(body: dict[str, Any], draws: random.Random) -> Iterator[bytes]:
    """Endless: each form in turn, of the same body."""
    raw = json.dumps(body).encode()
    while True:
        for form in FORMS:
            yield form(raw, draws)


def is_well_formed(raw: bytes) -> bool:
    """What the standard and the limit of nesting say, by another parser than the shop's."""
    try:
        read = json.loads(raw.decode(), parse_constant=_refuse)
        json.dumps(read, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return _depth(read) <= NESTING_MAX


def _refuse(name: str) -> None:
    raise ValueError(name)


def _depth(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(_depth, children), default=0)
