"""Access tokens: made in one form, believed only in that form and from a trusted issuer.

The issuer is looked up by the token's `iss`, and it alone says which algorithm and which keys
count; nothing in the token chooses how the token is checked. Another provider is one more
`Issuer` (an RS256 entry reads its keys from a JWKS document).
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

from chalicelib.aws.secrets import KeyRing
from chalicelib.kernel.clock import epoch_s
from chalicelib.kernel.errors import Unauthenticated
from chalicelib.kernel.ids import is_id

LIFETIME_S: Final = 900
LEEWAY_S: Final = 30
TOKEN_LENGTH_MAX: Final = 4096
AUDIENCE: Final = "souk-api"
TYPE: Final = "access"
PURPOSE: Final = "access"
CLAIMS: Final = ("iss", "aud", "sub", "sid", "jti", "typ", "sv", "role", "iat", "nbf", "exp")

_NUMBERS: Final = ("sv", "iat", "nbf", "exp")
_WORDS: Final = ("sub", "sid", "jti", "role")

# Exactly these: crit, jku, jwk, x5u, x5c, b64 and zip have nothing to say here.
_HEADER: Final = frozenset({"alg", "typ", "kid"})
_KID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BEARER: Final = re.compile(r"[Bb]earer ([A-Za-z0-9_.-]+)")
_PART: Final = re.compile(r"[A-Za-z0-9_-]+")
_PARTS: Final = 3

Algorithm = Literal["HS256", "RS256"]


class Keys(Protocol):
    """The keys of one issuer."""

    def key(self, kid: str) -> Any:  # Any: bytes for HS256, a public key object for RS256
        """The key called `kid`, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Issuer:
    """One trusted issuer: its name, its audience, its only algorithm and its keys.

    `claims` must all be there; `check` raises ValueError or KeyError for claims of a wrong kind.
    """

    name: str
    audience: str
    algorithm: Algorithm
    keys: Keys
    claims: Sequence[str]
    check: Callable[[Mapping[str, Any]], None]


def bearer(header: str) -> str:
    """The token of an Authorization header; Unauthenticated for any other form."""
    written = _BEARER.fullmatch(header)
    if written is None:
        raise Unauthenticated
    return written[1]


class TokenVerifier:
    """Believes tokens of the trusted issuers and no others."""

    def __init__(self, issuers: Sequence[Issuer]) -> None:
        self._issuers: Mapping[str, Issuer] = MappingProxyType({one.name: one for one in issuers})

    def verify(self, token: str) -> Mapping[str, Any]:
        """The claims of a valid token; Unauthenticated otherwise, without telling why."""
        header, claims = _parts(token)
        issuer = self._issuer(header, claims)
        key = issuer.keys.key(header["kid"])
        if key is None:
            raise Unauthenticated
        # Imported where it works: the API only signs at a login, the authorizer verifies.
        import jwt  # noqa: PLC0415

        try:
            verified: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[issuer.algorithm],
                audience=issuer.audience,
                issuer=issuer.name,
                leeway=LEEWAY_S,
                options={"require": list(issuer.claims), "strict_aud": True},
            )
            issuer.check(verified)
        except (jwt.PyJWTError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise Unauthenticated from error
        return verified

    def _issuer(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> Issuer:
        name, kid = claims.get("iss"), header["kid"]
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None or header["alg"] != issuer.algorithm or header["typ"] != "JWT":
            raise Unauthenticated
        if not isinstance(kid, str) or not _KID.fullmatch(kid):
            raise Unauthenticated
        return issuer


def _parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims as written, before anything is believed of them."""
    parts = token.split(".")
    if len(token) > TOKEN_LENGTH_MAX or len(parts) != _PARTS:
        raise Unauthenticated
    header, claims, _ = map(_canonical, parts)
    read = _object(header), _object(claims)
    if set(read[0]) != _HEADER:
        raise Unauthenticated
    return read


def _canonical(part: str) -> bytes:
    """The bytes of a base64url part that is written the one right way."""
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise Unauthenticated from error
    # Left-over bits and foreign characters would let one token be written in several ways.
    if not _PART.fullmatch(part) or base64url(raw) != part:
        raise Unauthenticated
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    try:
        # As text: given bytes, the parser would guess at encodings and skip a byte order mark.
        read = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        raise Unauthenticated from error
    if not isinstance(read, dict):
        raise Unauthenticated
    return read


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a name is repeated")
    return read


def base64url(raw: bytes) -> str:
    """`raw` in base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class RingKeys:
    """The keys of our own issuer: those of a key ring, asked anew for an unknown version."""

    def __init__(self, ring: Callable[[], KeyRing], fresh_ring: Callable[[], KeyRing]) -> None:
        self._ring = ring
        self._fresh_ring = fresh_ring

    def key(self, kid: str) -> bytes | None:
        """The key called `kid`, or None; the fresh ring is rate-limited by its source."""
        ring = self._ring()
        if kid not in ring.versions:
            ring = self._fresh_ring()
        return ring.key(PURPOSE, kid) if kid in ring.versions else None


def issuer_name(stage: str) -> str:
    """How the tokens of a stage name their issuer."""
    return f"souk-{stage}"


def own_issuer(stage: str, keys: Keys) -> Issuer:
    """The shop itself as an issuer."""
    return Issuer(issuer_name(stage), AUDIENCE, "HS256", keys, CLAIMS, _check_own)


def _check_own(claims: Mapping[str, Any]) -> None:
    if set(claims) != set(CLAIMS) or claims["typ"] != TYPE:
        raise ValueError("not an access token")
    if any(type(claims[name]) is not int for name in _NUMBERS):
        raise ValueError("numbers are whole")
    if any(not isinstance(claims[name], str) or not claims[name] for name in _WORDS):
        raise ValueError("words are words")
    if claims["nbf"] != claims["iat"] or claims["exp"] - claims["iat"] > LIFETIME_S:
        raise ValueError("other times than we write")
    ids = (("sub", "usr"), ("sid", "ses"), ("jti", "jti"))
    if not all(is_id(claims[name], prefix) for name, prefix in ids):
        raise ValueError("not our ids")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a token speaks for."""

    user_id: str
    session_id: str
    sv: int
    role: str


class TokenIssuer:
    """Makes access tokens under the current key of a ring."""

    def __init__(self, stage: str, ring: Callable[[], KeyRing]) -> None:
        self._name = issuer_name(stage)
        self._ring = ring

    def issue(self, subject: Subject, jti: str, now: datetime) -> str:
        """An access token of 15 minutes."""
        ring, started = self._ring(), epoch_s(now)
        import jwt  # noqa: PLC0415 - see `verify`

        claims = {
            "iss": self._name,
            "aud": AUDIENCE,
            "sub": subject.user_id,
            "sid": subject.session_id,
            "jti": jti,
            "typ": TYPE,
            "sv": subject.sv,
            "role": subject.role,
            "iat": started,
            "nbf": started,
            "exp": started + LIFETIME_S,
        }
        return jwt.encode(claims, ring.key(PURPOSE), "HS256", headers={"kid": ring.current})
