"""Every event of the system on one page: past tense, versioned, frozen.

An event type is a name, its source and the exact fields of its data. `ORDER_PLACED.data(...)`
makes the data and refuses missing and unknown fields, so that producers cannot drift;
`DomainEvent.parse` refuses unknown types, schemas and shapes, so that consumers never guess.
Plain mappings instead of one class per event keep this page free in every cold start.
No event carries personal data; consumers load what they need by id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from chalicelib.kernel.event_forms import is_word, strange_envelope, strange_fields

ActorType = Literal["customer", "staff", "system"]
SCHEMA: Final = 1
DETAIL_BYTES_MAX: Final = 64 * 1024


class UnknownEvent(ValueError):
    """A message that is not an event of this system, or of a schema it does not know."""


class Actor(NamedTuple):
    """Who caused an event; for the system `id` is the function's name."""

    type: ActorType
    id: str


class EventType(NamedTuple):
    """One type of event: its name, the bus source and the fields of its data."""

    name: str
    source: str
    fields: tuple[str, ...]

    def data(self, **values: Any) -> dict[str, Any]:  # Any: JSON values of many shapes
        """The data of such an event; TypeError unless exactly its fields are given."""
        if set(values) != set(self.fields):
            wrong = sorted(set(values) ^ set(self.fields))
            raise TypeError(f"{self.name} does not agree on {', '.join(wrong)}")
        return values

    def strange(self, told: object) -> list[str]:
        """The fields of `told` that are missing, unknown or of another form, by names of ours."""
        if not isinstance(told, Mapping):
            return ["data"]
        wrong = [name for name in self.fields if name not in told]
        wrong += ["an unknown field"] if set(told) - set(self.fields) else []
        return wrong or list(strange_fields(self.name, told))


EVENT_TYPES: Final[dict[str, EventType]] = {}


def _event(name: str, source: str, *fields: str) -> EventType:
    kind = EventType(name, f"souk.{source}", tuple(" ".join(fields).split()))
    EVENT_TYPES[name] = kind
    return kind


_USER = "user_id"
USER_REGISTERED = _event("UserRegistered", "users", _USER, "kid")
EMAIL_VERIFICATION_REQUESTED = _event("EmailVerificationRequested", "users", _USER, "kid")
PASSWORD_RESET_REQUESTED = _event("PasswordResetRequested", "users", _USER, "kid")
REGISTRATION_REPEATED = _event("RegistrationRepeated", "users", _USER)
EMAIL_VERIFIED = _event("EmailVerified", "users", _USER)
PROFILE_UPDATED = _event("ProfileUpdated", "users", _USER, "changed")
PASSWORD_CHANGED = _event("PasswordChanged", "users", _USER, "method")
MFA_CHANGED = _event("MfaChanged", "users", _USER, "enabled")
SESSIONS_REVOKED = _event("SessionsRevoked", "users", _USER, "session_ids reason")
ROLE_CHANGED = _event("RoleChanged", "users", _USER, "from to")
USER_DISABLED = _event("UserDisabled", "users", _USER)
USER_ENABLED = _event("UserEnabled", "users", _USER)

_PRODUCT = "product_id changed"
PRODUCT_CREATED = _event("ProductCreated", "products", _PRODUCT)
PRODUCT_UPDATED = _event("ProductUpdated", "products", _PRODUCT)
PRODUCT_PUBLISHED = _event("ProductPublished", "products", _PRODUCT)
PRODUCT_ARCHIVED = _event("ProductArchived", "products", _PRODUCT)
CATEGORY_CHANGED = _event("CategoryChanged", "products", "category changed")
STOCK_ADJUSTED = _event(
    "StockAdjusted", "products", "variant_id product_id delta reason movement_id"
)

_ORDER = "order_id number user_id from to"
ORDER_PLACED = _event("OrderPlaced", "orders", _ORDER, "currency total lines")
ORDER_RESERVED = _event("OrderReserved", "orders", _ORDER, "lines")
ORDER_HELD = _event("OrderHeld", "orders", _ORDER, "total")
ORDER_REVIEW_DECIDED = _event("OrderReviewDecided", "orders", _ORDER, "decision by")
ORDER_PAID = _event("OrderPaid", "orders", _ORDER, "payment_id currency total lines")
ORDER_FAILED = _event("OrderFailed", "orders", _ORDER, "reason decline_code lines")
ORDER_CANCEL_REQUESTED = _event("OrderCancelRequested", "orders", _ORDER)
ORDER_CANCELLED = _event("OrderCancelled", "orders", _ORDER, "released returned lines")
ORDER_SHIPPED = _event("OrderShipped", "orders", _ORDER, "carrier tracking_number")
ORDER_DELIVERED = _event("OrderDelivered", "orders", _ORDER)
ORDER_REFUNDED = _event("OrderRefunded", "orders", _ORDER, "returned lines")

