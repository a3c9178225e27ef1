"""The shapes of what only staff and the sandbox show."""

import re
from typing import Final

from tests.e2e.acceptance.shapes import CURRENCY, TS, an_id, is_money, maybe

MAIL: Final = {
    "channel": frozenset({"email", "sms", "push"}),
    "template": str,
    "subject": maybe(str),
    "text": str,
    "token": maybe(str),
    "event_id": str,
    "at": TS,
}
CHARGE: Final = {
    "charge_id": an_id("gch"),
    "payment_id": an_id("pay"),
    "amount": is_money,
    "currency": CURRENCY,
    "status": frozenset("none requires_action captured declined expired".split()),
    "attempts": int,
}
BOOKS: Final = {
    "charges": [CHARGE],
    "refunds": [
        {
            "refund_id": an_id("rfd"),
            "payment_id": an_id("pay"),
            "amount": is_money,
            "status": frozenset({"none", "settled", "rejected"}),
        }
    ],
}
JOURNAL_EVENT: Final = {
    "event_id": re.compile(r".+#[1-9]\d*"),
    "schema": frozenset({1}),
    "aggregate_id": str,
    "aggregate_version": int,
    "occurred_at": TS,
    "correlation_id": str,
    "actor": {"type": frozenset({"customer", "staff", "system"}), "id": str},
    "data": dict,
    "type": str,
    "source": re.compile(r"souk\.[a-z]+"),
    "relayed_at": maybe(TS),
}
QUEUE: Final = {
    "name": str,
    "kind": frozenset({"queue", "dead_letter"}),
    "source": maybe(str),
    "visible": int,
    "in_flight": int,
    "delayed": int,
}
DEAD_LETTER: Final = {
    "id": an_id("ded"),
    "source": str,
    "kind": frozenset("queue workflow stream async bus".split()),
    "status": frozenset("OPEN REDRIVING REDRIVEN DELETED".split()),
    "cause": str,
    "reference": maybe(str),
    "receive_count": int,
    "correlation_id": maybe(str),
    "first_seen_at": TS,
    "updated_at": TS,
    "version": int,
}
EXECUTION: Final = {
    "workflow": str,
    "name": str,
    "status": frozenset("RUNNING SUCCEEDED FAILED TIMED_OUT ABORTED".split()),
    "started_at": TS,
    "stopped_at": maybe(TS),
}
EXECUTION_DETAIL: Final = {
    **EXECUTION,
    "input": dict,
    "error": maybe(str),
    "cause": maybe(str),
    "steps": [
        {
            "state": str,
            "type": str,
            "entered_at": TS,
            "exited_at": maybe(TS),
            "outcome": maybe(str),
            "error": maybe(str),
        }
    ],
}
