"""Cancelling in each state, refunds, and the way to the customer's door."""

from tests.faults.harness.clients import ClientSession
from tests.faults.harness.rows import read_books
from tests.faults.harness.world import World
from tests.faults.use_cases.journey import Journey, Visit, ends
from tests.faults.use_cases.shop import CORE


def cancel_placed(visit: Visit) -> None:
    """Before anything has happened."""
    order_id = visit.place("lamp")
    if order_id is not None:
        visit.cancel(order_id)


def cancel_paying(visit: Visit) -> None:
    """While the gateway waits for the customer."""
    order_id = visit.place("lamp", "tok_requires_action")
    visit.wait()
    if order_id is not None:
        visit.cancel(order_id)


def cancel_paid(visit: Visit) -> None:
    """After the money was taken."""
    _cancel_paid(visit, "tok_approve")


def cancel_rejected(visit: Visit) -> None:
    """The gateway refuses to give the money back: the order stays paid."""
    _cancel_paid(visit, "tok_refund_rejected")


def cancel_refund_lost(visit: Visit) -> None:
    """The gateway's reply to the refund is lost."""
    _cancel_paid(visit, "tok_refund_timeout")


def _cancel_paid(visit: Visit, token: str) -> None:
    order_id = visit.place("lamp", token)
    visit.wait()
    if order_id is not None:
        visit.cancel(order_id)


def refund_part(visit: Visit) -> None:
    """Staff give a part back."""
    _refund(visit, 1000)


def refund_all(visit: Visit) -> None:
    """Staff give everything back before the parcel has left."""
    _refund(visit, 3900)


def _refund(visit: Visit, amount: int) -> None:
    order_id = visit.place("lamp")
    visit.wait()
    if order_id is not None:
        asked = {"amount": amount, "reason": "goodwill"}
        visit.staff(f"/orders/{order_id}/refunds", asked, key="refund-0001")


def refund_too_much(visit: Visit) -> None:
    """Two refunds that together are more than was paid: the second is refused."""
    order_id = visit.place("lamp")
    visit.wait()
    if order_id is not None:
        for key in ("refund-0001", "refund-0002"):
            asked = {"amount": 3000, "reason": "goodwill"}
            visit.staff(f"/orders/{order_id}/refunds", asked, key=key)
            visit.wait()


def one_refund(world: World, _session: ClientSession) -> list[str]:
    """The second refund was refused before anybody asked the gateway."""
    refunds = read_books(world.substrate.rows(CORE)).refunds.values()
    return [f"I3 {len(rows)} refunds accepted" for rows in refunds if len(rows) > 1]


def refund_then_cancel(visit: Visit) -> None:
    """A part is given back, then the customer cancels: the rest follows."""
    order_id = visit.place("lamp")
    visit.wait()
    if order_id is not None:
        asked = {"amount": 1000, "reason": "goodwill"}
        visit.staff(f"/orders/{order_id}/refunds", asked, key="refund-0001")
        visit.wait()
        visit.cancel(order_id)


def deliver(visit: Visit) -> None:
    """Shipped and delivered."""
    order_id = visit.place("lamp")
    visit.wait()
    if order_id is not None:
        parcel = {"carrier": "Post", "tracking_number": "T1"}
        visit.staff(f"/orders/{order_id}/ship", parcel)
        visit.staff(f"/orders/{order_id}/deliver")


def refund_shipped(visit: Visit) -> None:
    """The parcel is on its way, all of the money comes back, the goods do not."""
    _refund_after(visit, "ship")


def refund_delivered(visit: Visit) -> None:
    """The parcel has arrived, all of the money comes back, the goods do not."""
    _refund_after(visit, "ship", "deliver")


def _refund_after(visit: Visit, *steps: str) -> None:
    order_id = visit.place("lamp")
    visit.wait()
    if order_id is None:
        return
    bodies = {"ship": {"carrier": "Post", "tracking_number": "T1"}, "deliver": None}
    for step in steps:
        visit.staff(f"/orders/{order_id}/{step}", bodies[step])
    asked = {"amount": 3900, "reason": "damaged"}
    visit.staff(f"/orders/{order_id}/refunds", asked, key="refund-0001")


USE_CASES = (
    Journey("cancel_placed", cancel_placed, ends("CANCELLED")),
    Journey("cancel_paying", cancel_paying, ends("CANCELLED")),
    Journey("cancel_paid", cancel_paid, ends("CANCELLED")),
    Journey("cancel_rejected", cancel_rejected, ends("PAID")),
    Journey("cancel_refund_lost", cancel_refund_lost, ends("CANCELLED")),
    Journey("refund_part", refund_part, ends("PAID")),
    Journey("refund_all", refund_all, ends("REFUNDED")),
    Journey("refund_too_much", refund_too_much, ends("PAID"), check=one_refund),
    Journey("refund_then_cancel", refund_then_cancel, ends("CANCELLED")),
    Journey("refund_shipped", refund_shipped, ends("REFUNDED")),
    Journey("refund_delivered", refund_delivered, ends("REFUNDED")),
    Journey("deliver", deliver, ends("DELIVERED")),
)
