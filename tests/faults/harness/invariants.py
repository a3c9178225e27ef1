"""The invariants of the order path, on raw rows: what must hold when nothing is left to do.

The numbers are those of the reliability document. Nothing here goes through the app's stores.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from tests.faults.harness.clients import ClientSession
from tests.faults.harness.rows import Books, Row, read_books
from tests.faults.harness.world import World

HOLDING = frozenset({"RESERVED", "REVIEW"})
PAYING = frozenset({"PAYING"})
SOLD = frozenset({"PAID", "CANCELLING", "SHIPPED", "DELIVERED"})
ENDED = frozenset({"FAILED", "CANCELLED", "REFUNDED"})
FINAL = ENDED | {"PAID", "SHIPPED", "DELIVERED"}
RESERVATIONS = {
    "PLACED": {"NONE"},
    "RESERVED": {"HELD"},
    "REVIEW": {"HELD"},
    "PAYING": {"HELD"},
    "PAID": {"COMMITTED"},
    "CANCELLING": {"COMMITTED"},
    "SHIPPED": {"COMMITTED"},
    "DELIVERED": {"COMMITTED"},
    "FAILED": {"NONE", "RELEASED"},
    "CANCELLED": {"NONE", "RELEASED", "RETURNED"},
    "REFUNDED": {"COMMITTED", "RETURNED"},
}
WALK = {
    ("PLACED", "RESERVED"), ("PLACED", "CANCELLED"), ("PLACED", "FAILED"),
    ("RESERVED", "REVIEW"), ("RESERVED", "PAYING"), ("RESERVED", "CANCELLED"),
    ("RESERVED", "FAILED"),
    ("REVIEW", "PAYING"), ("REVIEW", "CANCELLED"), ("REVIEW", "FAILED"),
    ("PAYING", "PAID"), ("PAYING", "FAILED"), ("PAYING", "CANCELLED"),
    ("PAID", "SHIPPED"), ("PAID", "CANCELLING"), ("PAID", "REFUNDED"),
    ("CANCELLING", "CANCELLED"), ("CANCELLING", "PAID"),
    ("SHIPPED", "DELIVERED"), ("SHIPPED", "REFUNDED"), ("DELIVERED", "REFUNDED"),
}  # fmt: skip
CAPTURED = frozenset({"CAPTURED", "PARTLY_REFUNDED", "REFUNDED"})
OPEN_REFUNDS = frozenset({"REQUESTED", "UNKNOWN"})
MAILED = frozenset(
    {"OrderHeld", "OrderPaid", "OrderFailed", "OrderCancelled", "PaymentActionRequired",
     "OrderShipped", "OrderDelivered"}
)  # fmt: skip
POISON = '{"poison":true'


def check_shop(world: World, session: ClientSession) -> list[str]:
    """Every violation, as `I<n> <what>`."""
    found: list[str] = []
    for table in world.stack.tables:
        books = read_books(world.substrate.rows(table))
        for check in (stock_rows, reservations, money, totals, walks, publication):
            found += check(books, world)
        found += [*at_rest(books, world), *mails(books), *handed_over(books, world)]
        found += promises(books, session)
    return found


def stock_rows(books: Books, _world: World) -> Iterator[str]:
    """I1: no negative stock, and every row equals the sum of its ledger."""
    for variant, row in books.stock.items():
        available, reserved, on_hand = (row[n] for n in ("available", "reserved", "on_hand"))
        if min(available, reserved) < 0 or available + reserved != on_hand:
            yield f"I1 {variant}: available {available}, reserved {reserved}, on hand {on_hand}"
        for name in ("available", "reserved", "on_hand"):
            total = sum(move[f"{name}_delta"] for move in books.movements[variant])
            if total != row[name]:
                yield f"I1 {variant}: {name} {row[name]}, ledger says {total}"


def reservations(books: Books, _world: World) -> Iterator[str]:
    """I2: what is reserved is what holding orders want; what is gone is what was sold."""
    held: Counter[str] = Counter()
    sold: Counter[str] = Counter()
    for order_id, order in books.orders.items():
        reservation = order["reservation"]["status"]
        if reservation not in RESERVATIONS[order["status"]]:
            yield f"I2 {order_id}: {order['status']} with reservation {reservation}"
        for line in order["lines"]:
            held[line["variant_id"]] += line["quantity"] * (reservation == "HELD")
            sold[line["variant_id"]] += line["quantity"] * (reservation == "COMMITTED")
    for variant, row in books.stock.items():
        if row["reserved"] != held[variant]:
            yield f"I2 {variant}: reserved {row['reserved']}, held {held[variant]}"
        moved = books.movements[variant]
        gone = -sum(m["on_hand_delta"] for m in moved if m["kind"] in {"COMMIT", "RETURN"})
        if gone != sold[variant]:
            yield f"I2 {variant}: left the house {gone}, sold {sold[variant]}"


def money(books: Books, _world: World) -> Iterator[str]:
    """I3: one capture an order, never without goods or refund; both ledgers agree."""
    for order_id, order in books.orders.items():
        charges = books.charges.get(order_id, [])
        captured = [charge for charge in charges if charge["status"] == "captured"]
        if len(captured) > 1:
            yield f"I3 {order_id}: captured {len(captured)} times"
        taken = sum(charge["amount"] for charge in captured)
        status = order["status"]
        if status in SOLD and taken != order["total"]:
            yield f"I3 {order_id}: {status}, captured {taken} of {order['total']}"
        if status in ENDED and any(c["status"] == "requires_action" for c in charges):
            yield f"I3 {order_id}: {status}, a charge still waits for the customer"
        yield from _refunds(books, order_id, order, taken)
        yield from _payment(books, order_id, order, captured)


def _refunds(books: Books, order_id: str, order: Row, taken: int) -> Iterator[str]:
    ours = books.refunds.get(order_id, [])
    theirs = {row["refund_id"]: row for row in books.paid_back.get(order_id, [])}
    back = sum(row["amount"] for row in theirs.values() if row["status"] == "settled")
    if back > taken:
        yield f"I3 {order_id}: refunded {back} of {taken}"
    settled = sum(row["amount"] for row in ours if row["status"] == "SETTLED")
    if settled != back and not any(row["status"] in OPEN_REFUNDS for row in ours):
        yield f"I3 {order_id}: refunded {settled} by our books, {back} by the gateway's"
    for row in ours:
        told = theirs.get(row["id"], {}).get("status", "none")
        if (row["status"], told) in {("SETTLED", "none"), ("SETTLED", "rejected"),
                                     ("FAILED", "settled")}:  # fmt: skip
            yield f"I3 {row['id']}: {row['status']}, the gateway says {told}"
    open_refund = any(row["status"] in OPEN_REFUNDS for row in ours)
    if order["status"] in ENDED and taken - back and not open_refund:
        yield f"I3 {order_id}: {order['status']} keeps {taken - back}"


def _payment(books: Books, order_id: str, order: Row, captured: list[Row]) -> Iterator[str]:
    payment = books.payments.get(order_id)
    if payment is None:
        if captured:
            yield f"I3 {order_id}: captured without a payment row"
        return
    ours = payment["status"]
    if captured and captured[0]["payment_id"] != payment["id"]:
        yield f"I3 {order_id}: captured under another key"
    if captured and captured[0]["currency"] != payment["currency"]:
        yield f"I3 {order_id}: captured in {captured[0]['currency']}"
    if (ours in CAPTURED) != bool(captured) and ours not in {"CREATED", "UNKNOWN"}:
        yield f"I3 {order_id}: payment {ours}, the gateway captured {len(captured)}"
    if order.get("payment_status") != ours:
        yield f"I3 {order_id}: payment {ours}, the order's copy {order.get('payment_status')}"


def totals(books: Books, _world: World) -> Iterator[str]:
    """I4: the total is the sum of its parts, in whole minor units, and is what was charged."""
    for order_id, order in books.orders.items():
        lines = sum(line["unit_price"] * line["quantity"] for line in order["lines"])
        total = lines + order["shipping"] + order["tax"] - order["discount"]
        if order["subtotal"] != lines or order["total"] != total:
            yield f"I4 {order_id}: total {order['total']}, parts {total}"
        payment = books.payments.get(order_id)
        if payment is not None and payment["amount"] != order["total"]:
            yield f"I4 {order_id}: payment over {payment['amount']} of {order['total']}"


def walks(books: Books, _world: World) -> Iterator[str]:
    """I5: statuses walk the declared graph; versions and history go in single steps."""
    for partition, root in books.roots.items():
        if partition.startswith("CONV#"):
            # Conversations have versions but no events.
            continue
        events = sorted(books.events.get(partition, []), key=lambda row: row["sk"])
        versions = [row["aggregate_version"] for row in events]
        # An upload that waits for its file is told of by no event.
        first = 2 if partition.startswith("MEDIA#") else 1
        if versions != list(range(first, root["version"] + 1)):
            yield f"I5 {partition}: version {root['version']}, history {versions}"
        if not partition.startswith("ORDER#"):
            continue
        status = None
        for before, after in order_steps(events):
            if before != status or (status and before != after and (before, after) not in WALK):
                yield f"I5 {partition}: goes {before} to {after} from {status}"
            status = after
        if status != root["status"]:
            yield f"I5 {partition}: {root['status']}, history ends {status}"


def order_steps(events: list[Row]) -> Iterator[tuple[str | None, str]]:
    """The moves of an order as its history tells them."""
    status: str | None = None
    for event in sorted(events, key=lambda row: row["sk"]):
        step = _step(event, status)
        if step is not None:
            yield step
            status = step[1]


def _step(event: Row, status: str | None) -> tuple[str | None, str] | None:
    """From where to where an event takes its order; payment events move it only once."""
    if event["type"] == "PaymentStarted":
        return status, "PAYING"
    if "to" not in event["data"]:
        return None
    return event["data"].get("from"), event["data"]["to"]


def publication(books: Books, world: World) -> Iterator[str]:
    """I9: every committed version was published, and nothing else was."""
    published = {event["detail"].get("event_id") for event in world.deliveries.published}
    parked = " ".join(
        message.body
        for queue in world.stack.queues
        if queue.endswith("streams-dlq")
        for message in world.substrate.messages(queue)
    )
    rows = [row for history in books.events.values() for row in history]
    for row in rows:
        event_id = row["event_id"]
        is_new = row["occurred_at"] >= world.started_at
        if "gsi3pk" in row:
            yield f"I9 {event_id}: still in the outbox"
        elif is_new and event_id not in published and event_id not in parked:
            yield f"I9 {event_id}: taken out of the outbox, never published"
    invented = published - {row["event_id"] for row in rows} - {None}
    if books.orders and invented:
        yield f"I9 published, never committed: {sorted(map(str, invented))}"


def mails(books: Books) -> Iterator[str]:
    """I11: whatever a customer is told by mail has been sent, or skipped for a reason, once."""
    logged = {row["pk"].split("#", 1)[1]: row["status"] for row in books.delivery_log}
    if not books.orders:
        return
    for rows in books.events.values():
        for row in rows:
            is_told = row["type"] in MAILED or (
                row["type"] == "RefundSettled" and row["data"].get("kind") == "refund"
            )
            status = logged.get(f"{row['event_id']}#email", "missing")
            if is_told and row["pk"].startswith("ORDER#") and status not in {"SENT", "SKIPPED"}:
                yield f"I11 {row['event_id']} {row['type']}: mail {status}"


def handed_over(books: Books, world: World) -> Iterator[str]:
    """I11: no mail is noted as sent that the provider was never given."""
    given = Counter((mail["recipient_key"], mail["template"]) for mail in world.deliveries.mails)
    noted = Counter(
        (row["recipient_key"], row["template"])
        for row in books.delivery_log
        if row["channel"] == "email"
        and row["status"] == "SENT"
        and row["sent_at"] >= world.started_at
    )
    for (_, template), missing in (noted - given).items():
        yield f"I11 {missing} {template} noted as sent, never handed over"


def at_rest(books: Books, world: World) -> Iterator[str]:
    """I7, I10, I17: nobody is stuck, nothing is lost, nothing runs on."""
    for execution in world.workflows.running():
        yield f"I17 {execution.machine}/{execution.name} still runs"
    dead = " ".join(json.dumps(row, default=str) for row in books.dead_letters)
    dead += " ".join(m.body for q in world.stack.queues for m in world.substrate.messages(q))
    for order_id, order in books.orders.items():
        if order["status"] not in FINAL and order_id not in dead:
            yield f"I7 {order_id}: stuck in {order['status']}"
    for mapping in world.stack.mappings:
        if mapping.kind == "queue":
            left = [m.body for m in world.substrate.messages(mapping.source) if m.body != POISON]
            if left:
                yield f"I17 {len(left)} messages left in {mapping.source}"


def promises(books: Books, session: ClientSession) -> Iterator[str]:
    """I6, I8: one order a key; whatever was acknowledged is there."""
    placed = {e.request.key for e in session.history if e.request.path == "/orders"}
    if placed and len(books.orders) > len(placed):
        yield f"I6 {len(books.orders)} orders for {len(placed)} keys"
    for exchange in session.history:
        body = exchange.reply.body
        if not exchange.reply.is_accepted or not isinstance(body, dict) or not books.orders:
            continue
        order = body.get("order")
        if isinstance(order, dict) and order["id"] not in books.orders:
            yield f"I8 {order['id']}: acknowledged, not there"
