"""Rows with personal fields that rest sealed; each seal is bound to its row."""

import base64
import json
from dataclasses import asdict
from typing import Final

from chalicelib.aws.encryption import Sealer
from chalicelib.aws.items import Item, Key
from chalicelib.users import keys
from chalicelib.users.plain_rows import entity, row
from chalicelib.users.possessions import Address, Mfa

SEALED_ADDRESS_FIELDS: Final = ("name", "line1", "line2", "city", "region", "postal_code", "phone")


class SealedRows:
    """The rows with sealed fields; each seal is bound to its row."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def address_row(self, user_id: str, address: Address) -> Item:
        """An ADDR row; one seal holds all personal fields."""
        key = keys.address_key(user_id, address.id)
        told = {name: getattr(address, name) for name in ("id", "label", "country", "is_default")}
        secret = {name: getattr(address, name) for name in SEALED_ADDRESS_FIELDS}
        written = json.dumps(secret, ensure_ascii=False).encode()
        return row(key, told | {"sealed": self._sealer.seal(written, place(key))})

    def read_address(self, item: Item) -> Address:
        """The address in an ADDR row."""
        secret = json.loads(self._sealer.open(item["sealed"], place((item["pk"], item["sk"]))))
        return entity(Address, {**item, **secret})

    def mfa_row(self, mfa: Mfa) -> Item:
        """An MFA row."""
        key = keys.mfa_key(mfa.user_id)
        written = base64.b64encode(mfa.secret)
        values = asdict(mfa) | {
            "secret": None,
            "recovery_hashes": list(mfa.recovery_hashes),
            "sealed": self._sealer.seal(written, place(key)),
        }
        return row(key, values)

    def read_mfa(self, item: Item) -> Mfa:
        """The second factor in an MFA row."""
        secret = self._sealer.open(item["sealed"], place((item["pk"], item["sk"])))
        hashes = tuple(item["recovery_hashes"])
        opened = {**item, "secret": base64.b64decode(secret), "recovery_hashes": hashes}
        return entity(Mfa, opened)


def place(key: Key) -> str:
    """What a seal is bound to: the row it rests in."""
    return f"{key[0]}/{key[1]}"
