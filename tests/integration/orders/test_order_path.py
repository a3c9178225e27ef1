"""An order from its request to its end, over the real store, gateway and workflow files."""

from collections.abc import Iterator

import pytest

from tests.integration.orders.shop import Shop, a_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A fresh shop."""
    with a_shop() as opened:
        yield opened


def test_approved_order_is_paid(shop: Shop) -> None:
    """The happy path: reserved, charged once, stock sold, the timeline complete."""
    tagine = shop.a_variant(price=3400, stock=10)
    placed = shop.ordered(tagine)
    assert (placed.status, placed.body["order"]["status"]) == (202, "PLACED")
    assert placed.body["order"]["total"] == 6800
    order_id = placed.body["order"]["id"]
    shop.settle()
    order = shop.read(order_id)
    assert (order["status"], order["payment_status"]) == ("PAID", "CAPTURED")
    assert shop.stock(tagine) == (8, 0, 8)
    assert shop.events(order_id) == [
        "OrderPlaced",
        "OrderReserved",
        "PaymentStarted",
        "PaymentCaptured",
        "OrderPaid",
    ]
