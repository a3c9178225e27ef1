"""What comes from outside or by itself: webhooks, the sweeper, stock adjusted by staff."""

import hashlib
import hmac
import json

from tests.faults.harness.clients import Request
from tests.faults.harness.rows import read_books
from tests.faults.use_cases.journey import WAITS_S, Journey, Visit, ends
from tests.faults.use_cases.shop import CORE, FRONT, STAGE

SIGNALS = f"souk-{STAGE}-order-signals"
INBOX = f"souk-{STAGE}-payments-inbox"


def webhook(visit: Visit) -> None:
    """The gateway's webhook comes by the signed route, as from a provider outside."""
    _by_webhook(visit, 0)


def webhook_wrong_amount(visit: Visit) -> None:
    """A signed webhook that tells of another amount is not believed."""
    _by_webhook(visit, 1)


def _by_webhook(visit: Visit, too_much: int) -> None:
    order_id = visit.place("lamp", "tok_requires_action")
    visit.wait()
    if order_id is None:
        return
    world = visit.session.world
    if not too_much:
        visit.gateway(order_id, "approve")
        # The sandbox's own message is taken away: only the signed route tells of the capture.
        world.substrate.drop(INBOX)
    for charge in read_books(world.substrate.rows(CORE)).charges[order_id]:
        told = {name: charge[name] for name in ("payment_id", "charge_id", "currency")}
        told["amount"] = charge["amount"] + too_much
        _send_signed(visit, {"order_id": order_id, **told})


def _send_signed(visit: Visit, told: dict[str, object]) -> None:
    world = visit.session.world
    body = json.dumps(
        {
            "id": "gwe_01JD0000000000000000000001",
            "type": "charge.succeeded",
            "created_at": world.clock.iso(),
            "data": told,
        }
    )
    signed_at = int(world.clock.now())
    signed = f"{signed_at}.{body}".encode()
    mac = hmac.new(FRONT.webhook_secret.encode(), signed, hashlib.sha256).hexdigest()
    headers = {"souk-signature": f"t={signed_at},v1={mac}"}
    visit.session.send(Request("POST", "/payments/webhooks/sandbox", body, headers=headers))


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
    Journey(
        "webhook_wrong_amount",
        webhook_wrong_amount,
        ends("FAILED"),
        "action_expired",
        within_s=WAITS_S,
    ),
    Journey("sweep_lost_signal", sweep_lost_signal, ends("PAID"), within_s=240),
    Journey("stock_receive", adjust_up, ends()),
    Journey("stock_damage", adjust_down, ends()),
)
