"""Deliberate mistakes in the order path; each must be condemned by some point or race."""

from tests.faults.harness.mutations import PlantedBug

ORDERS = "chalicelib.orders"
LATE = ("lost", "lost_once", "crash_after", "zombie_after")

PLANTED_BUGS = (
    PlantedBug(
        "no stock floor",
        "chalicelib.products.ledger",
        'condition=f"#{effect.floor} >= :quantity" if',
        'condition=f"#{effect.floor} >= :quantity OR attribute_exists(#pk)" if',
        ("fulfil_sold_out",),
    ),
    PlantedBug(
        "stock without ledger",
        "chalicelib.products.ledger",
        "        writes.append(_movement_put(kind, effect, line, reason))\n",
        "",
        ("place_order",),
    ),
    PlantedBug(
        "conflict read as sold out",
        "chalicelib.aws.table",
        "    if any(reason in _CONFLICTS for reason in reasons):\n        return None\n",
        "    if any(reason in _CONFLICTS for reason in reasons):\n"
        '        return [w.label for w in writes if w.label.startswith("stock")] or ["root"]\n',
        ("place_order",),
        ("tx_conflict",),
    ),
    PlantedBug(
        "history apart from the change",
        "chalicelib.aws.event_rows",
        "    return [update, event_put(root[0], event)]\n",
        "    return [update]\n",
        ("place_order",),
    ),
    PlantedBug(
        "key forgotten",
        f"{ORDERS}.store_placing",
        "            self._replies.put(once, reply, moment(order.placed_at)),\n",
        "",
        ("place_order",),
        LATE,
    ),
    PlantedBug(
        "charge under a new key",
        f"{ORDERS}.paying",
        "payment.id, payment.order_id, payment.amount,",
        'deps.ids.new("pay"), payment.order_id, payment.amount,',
        ("place_order",),
    ),
    PlantedBug(
        "silence taken for a refusal",
        f"{ORDERS}.paying",
        "        said = heard(partial(deps.gateway.charge, request))\n",
        '        said = heard(partial(deps.gateway.charge, request)) or Declined("lost")\n',
        ("fulfil_lost_charged",),
    ),
    PlantedBug(
        "silence taken for the money",
        f"{ORDERS}.paying",
        "        said = heard(partial(deps.gateway.charge, request))\n",
        "        said = heard(partial(deps.gateway.charge, request)) or Captured("
        '"gch_0", payment.amount, payment.currency)\n',
        ("fulfil_lost_not_charged",),
    ),
    PlantedBug(
        "charge never looked up again",
        f"{ORDERS}.paying",
        '        outcome = Outcome("not_charged")\n',
        '        outcome = Outcome("unknown")\n',
        ("fulfil_lost_not_charged",),
    ),
    PlantedBug(
        "no release on failure",
        f"{ORDERS}.changes",
        '    return closed, _stock("RELEASE", order) if is_held else None\n',
        "    return closed, None\n",
        ("fulfil_declined",),
    ),
    PlantedBug(
        "sold without taking it off the shelf",
        f"{ORDERS}.changes",
        'After(order, stock=_stock("COMMIT", order)), Told(ORDER_PAID)',
        "After(order), Told(ORDER_PAID)",
        ("place_order",),
    ),
    PlantedBug(
        "cancel slips between reserve and charge",
        f"{ORDERS}.cancelling",
        "            return changes.request_cancel(record, act)\n",
        "            return changes.cancel_unpaid(record, act)\n",
        ("cancel_paying",),
    ),
    PlantedBug(
        "cancel request forgotten after payment",
        f"{ORDERS}.fulfilling",
        '                return Outcome("cancel" if record.order.cancel_requested else "paid")\n',
        '                return Outcome("paid")\n',
        (),
        (),
        ("cancel x webhook", "cancel x fulfil"),
    ),
    PlantedBug(
        "goods not put back",
        f"{ORDERS}.refund_changes",
        '    after = After(order, None, finished(refund), StockOrder("RETURN", refund.id))\n',
        "    after = After(order, None, finished(refund))\n",
        ("cancel_paid",),
    ),
    PlantedBug(
        "lost refund taken for a refusal",
        f"{ORDERS}.refunding",
        "    said = heard(partial(deps.gateway.refund, request))\n",
        '    said = heard(partial(deps.gateway.refund, request)) or Rejected("lost")\n',
        ("cancel_refund_lost",),
    ),
    PlantedBug(
        "refund under a new key",
        f"{ORDERS}.refunding",
        "    request = RefundRequest(asked.id, asked.payment_id,",
        '    request = RefundRequest(deps.ids.new("rfd"), asked.payment_id,',
        ("refund_part",),
    ),
    PlantedBug(
        "refund above what was paid",
        f"{ORDERS}.keeping",
        "    if amount > paid_with(record).refundable:\n        raise RefundExceedsCaptured\n",
        "",
        ("refund_too_much",),
    ),
    PlantedBug(
        "cancel gives back what was given back",
        f"{ORDERS}.fulfilling",
        "        amount=payment.refundable,\n",
        "        amount=payment.amount,\n",
        ("refund_then_cancel",),
    ),
    PlantedBug(
        "webhook believed blindly",
        f"{ORDERS}.receiving",
        "    if webhook.amount != payment.amount or webhook.currency != payment.currency:\n",
        "    if webhook.currency != payment.currency:\n",
        ("webhook_wrong_amount",),
        also=(
            (
                f"{ORDERS}.paying",
                "            if (amount, currency) != (payment.amount, payment.currency):\n",
                "            if currency != payment.currency:\n",
            ),
        ),
    ),
    PlantedBug(
        "nobody told of the decision",
        f"{ORDERS}.waits",
        "    return outcome is not None and deps.runs.resume(token.token, outcome)\n",
        "    return outcome is None\n",
        ("review_approved",),
    ),
    PlantedBug(
        "answer not looked for after the token",
        f"{ORDERS}.waits",
        "    if outcome is not None:\n        deps.runs.resume(token.token, outcome)\n"
        "    return outcome or WAITING\n",
        "    return outcome or WAITING\n",
        (),
        (),
        ("await x answer",),
    ),
    PlantedBug(
        "sweeper looks away",
        f"{ORDERS}.sweeping",
        "    record = deps.orders.load(order_id)\n    if record is None:\n        return None\n"
        "    order = record.order\n",
        "    record = deps.orders.load(order_id)\n"
        "    if record is not None:\n        return None\n    order = record.order\n",
        ("sweep_lost_signal",),
    ),
    PlantedBug(
        "refused events taken as published",
        "chalicelib.aws.event_bus",
        '            if answer.get("ErrorCode")\n',
        '            if answer.get("NoSuchField")\n',
        ("place_order",),
        ("partial",),
    ),
    PlantedBug(
        "failed messages taken as done",
        "chalicelib.edge.messages",
        "            return _is_parked(message, error, consumed, sender)\n",
        "            return error is not None\n",
        ("place_order",),
        ("conn_error", "throttle"),
    ),
    PlantedBug(
        "total without shipping",
        f"{ORDERS}.rules",
        "    total = Minor(subtotal + shipping + tax - discount)\n",
        "    total = Minor(subtotal + tax - discount)\n",
        ("fulfil_lost_charged",),
    ),
    PlantedBug(
        "step not idempotent",
        f"{ORDERS}.fulfilling",
        "            case OrderStatus.RESERVED:\n"
        "                return _after_reserve(record, deps)\n            case _:\n"
        "                return DONE\n\n    try:\n",
        "            case _:\n                return DONE\n\n    try:\n",
        ("place_order",),
    ),
    PlantedBug(
        "missed days are not made up for",
        "chalicelib.analytics.rules",
        "    for back in range(CATCH_UP_DAYS, 0, -1):\n",
        "    for back in range(1, 0, -1):\n",
        ("daily_report",),
    ),
    PlantedBug(
        "report without its event",
        "chalicelib.analytics.store",
        '            self._table.transact([Put(item, label="report"), event_put(pk, event)])\n',
        '            self._table.write(Put(item, label="report"))\n',
        ("daily_report",),
    ),
    PlantedBug(
        "a lost mail taken as sent",
        "chalicelib.notifications.carriers",
        "    except BotoCoreError as error:\n        raise SendingInDoubt from error\n",
        "    except BotoCoreError:\n        return\n",
        ("password_forgotten",),
    ),
)
