"""Two hundred buyers want the last unit, twenty times, on the running shop (`make run` first).

    python -m bench.last_unit [--buyers 200] [--rounds 20] [--accounts 20]

Each round must end with exactly one PAID order, every other FAILED `out_of_stock` or refused
with 429, no 5xx, and a stock row that equals the sum of its ledger. Exit code 1 otherwise.
"""

import argparse
import json
import os
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.journey_cast import ADDRESS
from local.shop import Refused, Shop, wait_for

PASSWORD = "rush-Souk-2026-pass"
SLUG = "desk-oil-lamp"
FINAL = {"PAID", "FAILED", "CANCELLED"}
SETTLED_WITHIN_S = 120
TRIES = 4
NO_REPLY = 599


@dataclass(frozen=True, slots=True)
class Round:
    """What one round came to."""

    replies: Counter[int]
    outcomes: Counter[str]
    seconds: float
    ledger_gap: int

    @property
    def is_right(self) -> bool:
        """Whether the last unit was sold once and nothing else happened."""
        no_crash = not any(status >= 500 for status in self.replies)
        only_expected = set(self.outcomes) <= {"PAID", "FAILED out_of_stock"}
        return no_crash and only_expected and self.outcomes["PAID"] == 1 and self.ledger_gap == 0


def main() -> int:
    """Play all rounds and print a line for each."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--buyers", type=int, default=200)
    wanted.add_argument("--rounds", type=int, default=20)
    wanted.add_argument("--accounts", type=int, default=20)
    chosen = wanted.parse_args()
    stack = json.loads((Path(os.environ.get("SOUK_HOME", ".local")) / "stack.json").read_text())
    shop = Shop(stack["api_url"])
    merchant = shop.sign_in(**stack["logins"]["merchant"])
    buyers = [account(shop, number) for number in range(chosen.accounts)]
    variant = shop.get(f"/products/by-slug/{SLUG}")["variants"][0]["id"]
    print(
        f"{chosen.buyers} buyers ({len(buyers)} accounts) want 1 x {SLUG}, {chosen.rounds} rounds"
    )
    rounds = []
    for number in range(1, chosen.rounds + 1):
        played = play(merchant, [buyers[n % len(buyers)] for n in range(chosen.buyers)], variant)
        rounds.append(played)
        verdict = "ok" if played.is_right else "WRONG"
        print(
            f"round {number:2}: replies {dict(played.replies)}, outcomes {dict(played.outcomes)},"
            f" ledger gap {played.ledger_gap}, {played.seconds:.1f} s  {verdict}",
            flush=True,
        )
    right = sum(played.is_right for played in rounds)
    print(f"{right} of {len(rounds)} rounds right")
    return 0 if right == len(rounds) else 1


def account(shop: Shop, number: int) -> Shop:
    """A buyer who is registered, verified and signed in."""
    email = f"rush-{number:03}@souk.example"
    try:
        return shop.sign_in(email, PASSWORD)
    except Refused:
        wish = {"email": email, "password": PASSWORD, "name": f"Rush {number}"}
        shop.ask("POST", "/users/register", wish, expect=202)
        token = shop.mail(email, "verify_email", within_s=30)["token"]
        shop.ask("POST", "/users/verify-email", {"token": token}, expect=204)
        return shop.sign_in(email, PASSWORD)


def play(merchant: Shop, buyers: list[Shop], variant: str) -> Round:
    """One unit in stock, everybody at once, then wait until every order has ended."""
    restock(merchant, variant)
    started = time.monotonic()
    with ThreadPoolExecutor(len(buyers)) as pool:
        answers = list(pool.map(lambda buyer: place(buyer, variant), buyers))
        replies = Counter(status for status, _ in answers)
        accepted = [
            (buyer, order) for buyer, (_, order) in zip(buyers, answers, strict=True) if order
        ]
    # Polling is not part of the rush: few threads, so that the shop can finish the orders.
    with ThreadPoolExecutor(4) as pool:
        outcomes = Counter(pool.map(lambda placed: outcome(*placed), accepted))
    seconds = time.monotonic() - started
    return Round(replies, outcomes, seconds, ledger_gap(merchant, variant))


def restock(merchant: Shop, variant: str) -> None:
    """Bring the product to exactly one available unit."""
    available = merchant.get(f"/admin/stock/{variant}")["available"]
    if available != 1:
        wish = {"delta": 1 - available, "reason": "receive" if available < 1 else "count"}
        merchant.post_once(f"/admin/stock/{variant}/adjust", wish, expect=200)


def place(buyer: Shop, variant: str) -> tuple[int, str | None]:
    """Order one unit; the status, and the order's id if it was accepted."""
    wish = {
        "lines": [{"variant_id": variant, "quantity": 1}],
        "shipping_address": ADDRESS,
        "payment_token": "tok_approve",
    }
    key = {"Idempotency-Key": uuid.uuid4().hex}
    for _ in range(TRIES):
        try:
            answer = buyer.call("POST", "/orders", wish, key)
        except OSError:
            # A lost reply: the same key asks again, and cannot order twice.
            continue
        return answer.status, answer.body["order"]["id"] if answer.status == 202 else None
    return NO_REPLY, None


def outcome(buyer: Shop, order_id: str) -> str:
    """How an accepted order ended."""

    def ended() -> dict[str, Any] | None:
        answer = buyer.call("GET", f"/orders/{order_id}")
        if answer.status == 200 and answer.body["status"] in FINAL:
            body: dict[str, Any] = answer.body
            return body
        return None

    order = wait_for(ended, f"the end of {order_id}", within_s=SETTLED_WITHIN_S)
    failure = order["failure"]
    return f"{order['status']} {failure['reason']}" if failure else str(order["status"])


def ledger_gap(merchant: Shop, variant: str) -> int:
    """How far the stock row is from the sum of its movements; nothing may stay reserved."""
    stock = merchant.get(f"/admin/stock/{variant}")
    moved, more = 0, dict[str, str]()
    while True:
        page = merchant.get(f"/admin/stock/{variant}/movements", limit=100, **more)
        moved += sum(movement["on_hand_delta"] for movement in page["items"])
        if page["next"] is None:
            return int(abs(int(stock["on_hand"]) - moved) + int(stock["reserved"]))
        more = {"cursor": page["next"]}


if __name__ == "__main__":
    sys.exit(main())
