"""New orders and sealed addresses in the core table."""

import json
from dataclasses import asdict, replace
from typing import Final

from chalicelib.aws.encryption import Sealer
from chalicelib.aws.event_rows import event_put
from chalicelib.aws.idempotency import LABEL, IdempotencyRecords
from chalicelib.aws.table import ConditionFailed, Table
from chalicelib.aws.writes import Put, Write
from chalicelib.kernel.clock import moment
from chalicelib.kernel.domain_events import DomainEvent
from chalicelib.kernel.idempotency import Once
from chalicelib.orders import items, keys
from chalicelib.orders.metrics import count_placed
from chalicelib.orders.placing import CustomerGone, NumberTaken
from chalicelib.orders.records import Address, OpenOrder, Order, OrderRecord
from chalicelib.orders.service import Superseded
from chalicelib.users.guards import active_user

NUMBER: Final = "number"


class Addresses:
    """Seals and opens the address of an order; bound to the order, so none can be moved."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, order_id: str, address: Address) -> str:
        """The address as it is stored."""
        return self._sealer.seal(json.dumps(asdict(address)).encode(), address_place(order_id))

    def open(self, order: Order) -> Address:
        """The address of an order; SealBroken if it was altered or moved."""
        return Address(
            **json.loads(self._sealer.open(order.sealed_address, address_place(order.id)))
        )


def address_place(order_id: str) -> str:
    """What the seal of an order's address is bound to."""
    return f"{keys.order_partition(order_id)}|shipping_address"


class TablePlacements:
    """Implements `placing.Placements`."""

    def __init__(self, table: Table, replies: IdempotencyRecords, addresses: Addresses) -> None:
        self._table = table
        self._replies = replies
        self._addresses = addresses

    def place(self, order: Order, address: Address, event: DomainEvent, once: Once) -> Order:
        """One transaction of five items (T11)."""
        kept = replace(order, sealed_address=self._addresses.seal(order.id, address))
        reply = once.present(OpenOrder(OrderRecord(kept), address))
        number = keys.number_key(order.number)
        writes: list[Write] = [
            self._replies.put(once, reply, moment(order.placed_at)),
            Put({"pk": number[0], "sk": number[1], "order_id": order.id}, label=NUMBER),
            Put(items.order_item(kept), label="root"),
            event_put(keys.order_partition(order.id), event),
            active_user(order.user_id),
        ]
        try:
            self._table.transact(writes)
        except ConditionFailed as failed:
            raise self._fact(failed, once) from failed
        count_placed()
        return kept

    def _fact(self, failed: ConditionFailed, once: Once) -> Exception:
        if LABEL in failed.labels:
            return self._replies.collided(once)
        if NUMBER in failed.labels:
            return NumberTaken()
        # Fresh ids collide with nothing: what is left is the customer's account.
        return Superseded() if "root" in failed.labels else CustomerGone()
