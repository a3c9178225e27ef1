"""The shapes of what only staff and the sandbox show."""

import re
from typing import Final

from tests.e2e.acceptance.shapes import CURRENCY, PICTURE, TS, an_id, is_money, maybe

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

NOTIFICATION: Final = {
    "id": an_id("ntf"),
    "kind": frozenset({"order", "security"}),
    "title": str,
    "body": str,
    "ref": maybe({"type": str, "id": str}),
    "read": bool,
    "created_at": TS,
}
MEDIA: Final = {
    "id": an_id("med"),
    "purpose": frozenset({"product", "chat"}),
    "status": frozenset(
        "AWAITING UPLOADED PROCESSING READY REJECTED FAILED EXPIRED DELETED".split()
    ),
    "content_type": maybe(str),
    "width": maybe(int),
    "height": maybe(int),
    "placeholder": maybe(re.compile("#[0-9A-Fa-f]{6}")),
    "alt": str,
    "reject_reason": maybe(str),
    "renditions": [
        {"name": str, "format": str, "width": int, "height": int, "bytes": int, "url": str}
    ],
    "attached_to": maybe(an_id("prd")),
    "created_at": TS,
    "updated_at": TS,
    "version": int,
}
CONVERSATION: Final = {
    "id": an_id("cnv"),
    "subject": str,
    "status": frozenset({"OPEN", "ASSIGNED", "CLOSED"}),
    "customer_id": an_id("usr"),
    "customer_name": str,
    "agent_id": maybe(an_id("usr")),
    "order_id": maybe(an_id("ord")),
    "last_seq": int,
    "last_read": int,
    "created_at": TS,
    "updated_at": TS,
    "version": int,
}
MESSAGE: Final = {
    "conversation_id": an_id("cnv"),
    "seq": int,
    "sender_id": an_id("usr"),
    "sender_role": frozenset({"customer", "agent"}),
    "text": str,
    "picture": maybe(PICTURE),
    "client_id": re.compile("[A-Za-z0-9_-]{8,64}"),
    "at": TS,
}
TICKET: Final = {
    "id": an_id("tkt"),
    "name": str,
    "email": str,
    "subject": str,
    "order_number": maybe(str),
    "status": frozenset({"OPEN", "ANSWERED", "CLOSED"}),
    "created_at": TS,
    "updated_at": TS,
    "version": int,
}
TICKET_DETAIL: Final = {
    **TICKET,
    "messages": [{"seq": int, "author": frozenset({"requester", "staff"}), "text": str, "at": TS}],
}
