"""The fifteen kinds of caller that the authorization matrix sends through every route."""

import warnings
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
import jwt.warnings

from chalicelib.aws.secrets import secrets
from chalicelib.aws.tables import core_table
from chalicelib.aws.writes import Put
from chalicelib.edge.tokens import PURPOSE
from chalicelib.kernel.clock import instant
from chalicelib.kernel.ids import Ids
from chalicelib.users import changes, keys, plain_rows
from chalicelib.users.one_time import fresh_token, kept
from chalicelib.users.rules import Purpose, Session, User
from chalicelib.users.wiring import deps

CANARY: Final = "canary-7f3e91"


@dataclass(frozen=True, slots=True)
class Person:
    """A user with a live session; every row also carries a canary that no reply may show."""

    user: User
    session: Session

    def claims(self) -> dict[str, Any]:
        """The claims of this person's access token."""
        now = int(datetime.now(UTC).timestamp())
        return {
            "iss": "souk-test",
            "aud": "souk-api",
            "sub": self.user.id,
            "sid": self.session.id,
            "jti": Ids().new("jti"),
            "typ": "access",
            "sv": self.user.sv,
            "role": self.user.role,
            "iat": now,
            "nbf": now,
            "exp": now + 900,
        }

    def token(self, **changed: Any) -> str:
        """An access token, with some claims changed."""
        return signed(self.claims() | changed)


def signed(
    claims: dict[str, Any], *, key: bytes | None = None, algorithm: str = "HS256", kid: str = "k1"
) -> str:
    """A token of these claims; by default with the shop's own key."""
    own = key if key is not None else secrets().ring("tokens").key(PURPOSE, kid)
    with warnings.catch_warnings():
        # Forgers do not mind short keys.
        warnings.simplefilter("ignore", jwt.warnings.InsecureKeyLengthWarning)
        return jwt.encode(claims, own, algorithm=algorithm, headers={"kid": kid})


def person(role: str = "customer", **standing: Any) -> Person:
    """A new person of a role, written as rows; `standing` changes the user."""
    ids, now = Ids(), datetime.now(UTC)
    user_id, at = ids.new("usr"), instant(now)
    email = f"{user_id.lower()}@souk.example"
    email_key = deps().lookups.email_key(email)
    user = User(
        user_id, email, email_key, "Somebody", "en-GB", role, "ACTIVE", "unused", at, at, None
    )
    user = replace(user, **standing)
    expires = instant(now + timedelta(days=1))
    session = Session(ids.new("ses"), user_id, user.sv, 1, at, "", "", at, at, expires)
    rows = (
        plain_rows.row(keys.profile_key(user_id), plain_rows.user_values(user)),
        plain_rows.row(keys.preferences_key(user_id), plain_rows.preferences_values(_wishes())),
        plain_rows.row(keys.email_key_key(email_key), {"user_id": user_id}),
        plain_rows.session_row(session),
    )
    for row in rows:
        core_table().write(Put(row | {"canary": CANARY}))
    return Person(user, session)


def _wishes() -> Any:
    return plain_rows.read_preferences(None)


def forged(owner: Person) -> dict[str, str | None]:
    """Callers whose token must never count, by the kind of their flaw."""
    claims = owner.claims()
    long_ago = {name: claims[name] - 3_600 for name in ("iat", "nbf", "exp")}
    not_yet = {name: claims[name] + 3_600 for name in ("iat", "nbf", "exp")}
    return {
        "anonymous": None,
        "malformed": "not.a.token",
        "expired": owner.token(**long_ago),
        "not yet valid": owner.token(**not_yet),
        "wrong algorithm": signed(claims, algorithm="HS512"),
        "wrong key": signed(claims, key=b"0" * 32),
        "wrong audience": owner.token(aud="another-api"),
        "wrong issuer": owner.token(iss="souk-prod"),
        "wrong type": owner.token(typ="refresh"),
    }


def ended(owner: Person) -> dict[str, str]:
    """Callers who once had a right token."""
    revoked, outdated = person(), person()
    at = instant(datetime.now(UTC))
    deps().store.commit(changes.RevokeSession(revoked.session, at))
    disabled = person(status="DISABLED")
    challenge = fresh_token(deps())
    pending = kept(challenge, owner.user, deps(), valid=(Purpose.MFA, 300))
    deps().store.commit(changes.IssueToken(pending))
    return {
        "revoked": revoked.token(),
        "old sv": outdated.token(sv=0),
        "disabled": disabled.token(),
        "mfa pending": challenge,
    }
