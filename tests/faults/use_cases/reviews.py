"""Large orders that wait for a person."""

from tests.faults.use_cases.journey import WAITS_S, Journey, Visit, ends


def _held(visit: Visit) -> str | None:
    order_id = visit.place("rug")
    visit.wait()
    return order_id


def approved(visit: Visit) -> None:
    """Somebody approves."""
    order_id = _held(visit)
    if order_id is not None:
        visit.staff(f"/orders/{order_id}/review", {"decision": "approve"})


def rejected(visit: Visit) -> None:
    """Somebody rejects."""
    order_id = _held(visit)
    if order_id is not None:
        visit.staff(f"/orders/{order_id}/review", {"decision": "reject"})


def cancelled(visit: Visit) -> None:
    """The customer does not want to wait."""
    order_id = _held(visit)
    if order_id is not None:
        visit.cancel(order_id)


def expired(visit: Visit) -> None:
    """Nobody looks for a day."""
    _held(visit)


USE_CASES = (
    Journey("review_approved", approved, ends("PAID")),
    Journey("review_rejected", rejected, ends("FAILED"), "review_rejected"),
    Journey("review_cancelled", cancelled, ends("CANCELLED")),
    Journey("review_expired", expired, ends("FAILED"), "review_expired", within_s=WAITS_S),
)
