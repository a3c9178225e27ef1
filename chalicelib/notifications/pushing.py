"""From events to pushes on open sockets: what is told on which topic (domain rules 5 and 6.4).

Events come in no order, so a push shows how the order stands now and not what the event said.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Protocol

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.domain_events import DomainEvent
from chalicelib.live.publishing import Draft, Seen, seen_by
from chalicelib.notifications.announcing import Notification

CONSUMER: Final = "notify_live"
_OPS_TOPIC: Final = "ops"
_MEDIA: Final = MappingProxyType(
    {
        "MediaReady": "READY",
        "MediaRejected": "REJECTED",
        "MediaFailed": "FAILED",
        "MediaExpired": "EXPIRED",
    }
)
_ENDS_SESSIONS: Final = MappingProxyType(
    {
        "PasswordChanged": "password_changed",
        "MfaChanged": "mfa_changed",
        "RoleChanged": "role_changed",
        "UserDisabled": "disabled",
    }
)
# Payment alone moves goods that were reserved before: nothing becomes available or is taken.
_MOVES_STOCK: Final = frozenset({"OrderReserved", "OrderFailed", "OrderCancelled", "OrderRefunded"})
_DEAD_LETTERS: Final = MappingProxyType(
    {
        "DeadLetterStored": "OPEN",
        "DeadLetterRedriveRequested": "REDRIVING",
        "DeadLetterRedriven": "REDRIVEN",
        "DeadLetterDeleted": "DELETED",
    }
)

Fields = Mapping[str, Any]  # Any: JSON


class Facts(Protocol):
    """What pushes tell beyond their events."""

    def order(self, order_id: str) -> Fields | None:
        """`order.updated` as the order stands now."""
        ...

    def action_url(self, order_id: str, payment_id: str) -> str | None:
        """Where the customer confirms a payment."""
        ...

    def availability(self, variant_ids: Sequence[str]) -> Sequence[Fields]:
        """`stock.changed` of each variant as its stock is now."""
        ...

    def dead_letter(self, dead_letter_id: str) -> Fields | None:
        """Source, kind and cause of a dead letter."""
        ...

    def notification(self, event: DomainEvent) -> Notification | None:
        """What the user finds in the shop; None for events that are not kept there."""
        ...


class Pushes(Protocol):
    """Keeps pushes, and beside them what users find in the shop."""

    def append(
        self, drafts: Sequence[Draft], seen: Seen, kept: Sequence[Notification], now: datetime
    ) -> bool:
        """Number and keep them, all or nothing; False if the event had its effect before."""
        ...


@dataclass(frozen=True, slots=True)
class PushingDeps:
    """Everything that pushing touches."""

    facts: Facts
    pushes: Pushes
    clock: Clock
    count: Callable[[str], None]


def push(event: DomainEvent, deps: PushingDeps) -> int:
    """Tell an event to whoever may be listening, once; how many pushes it made."""
    now = deps.clock.now()
    drafts = [
        *_about_order(event, deps.facts),
        *_about_stock(event, deps.facts),
        *_about_sessions(event),
        *_about_media(event),
        *_about_dead_letter(event, deps.facts),
    ]
    notification = deps.facts.notification(event)
    others: list[Notification] = []
    if notification is not None:
        drafts.append(_draft(notification.user_id, "notification.new", inbox_fields(notification)))
        others.append(notification)
    if not drafts:
        return 0
    # Sockets are closed behind the last word to their user.
    drafts.sort(key=lambda draft: draft.ends_sessions_of is not None)
    if not deps.pushes.append(drafts, seen_by(CONSUMER, event.event_id, now), others, now):
        return 0
    deps.count(event.type.name)
    return len(drafts)


def inbox_fields(one: Notification) -> Fields:
    """A notification as replies and pushes have it."""
    return {
        "id": one.id,
        "kind": one.kind,
        "title": one.title,
        "body": one.body,
        "ref": one.ref,
        "read": False,
        "created_at": one.created_at,
    }


def _draft(user_id: str, kind: str, data: Fields) -> Draft:
    return Draft(f"user:{user_id}", kind, data)


def _about_order(event: DomainEvent, facts: Facts) -> list[Draft]:
    order_id, user_id = event.data.get("order_id"), event.data.get("user_id")
    if not isinstance(order_id, str) or not isinstance(user_id, str):
        return []
    order = facts.order(order_id)
    drafts = [_draft(user_id, "order.updated", order)] if order else []
    if event.type.name == "PaymentActionRequired":
        url = facts.action_url(order_id, str(event.data["payment_id"]))
        if url is not None:
            told = {
                "order_id": order_id,
                "action_url": url,
                "expires_at": event.data["expires_at"],
            }
            drafts.append(_draft(user_id, "payment.action_required", told))
    return drafts


def _about_stock(event: DomainEvent, facts: Facts) -> list[Draft]:
    if event.type.name == "StockAdjusted":
        variants = [str(event.data["variant_id"])]
    elif event.type.name in _MOVES_STOCK and _is_stock_free(event):
        variants = [line["variant_id"] for line in event.data["lines"]]
    else:
        return []
    return [
        Draft(f"product:{told['product_id']}", "stock.changed", told)
        for told in facts.availability(list(dict.fromkeys(variants)))
    ]


def _is_stock_free(event: DomainEvent) -> bool:
    """Whether the goods of this order were taken or given back at all."""
    data = event.data
    match event.type.name:
        case "OrderCancelled":
            return bool(data["released"] or data["returned"])
        case "OrderRefunded":
            return bool(data["returned"])
        case _:
            return True


def _about_sessions(event: DomainEvent) -> list[Draft]:
    name = event.type.name
    reason = event.data["reason"] if name == "SessionsRevoked" else _ENDS_SESSIONS.get(name)
    if reason is None:
        return []
    user_id = str(event.data["user_id"])
    return [Draft(f"user:{user_id}", "session.revoked", {"reason": reason}, user_id)]


def _about_media(event: DomainEvent) -> list[Draft]:
    status = _MEDIA.get(event.type.name)
    if status is None:
        return []
    told = {
        "media_id": event.data["media_id"],
        "status": status,
        "reject_reason": event.data.get("reason"),
    }
    return [_draft(str(event.data["owner_id"]), "media.updated", told)]


def _about_dead_letter(event: DomainEvent, facts: Facts) -> list[Draft]:
    status = _DEAD_LETTERS.get(event.type.name)
    if status is None:
        return []
    dead_letter_id = str(event.data["dead_letter_id"])
    found = event.data if "source" in event.data else facts.dead_letter(dead_letter_id)
    if found is None:
        return []
    told = {name: found[name] for name in ("source", "kind", "cause")}
    data = {"dead_letter_id": dead_letter_id, **told, "status": status}
    return [Draft(_OPS_TOPIC, "ops.dead_letter", data)]
