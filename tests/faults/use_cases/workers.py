"""What comes from outside or by itself: webhooks, the sweeper, stock adjusted by staff."""

import hashlib
import hmac
import json

from tests.faults.harness.clients import Request
from tests.faults.harness.rows import read_books
from tests.faults.use_cases.journey import Journey, Visit, ends
from tests.faults.use_cases.shop import CORE, FRONT, STAGE

SIGNALS = f"souk-{STAGE}-order-signals"
INBOX = f"souk-{STAGE}-payments-inbox"


def webhook(visit: Visit) -> None:
    """The gateway's webhook comes by the signed route, as from a provider outside."""
    order_id = visit.place("lamp", "tok_requires_action")
    visit.wait()
    if order_id is None:
        return
    world = visit.session.world
    visit.gateway(order_id, "approve")
    # The sandbox's own message is taken away: only the signed route tells of the capture.
    world.substrate.drop(INBOX)
    books = read_books(world.substrate.rows(CORE))
    for charge in books.charges[order_id]:
        told = {name: charge[name] for name in ("payment_id", "charge_id", "amount", "currency")}
        body = json.dumps(
            {
                "id": "gwe_01JD0000000000000000000001",
                "type": "charge.succeeded",
                "created_at": world.clock.iso(),
                "data": {"order_id": order_id, **told},
            }
        )
        signed_at = int(world.clock.now())
        mac = hmac.new(
            FRONT.webhook_secret.encode(), f"{signed_at}.{body}".encode(), hashlib.sha256
        )
        signature = {"souk-signature": f"t={signed_at},v1={mac.hexdigest()}"}
        visit.session.send(Request("POST", "/payments/webhooks/sandbox", body, headers=signature))


def sweep_lost_signal(visit: Visit) -> None:
    """The message that should start the workflow is lost: the sweeper finds the order."""
    visit.session.world.deliveries.lose(SIGNALS)
    visit.place("lamp")


def adjust_up(visit: Visit) -> None:
    """Goods arrive."""
    _adjust(visit, {"delta": 5, "reason": "receive"})


def adjust_down(visit: Visit) -> None:
    """Goods are broken, and the count is known."""
    _adjust(visit, {"delta": -2, "reason": "damage", "expected_on_hand": 5})


def _adjust(visit: Visit, change: dict[str, object]) -> None:
    variant = FRONT.variants["lamp"]
    visit.staff(f"/stock/{variant}/adjust", change, key="adjust-0001")


USE_CASES = (
    Journey("webhook_signed", webhook, ends("PAID")),
    Journey("sweep_lost_signal", sweep_lost_signal, ends("PAID")),
    Journey("stock_receive", adjust_up, ends()),
    Journey("stock_damage", adjust_down, ends()),
)
