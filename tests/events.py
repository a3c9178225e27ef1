"""One right value for every field that events have, by the field's name."""

from typing import Any, Final

from chalicelib.kernel.domain_events import EventType

AT: Final = "2026-03-01T12:00:00.000Z"
_BODY: Final = "01J00000000000000000000000"
SAMPLES: Final[dict[str, Any]] = {
    "amount": 6800,
    "attached_to": None,
    "by": f"usr_{_BODY}",
    "carrier": "DHL",
    "category": "lamps",
    "cause": "UnknownEvent",
    "changed": ["title"],
    "charge_id": f"gch_{_BODY}",
    "code": None,
    "currency": "EUR",
    "day": "2026-03-01",
    "dead_letter_id": f"ded_{_BODY}",
    "decision": "approve",
    "decline_code": None,
    "delta": 5,
    "enabled": True,
    "etag": "0" * 32,
    "expires_at": AT,
    "from": "PLACED",
    "kid": "k1",
    "kind": "refund",
    "lines": [],
    "matched": 3,
    "media_id": f"med_{_BODY}",
    "method": "reset",
    "movement_id": f"mov_{_BODY}",
    "number": "SK-7Q4MZ2KD",
    "order_id": f"ord_{_BODY}",
    "owner_id": f"usr_{_BODY}",
    "payment_id": f"pay_{_BODY}",
    "product_id": f"prd_{_BODY}",
    "published": 3,
    "reason": "logout",
    "reference": None,
    "refund_amount": 1000,
    "refund_id": f"rfd_{_BODY}",
    "released": True,
    "renditions": 12,
    "replay_id": f"rpl_{_BODY}",
    "returned": False,
    "seq": 1,
    "session_ids": [],
    "source": "email",
    "ticket_id": f"tkt_{_BODY}",
    "to": "RESERVED",
    "total": 6800,
    "tracking_number": "T1",
    "user_id": f"usr_{_BODY}",
    "variant_id": f"var_{_BODY}",
}


def data_of(event_type: EventType, /, **changed: Any) -> dict[str, Any]:
    """The data of an event of a type, some of it given."""
    filled = {field: changed.get(field, SAMPLES[field]) for field in event_type.fields}
    return event_type.data(**filled)
