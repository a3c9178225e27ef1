"""Where users and sessions stand, for slices that keep something open for them.

Free of pydantic and of tokens: the functions of sockets load it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.aws.table import Table
from chalicelib.aws.writes import Check
from chalicelib.users.keys import profile_key, session_key


@dataclass(frozen=True, slots=True)
class Standing:
    """A user this moment: the role, whether a second factor is on, and the live sessions."""

    role: str
    sv: int
    is_mfa_on: bool
    live_sessions: frozenset[str]


class TableStandings:
    """Reads users and sessions from the core table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, user_id: str, session_ids: Iterable[str], now: str) -> Standing | None:
        """The user with those of the sessions that are live; None for nobody."""
        profile = profile_key(user_id)
        keys = {one: session_key(user_id, one) for one in set(session_ids)}
        rows = self._table.batch_get([profile, *keys.values()], is_consistent=True)
        user = rows.get(profile)
        if user is None:
            return None
        live = {
            one
            for one, key in keys.items()
            if (session := rows.get(key))
            and user["status"] == "ACTIVE"
            and session["sv"] == user["sv"]
            and "revoked_at" not in session
            and session["expires_at"] > now
        }
        mfa = bool(user.get("mfa_enabled"))
        return Standing(user["role"], user["sv"], mfa, frozenset(live))


class TableNames:
    """Reads the names of users from the core table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def names_of(self, user_ids: Iterable[str]) -> dict[str, str]:
        """The names of up to a hundred users in one read; nobody's are left out."""
        profiles = {profile_key(one): one for one in set(user_ids)}
        found = self._table.batch_get(list(profiles)) if profiles else {}
        return {profiles[key]: item.get("name", "") for key, item in found.items()}


def live_session(user_id: str, session_id: str, sv: int) -> tuple[Check, Check]:
    """The session is live, still, when the transaction is applied; labels `user`, `session`."""
    return (
        Check(
            profile_key(user_id),
            "#status = :active AND #sv = :sv",
            {"active": "ACTIVE", "sv": sv},
            label="user",
        ),
        Check(
            session_key(user_id, session_id),
            "#sv = :sv AND attribute_not_exists(#revoked_at)",
            {"sv": sv},
            label="session",
        ),
    )
