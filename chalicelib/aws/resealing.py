"""Sealed fields moved to the current key of their ring, one conditional write each."""

from dataclasses import dataclass
from typing import Final

from chalicelib.aws.encryption import Sealer
from chalicelib.aws.items import Key
from chalicelib.aws.secrets import KeyRing
from chalicelib.aws.table import ConditionFailed, Table
from chalicelib.aws.writes import Update
from chalicelib.kernel.errors import Unavailable

TRIES_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class SealedField:
    """Where a seal rests, and the place it is bound to."""

    key: Key
    attribute: str
    place: str


class Resealing:
    """Re-seals fields under the current key of a ring; what is there already is left alone."""

    def __init__(self, table: Table, ring: KeyRing) -> None:
        self._table = table
        self._sealer = Sealer(lambda: ring)
        self._current = ring.current

    def renew(self, field: SealedField) -> bool:
        """Whether the field had to be re-sealed; gone rows and absent fields need nothing.

        The write holds only for the seal that was read. Somebody else's change in between is
        read again: a process with an older ring may have sealed it.
        """
        for _ in range(TRIES_MAX):
            sealed = (self._table.get(field.key) or {}).get(field.attribute)
            if sealed is None or self._sealer.version_of(sealed) == self._current:
                return False
            renewed = self._sealer.seal(self._sealer.open(sealed, field.place), field.place)
            unchanged = Update(
                field.key,
                set={field.attribute: renewed},
                condition=f"#{field.attribute} = :before",
                values={"before": sealed},
            )
            try:
                self._table.write(unchanged)
            except ConditionFailed:
                continue
            return True
        raise Unavailable
