"""Money as integer minor units of one currency."""

from typing import Final, NewType

Minor = NewType("Minor", int)
"""An amount in minor units (cents); never a float, never negative on the wire."""

AMOUNT_MAX: Final = 99_999_999_999


def total_of(*amounts: int) -> Minor:
    """The sum of amounts in minor units."""
    return Minor(sum(amounts))
