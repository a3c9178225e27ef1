"""Refresh tokens and keyed look-ups: HMACs under the identity ring, nothing secret stored."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from chalicelib.aws.secrets import KeyRing
from chalicelib.edge.tokens import Subject, TokenIssuer, base64url
from chalicelib.kernel.ids import Ids, body_of, is_id
from chalicelib.users.rules import Session, User

# Pepper, e-mail keys and recovery hashes cannot be made anew without their secret's owner, so
# they stay under the first version for ever; the ring keeps every version.
PERMANENT: Final = "k1"
USER_BODY_BYTES: Final = 26
_REFRESH: Final = re.compile(r"(ses_[0-9A-Z]{26})\.([1-9][0-9]{0,8})\.([A-Za-z0-9_-]{78})")

Ring = Callable[[], KeyRing]


class SessionCredentials:
    """Makes the tokens of a session; implements `ports.Credentials`.

    A refresh token is `<session>.<generation>.<mac>`. The last part also carries the user's id,
    without which the session's row could not be found.
    """

    def __init__(self, access: TokenIssuer, identity: Ring, fresh_identity: Ring, ids: Ids) -> None:
        self._access = access
        self._identity = identity
        self._fresh_identity = fresh_identity
        self._ids = ids

    def access(self, user: User, session: Session, now: datetime) -> str:
        """An access token of 15 minutes."""
        subject = Subject(user.id, session.id, user.sv, user.role)
        return self._access.issue(subject, self._ids.new("jti"), now)

    def refresh(self, session: Session) -> str:
        """The refresh token of the session's present generation."""
        said = f"{session.id}.{session.generation}"
        mac = _mac(self._identity().key("refresh"), said, session.user_id)
        return f"{said}.{base64url(body_of(session.user_id).encode() + mac)}"

    def read_refresh(self, token: str) -> tuple[str, str, int] | None:
        """User, session and generation in a token of ours; None for any other."""
        written = _REFRESH.fullmatch(token)
        raw = _decoded(written[3]) if written else None
        if written is None or raw is None:
            return None
        user_id = "usr_" + raw[:USER_BODY_BYTES].decode("ascii", "replace")
        if not (is_id(user_id, "usr") and is_id(written[1], "ses")):
            return None
        said = f"{written[1]}.{written[2]}"
        given = raw[USER_BODY_BYTES:]
        # The key may have been made since this process read the ring.
        if not any(
            _is_ours(given, ring(), said, user_id)
            for ring in (self._identity, self._fresh_identity)
        ):
            return None
        return user_id, written[1], int(written[2])


def _is_ours(mac: bytes, ring: KeyRing, said: str, user_id: str) -> bool:
    """Whether a key that counts made this MAC: a session outlives one rotation, but not two."""
    versions = {ring.current, ring.previous, ring.pending} & set(ring.versions)
    return any(
        hmac.compare_digest(mac, _mac(ring.key("refresh", version), said, user_id))
        for version in versions
    )


def _decoded(part: str) -> bytes | None:
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw if base64url(raw) == part else None


def _mac(key: bytes, said: str, user_id: str) -> bytes:
    return hmac.digest(key, f"{said}.{user_id}".encode(), hashlib.sha256)


class KeyedLookups:
    """Implements `ports.Lookups`."""

    def __init__(self, identity: Ring) -> None:
        self._identity = identity

    def email_key(self, email: str) -> str:
        """The look-up key of an e-mail address, which is lower-cased first."""
        return self._keyed("email", email.lower())

    def recovery_hash(self, user_id: str, code: str) -> str:
        """What is kept of a recovery code."""
        return self._keyed("recovery", f"{user_id}/{code}")

    def _keyed(self, purpose: str, value: str) -> str:
        key = self._identity().key(purpose, PERMANENT)
        return hmac.digest(key, value.encode(), hashlib.sha256).hex()


def pepper(identity: Ring) -> Callable[[], bytes]:
    """The pepper of all passwords."""
    return lambda: identity().key("pepper", PERMANENT)
