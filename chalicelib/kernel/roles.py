"""Who may do what: roles and the scopes each grants (domain rule 1.6)."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What a user is to the shop."""

    CUSTOMER = "customer"
    SUPPORT = "support"
    WAREHOUSE = "warehouse"
    MERCHANT = "merchant"
    ADMIN = "admin"


_MERCHANT: Final = frozenset(
    {"orders", "fulfil", "stock", "catalogue", "payments", "support", "reports"}
)

SCOPES: Final = MappingProxyType(
    {
        Role.CUSTOMER: frozenset[str](),
        Role.SUPPORT: frozenset({"orders", "support"}),
        Role.WAREHOUSE: frozenset({"orders", "fulfil", "stock"}),
        Role.MERCHANT: _MERCHANT,
        Role.ADMIN: _MERCHANT | {"users", "ops"},
    }
)

STAFF: Final = tuple(role for role in Role if role is not Role.CUSTOMER)


def scopes_of(role: str) -> frozenset[str]:
    """The scopes a role grants; an unknown role grants none."""
    return SCOPES[Role(role)] if role in set(Role) else frozenset()