_PAYMENT = "order_id payment_id user_id amount currency"
_REFUND = "refund_id kind refund_amount"
PAYMENT_STARTED = _event("PaymentStarted", "payments", _PAYMENT)
PAYMENT_UNCERTAIN = _event("PaymentUncertain", "payments", _PAYMENT)
PAYMENT_ACTION_REQUIRED = _event("PaymentActionRequired", "payments", _PAYMENT, "expires_at")
PAYMENT_CAPTURED = _event("PaymentCaptured", "payments", _PAYMENT, "charge_id")
PAYMENT_DECLINED = _event("PaymentDeclined", "payments", _PAYMENT, "decline_code")
PAYMENT_EXPIRED = _event("PaymentExpired", "payments", _PAYMENT)
REFUND_REQUESTED = _event("RefundRequested", "payments", _PAYMENT, _REFUND, "from to")
REFUND_SETTLED = _event("RefundSettled", "payments", _PAYMENT, _REFUND, "code from to")
REFUND_FAILED = _event("RefundFailed", "payments", _PAYMENT, _REFUND, "code from to")
REFUND_UNCERTAIN = _event("RefundUncertain", "payments", _PAYMENT, _REFUND, "code from to")

_MEDIA = "media_id owner_id"
MEDIA_UPLOADED = _event("MediaUploaded", "media", _MEDIA, "etag")
MEDIA_REPROCESS_REQUESTED = _event("MediaReprocessRequested", "media", _MEDIA, "etag")
MEDIA_PROCESSING = _event("MediaProcessing", "media", _MEDIA)
MEDIA_READY = _event("MediaReady", "media", _MEDIA, "renditions attached_to")
MEDIA_REJECTED = _event("MediaRejected", "media", _MEDIA, "reason")
MEDIA_FAILED = _event("MediaFailed", "media", _MEDIA)
MEDIA_EXPIRED = _event("MediaExpired", "media", _MEDIA)
MEDIA_DELETED = _event("MediaDeleted", "media", _MEDIA)

_TICKET = "ticket_id seq"
CONTACT_RECEIVED = _event("ContactReceived", "support", _TICKET)
TICKET_REPLIED = _event("TicketReplied", "support", _TICKET)
TICKET_CLOSED = _event("TicketClosed", "support", _TICKET)
DAILY_REPORT_READY = _event("DailyReportReady", "analytics", "day")

_DEAD = "dead_letter_id"
DEAD_LETTER_STORED = _event("DeadLetterStored", "ops", _DEAD, "source kind cause reference")
DEAD_LETTER_REDRIVE_REQUESTED = _event("DeadLetterRedriveRequested", "ops", _DEAD)
DEAD_LETTER_REDRIVEN = _event("DeadLetterRedriven", "ops", _DEAD)
DEAD_LETTER_DELETED = _event("DeadLetterDeleted", "ops", _DEAD)
REPLAY_REQUESTED = _event("ReplayRequested", "ops", "replay_id")
REPLAY_FINISHED = _event("ReplayFinished", "ops", "replay_id matched published")


@dataclass(frozen=True, slots=True)
class Cause:
    """What an event owes to its surroundings: when, by whom, in which chain of calls."""

    occurred_at: str
    actor: Actor
    correlation_id: str


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """One change of one aggregate; `data` has exactly the fields of its type."""

    type: EventType
    aggregate_id: str
    aggregate_version: int
    cause: Cause
    data: Mapping[str, Any]  # Any: JSON values of many shapes

    @property
    def event_id(self) -> str:
        """`<aggregate_id>#<version>`: one event for each version."""
        return f"{self.aggregate_id}#{self.aggregate_version}"

    @property
    def occurred_at(self) -> str:
        """When it happened, ISO 8601."""
        return self.cause.occurred_at

    @property
    def correlation_id(self) -> str:
        """The chain of calls it belongs to."""
        return self.cause.correlation_id

    def detail(self) -> dict[str, Any]:
        """The envelope of domain rule 6.1."""
        return {
            "event_id": self.event_id,
            "schema": SCHEMA,
            "aggregate_id": self.aggregate_id,
            "aggregate_version": self.aggregate_version,
            "occurred_at": self.cause.occurred_at,
            "correlation_id": self.cause.correlation_id,
            "actor": {"type": self.cause.actor.type, "id": self.cause.actor.id},
            "data": dict(self.data),
        }

    @classmethod
    def parse(cls, type_name: object, detail: object) -> "DomainEvent":
        """The event in a bus message; UnknownEvent for any other shape, type or schema."""
        kind = EVENT_TYPES.get(type_name) if isinstance(type_name, str) else None
        if kind is None or not isinstance(detail, Mapping):
            # Its words are somebody else's: only what looks like a type is repeated.
            told = type_name if is_word(type_name) else "its type is no name"
            raise UnknownEvent(f"not an event of this system: {told}")
        try:
            strange = [*strange_envelope(detail), *kind.strange(detail["data"])]
        except (KeyError, TypeError) as error:
            raise UnknownEvent(f"malformed {kind.name}: its envelope is incomplete") from error
        if strange:
            raise UnknownEvent(f"malformed {kind.name}: {', '.join(strange)}")
        event = cls._read(kind, detail)
        if detail["schema"] != SCHEMA or detail.get("event_id") != event.event_id:
            raise UnknownEvent(f"{kind.name} of an unknown schema or id")
        return event

    @classmethod
    def _read(cls, kind: EventType, detail: Mapping[str, Any]) -> "DomainEvent":
        actor = Actor(detail["actor"]["type"], detail["actor"]["id"])
        cause = Cause(detail["occurred_at"], actor, detail["correlation_id"])
        payload = MappingProxyType(dict(detail["data"]))
        return cls(kind, detail["aggregate_id"], detail["aggregate_version"], cause, payload)
