"""Who calls: what the access rules found out about a signed-in caller."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in caller: the ids are checked, the scopes are those of the role.

    `mfa_at` is when this session last proved the second factor, if it ever did.
    """

    user_id: str
    session_id: str
    role: str
    scopes: frozenset[str]
    sv: int
    mfa_at: str | None = None
    is_mfa_on: bool = False

    @property
    def actor_type(self) -> str:
        """How events call this caller."""
        return "customer" if self.role == "customer" else "staff"
