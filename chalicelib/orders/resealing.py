"""Which field of an order is sealed: where the parcel goes."""

from chalicelib.aws.resealing import SealedField
from chalicelib.orders import keys
from chalicelib.orders.store_placing import address_place


def sealed_field_of_order(order_id: str) -> SealedField:
    """The shipping address of one order."""
    return SealedField(keys.order_key(order_id), "shipping_address", address_place(order_id))
