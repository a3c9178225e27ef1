"""The sandbox gateway's own books: charges and refunds by order, in rows that only it writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from chalicelib.aws.items import Item, Key
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.writes import Put, Update

ROWS_MAX: Final = 100

ChargeStatus = Literal["none", "requires_action", "captured", "declined", "expired"]
RefundStatus = Literal["none", "settled", "rejected"]


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge; `attempts` counts the calls that reached the books before it was decided."""

    order_id: str
    charge_id: str
    payment_id: str
    amount: int
    currency: str
    token: str
    status: ChargeStatus
    attempts: int
    outage: bool = False
    code: str | None = None
    refunded: int = 0


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund of a charge."""

    order_id: str
    refund_id: str
    payment_id: str
    amount: int
    status: RefundStatus
    attempts: int
    code: str | None = None


class Ledger(Protocol):
    """The books. A write answers False when somebody else's came first."""

    def charge(self, order_id: str, payment_id: str) -> Charge | None:
        """The charge under this key."""
        ...

    def charges(self, order_id: str) -> Sequence[Charge]:
        """All charges of an order."""
        ...

    def refunds(self, order_id: str) -> Sequence[Refund]:
        """All refunds of an order."""
        ...

    def refund(self, order_id: str, refund_id: str) -> Refund | None:
        """The refund under this key."""
        ...

    def open_charge(self, charge: Charge) -> bool:
        """Write the first row of a charge."""
        ...

    def move_charge(self, before: Charge, after: Charge) -> bool:
        """Change a charge that still is as it was read."""
        ...

    def open_refund(self, refund: Refund) -> bool:
        """Write a refund and, if it settles, take it off what is left of its charge."""
        ...


def charge_key(order_id: str, payment_id: str) -> Key:
    """Where a charge stands."""
    return f"GW#{order_id}", f"CHARGE#{payment_id}"


def refund_key(order_id: str, refund_id: str) -> Key:
    """Where a refund stands."""
    return f"GW#{order_id}", f"REFUND#{refund_id}"


class DynamoLedger:
    """The books in the core table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def charge(self, order_id: str, payment_id: str) -> Charge | None:
        """The charge under this key."""
        item = self._table.get(charge_key(order_id, payment_id))
        return _charge(item) if item else None

    def charges(self, order_id: str) -> Sequence[Charge]:
        """All charges of an order."""
        return [_charge(item) for item in self._rows(order_id, "CHARGE#")]

    def refunds(self, order_id: str) -> Sequence[Refund]:
        """All refunds of an order."""
        return [_refund(item) for item in self._rows(order_id, "REFUND#")]

    def refund(self, order_id: str, refund_id: str) -> Refund | None:
        """The refund under this key."""
        item = self._table.get(refund_key(order_id, refund_id))
        return _refund(item) if item else None

    def open_charge(self, charge: Charge) -> bool:
        """Write the first row of a charge."""
        return self._is_written([Put(_charge_item(charge))])

    def move_charge(self, before: Charge, after: Charge) -> bool:
        """Change a charge that still is as it was read."""
        return self._is_written([_moved(before, after)])

    def open_refund(self, refund: Refund) -> bool:
        """Write a refund and, if it settles, take it off what is left of its charge."""
        writes: list[Put | Update] = [Put(_refund_item(refund))]
        if refund.status == "settled":
            charge = self.charge(refund.order_id, refund.payment_id)
            if charge is None:
                return False
            writes.append(
                Update(
                    charge_key(refund.order_id, refund.payment_id),
                    set={"refunded": charge.refunded + refund.amount},
                    condition="#refunded = :before",
                    values={"before": charge.refunded},
                )
            )
        return self._is_written(writes)

    def _rows(self, order_id: str, prefix: str) -> Sequence[Item]:
        query = Query(
            f"GW#{order_id}",
            "begins_with(#sk, :prefix)",
            {"prefix": prefix},
            is_consistent=True,
        )
        return self._table.query_all(query, most=ROWS_MAX)

    def _is_written(self, writes: Sequence[Put | Update]) -> bool:
        try:
            self._table.transact(writes)
        except ConditionFailed:
            return False
        return True


def _moved(before: Charge, after: Charge) -> Update:
    return Update(
        charge_key(after.order_id, after.payment_id),
        set={
            "status": after.status,
            "attempts": after.attempts,
            "outage": after.outage,
            "code": after.code,
        },
        condition="#status = :status AND #attempts = :attempts",
        values={"status": before.status, "attempts": before.attempts},
    )


def _charge_item(charge: Charge) -> Item:
    pk, sk = charge_key(charge.order_id, charge.payment_id)
    return {
        "pk": pk,
        "sk": sk,
        "charge_id": charge.charge_id,
        "payment_id": charge.payment_id,
        "amount": charge.amount,
        "currency": charge.currency,
        "token": charge.token,
        "status": charge.status,
        "attempts": charge.attempts,
        "outage": charge.outage,
        "code": charge.code,
        "refunded": charge.refunded,
    }


def _charge(item: Item) -> Charge:
    return Charge(
        order_id=item["pk"].removeprefix("GW#"),
        charge_id=item["charge_id"],
        payment_id=item["payment_id"],
        amount=item["amount"],
        currency=item["currency"],
        token=item["token"],
        status=item["status"],
        attempts=item["attempts"],
        outage=item["outage"],
        code=item.get("code"),
        refunded=item["refunded"],
    )


def _refund_item(refund: Refund) -> Item:
    pk, sk = refund_key(refund.order_id, refund.refund_id)
    return {
        "pk": pk,
        "sk": sk,
        "refund_id": refund.refund_id,
        "payment_id": refund.payment_id,
        "amount": refund.amount,
        "status": refund.status,
        "attempts": refund.attempts,
        "code": refund.code,
    }


def _refund(item: Item) -> Refund:
    return Refund(
        order_id=item["pk"].removeprefix("GW#"),
        refund_id=item["refund_id"],
        payment_id=item["payment_id"],
        amount=item["amount"],
        status=item["status"],
        attempts=item["attempts"],
        code=item.get("code"),
    )
