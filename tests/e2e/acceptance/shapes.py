"""The representations of the contract as shapes: exactly these fields, each of its type.

A shape is a type (exact, so a bool is no int), a compiled pattern for a string, a set of allowed
values, a dict of the fields (all present, no others), a one-element list for "list of", or a
predicate. `maybe` allows null.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

CROCKFORD: Final = "0-9A-HJKMNP-TV-Z"
TS: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SKU: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{1,39}")
SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
CURRENCY: Final = re.compile(r"[A-Z]{3}")
NUMBER: Final = re.compile(rf"SK-[{CROCKFORD}]{{8}}")
ROLES: Final = frozenset("customer support warehouse merchant admin".split())
ORDER_STATES: Final = frozenset(
    "PLACED RESERVED REVIEW PAYING PAID SHIPPED DELIVERED REFUNDED CANCELLING CANCELLED "
    "FAILED".split()
)
PAYMENT_STATES: Final = frozenset(
    "CREATED CAPTURED DECLINED REQUIRES_ACTION UNKNOWN EXPIRED PARTLY_REFUNDED REFUNDED".split()
)


@dataclass(frozen=True, slots=True)
class Maybe:
    """The shape, or null."""

    shape: Any  # Any: a shape


def maybe(shape: Any) -> Maybe:
    """The shape, or null."""
    return Maybe(shape)


def an_id(prefix: str) -> re.Pattern[str]:
    """An id with this prefix."""
    return re.compile(rf"{prefix}_[{CROCKFORD}]{{26}}")


def listed(item: Any) -> dict[str, Any]:
    """A page of these."""
    return {"items": [item], "next": maybe(str)}


def fits(value: Any, shape: Any, at: str = "$") -> None:
    """Fail with the place where the value is not of the shape."""
    if isinstance(shape, Maybe):
        if value is not None:
            fits(value, shape.shape, at)
    elif isinstance(shape, dict):
        assert isinstance(value, dict), f"{at} is {value!r}"
        assert set(value) == set(shape), f"{at}: {set(value) ^ set(shape)} too many or missing"
        for name, inner in shape.items():
            fits(value[name], inner, f"{at}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{at} is {value!r}"
        for number, element in enumerate(value):
            fits(element, shape[0], f"{at}[{number}]")
    else:
        assert _is_one(value, shape), f"{at} is {value!r}, not {shape}"


def _is_one(value: Any, shape: Any) -> bool:
    if isinstance(shape, type):
        return type(value) is shape
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and shape.fullmatch(value) is not None
    if isinstance(shape, set | frozenset):
        return value in shape and not isinstance(value, bool)
    predicate: Callable[[Any], bool] = shape
    return predicate(value)


def is_money(value: Any) -> bool:
    """Integer minor units."""
    return type(value) is int and 0 <= value <= 99_999_999_999


def texts(value: Any) -> bool:
    """A map from text to text."""
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


ERROR: Final = {"error": {"code": str, "message": str, "request_id": str}}
INVALID: Final = {
    "error": {
        "code": frozenset({"validation_failed"}),
        "message": str,
        "fields": [{"path": str, "code": str, "message": str}],
        "request_id": str,
    }
}

TOKEN_PAIR: Final = {
    "access_token": str,
    "token_type": frozenset({"Bearer"}),
    "expires_in": frozenset({900}),
    "refresh_token": str,
    "session_id": an_id("ses"),
}
USER: Final = {
    "id": an_id("usr"),
    "email": str,
    "name": str,
    "phone": maybe(re.compile(r"\+[1-9]\d{6,14}")),
    "locale": frozenset({"en-GB", "de-DE", "fr-FR"}),
    "role": ROLES,
    "status": frozenset({"UNVERIFIED", "ACTIVE", "DISABLED"}),
    "mfa_enabled": bool,
    "created_at": TS,
    "updated_at": TS,
    "version": int,
}
SESSION: Final = {
    "id": an_id("ses"),
    "device": str,
    "ip_hint": str,
    "current": bool,
    "created_at": TS,
    "last_used_at": TS,
    "expires_at": TS,
}
ADDRESS_FIELDS: Final = {
    "name": str,
    "line1": str,
    "line2": maybe(str),
    "city": str,
    "region": maybe(str),
    "postal_code": str,
    "country": re.compile("[A-Z]{2}"),
    "phone": maybe(str),
}
ADDRESS: Final = {
    "id": an_id("adr"),
    "label": str,
    **ADDRESS_FIELDS,
    "is_default": bool,
}
PREFERENCES: Final = {
    "order_updates": {"email": bool, "sms": bool, "push": bool},
    "marketing_email": bool,
}
DEVICE: Final = {
    "id": an_id("dev"),
    "platform": frozenset({"ios", "android", "web"}),
    "created_at": TS,
}
FORMATS: Final = {"avif": str, "webp": str, "jpeg": str}
PICTURE: Final = {
    "media_id": an_id("med"),
    "alt": str,
    "position": int,
    "placeholder": re.compile("#[0-9A-Fa-f]{6}"),
    "width": int,
    "height": int,
    "urls": {"thumb": FORMATS, "small": FORMATS, "medium": FORMATS, "large": FORMATS},
}
CATEGORY: Final = {
    "id": SLUG,
    "title": str,
    "description": str,
    "position": int,
    "hidden": bool,
    "version": int,
}
PRODUCT_CARD: Final = {
    "id": an_id("prd"),
    "slug": SLUG,
    "title": str,
    "category": SLUG,
    "status": frozenset({"DRAFT", "ACTIVE", "ARCHIVED"}),
    "price_from": is_money,
    "currency": CURRENCY,
    "picture": maybe(PICTURE),
    "created_at": TS,
}
VARIANT: Final = {
    "id": an_id("var"),
    "sku": SKU,
    "title": str,
    "options": texts,
    "price": is_money,
    "currency": CURRENCY,
    "active": bool,
    "availability": frozenset({"in_stock", "low", "out"}),
}
PRODUCT: Final = {
    **PRODUCT_CARD,
    "description": str,
    "attributes": texts,
    "variants": [VARIANT],
    "pictures": [PICTURE],
    "updated_at": TS,
    "version": int,
}
STOCK: Final = {
    "variant_id": an_id("var"),
    "product_id": an_id("prd"),
    "sku": SKU,
    "location": frozenset({"main"}),
    "available": is_money,
    "reserved": is_money,
    "on_hand": is_money,
    "updated_at": TS,
}
MOVEMENT: Final = {
    "ref": re.compile(rf"(ord|rfd|mov)_[{CROCKFORD}]{{26}}"),
    "kind": frozenset("RESERVE RELEASE COMMIT RETURN ADJUST".split()),
    "available_delta": int,
    "reserved_delta": int,
    "on_hand_delta": int,
    "reason": maybe(str),
    "note": maybe(str),
    "actor": str,
    "at": TS,
}
ORDER_CARD: Final = {
    "id": an_id("ord"),
    "number": NUMBER,
    "status": ORDER_STATES,
    "payment_status": maybe(PAYMENT_STATES),
    "currency": CURRENCY,
    "total": is_money,
    "refunded": is_money,
    "item_count": int,
    "placed_at": TS,
    "updated_at": TS,
}
LINE: Final = {
    "variant_id": an_id("var"),
    "product_id": an_id("prd"),
    "sku": SKU,
    "title": str,
    "variant_title": str,
    "quantity": int,
    "unit_price": is_money,
    "line_total": is_money,
}
PAYMENT: Final = {
    "id": an_id("pay"),
    "status": PAYMENT_STATES,
    "amount": is_money,
    "refunded": is_money,
    "currency": CURRENCY,
    "decline_code": maybe(str),
    "action_url": maybe(str),
}
REFUND: Final = {
    "id": an_id("rfd"),
    "kind": frozenset({"cancel", "refund"}),
    "status": frozenset("REQUESTED SETTLED FAILED UNKNOWN".split()),
    "amount": is_money,
    "reason": frozenset("customer_request damaged lost goodwill other".split()),
    "requested_at": TS,
    "settled_at": maybe(TS),
}
FAILURE: Final = {
    "reason": frozenset(
        "out_of_stock payment_declined action_expired review_rejected review_expired "
        "system_error".split()
    ),
    "decline_code": maybe(str),
    "variant_ids": [an_id("var")],
}
_REVIEW: Final = {"decision": frozenset({"approve", "reject"}), "at": TS}
ORDER: Final = {
    **ORDER_CARD,
    "lines": [LINE],
    "subtotal": is_money,
    "shipping": is_money,
    "tax": is_money,
    "discount": is_money,
    "shipping_address": ADDRESS_FIELDS,
    "payment": maybe(PAYMENT),
    "refunds": [REFUND],
    "cancel_requested": bool,
    "review": maybe(_REVIEW),
    "failure": maybe(FAILURE),
    "tracking": maybe({"carrier": str, "number": str}),
    "paid_at": maybe(TS),
    "shipped_at": maybe(TS),
    "delivered_at": maybe(TS),
    "closed_at": maybe(TS),
    "version": int,
}
STAFF_ORDER: Final = {
    **ORDER,
    "customer": {"id": an_id("usr"), "name": str, "email": re.compile(r".\*\*\*@.+")},
    "review": maybe({**_REVIEW, "by": an_id("usr"), "note": maybe(str)}),
}
TIMELINE_ENTRY: Final = {
    "seq": int,
    "type": str,
    "at": TS,
    "actor": frozenset({"customer", "staff", "system"}),
    "data": dict,
}
