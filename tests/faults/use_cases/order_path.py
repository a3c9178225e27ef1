"""Placing and fulfilling: every way a payment can go, and running out of stock."""

from tests.faults.use_cases.journey import WAITS_S, Journey, Visit, ends


def place_order(visit: Visit) -> None:
    """Approved at once."""
    visit.place("lamp", quantity=2)


def declined(visit: Visit) -> None:
    """The card is refused."""
    visit.place("lamp", "tok_decline")


def sold_out(visit: Visit) -> None:
    """Nothing is left."""
    visit.place("gone")


def last_unit(visit: Visit) -> None:
    """Two orders, one unit."""
    visit.place("candle")
    visit.place("candle")


def lost_but_charged(visit: Visit) -> None:
    """The gateway's reply is lost after it took the money."""
    visit.place("lamp", "tok_timeout_then_charged")


def lost_not_charged(visit: Visit) -> None:
    """The gateway's reply is lost before anything happened."""
    visit.place("lamp", "tok_timeout_not_charged")


def webhook_twice(visit: Visit) -> None:
    """The gateway tells the same thing three times."""
    visit.place("lamp", "tok_duplicate_webhook")


def outage(visit: Visit) -> None:
    """The gateway is down for good: the run parks and a person must look."""
    visit.place("lamp", "tok_outage")


def action_approved(visit: Visit) -> None:
    """The customer confirms at the gateway."""
    order_id = visit.place("lamp", "tok_requires_action")
    visit.wait()
    if order_id is not None:
        visit.gateway(order_id, "approve")


def action_declined(visit: Visit) -> None:
    """The customer refuses at the gateway."""
    order_id = visit.place("lamp", "tok_requires_action")
    visit.wait()
    if order_id is not None:
        visit.gateway(order_id, "decline")


def action_expired(visit: Visit) -> None:
    """The customer never answers."""
    visit.place("lamp", "tok_requires_action")


USE_CASES = (
    Journey("place_order", place_order, ends("PAID")),
    Journey("fulfil_declined", declined, ends("FAILED"), "payment_declined"),
    Journey("fulfil_sold_out", sold_out, ends("FAILED"), "out_of_stock"),
    Journey("fulfil_last_unit", last_unit, ends("PAID", "FAILED"), "out_of_stock"),
    Journey("fulfil_lost_charged", lost_but_charged, ends("PAID")),
    Journey("fulfil_lost_not_charged", lost_not_charged, ends("PAID")),
    Journey("fulfil_webhook_twice", webhook_twice, ends("PAID")),
    Journey("fulfil_outage", outage, ends("PAYING"), within_s=86_400),
    Journey("fulfil_action_approved", action_approved, ends("PAID"), within_s=120),
    Journey(
        "fulfil_action_declined", action_declined, ends("FAILED"), "payment_declined", within_s=120
    ),
    Journey(
        "fulfil_action_expired",
        action_expired,
        ends("FAILED"),
        "action_expired",
        within_s=WAITS_S,
    ),
)
