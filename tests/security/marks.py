"""Who may call what: the marks of the contract, written down a second time on purpose.

A route that is not listed here fails the matrix: whoever adds one says here who may call it.
Marks: P anybody, N anybody where the sandbox is on, H signed by a payment provider, C signed-in
users, S:x staff with scope x; U asks for a fresh second factor.
"""

from typing import Final

_TABLE: Final = """
GET /health P
GET /ready P
GET /hello P
GET /openapi.json P
POST /users/register P
POST /users/verify-email P
POST /users/verify-email/resend P
POST /users/login P
POST /users/login/mfa P
POST /users/token/refresh P
POST /users/logout C
POST /users/logout-all C
POST /users/password/forgot P
POST /users/password/reset P
POST /users/password/change C
GET /users/me C
PATCH /users/me C
GET /users/{user_id} C
GET /users/me/activity C
GET /users/me/sessions C
DELETE /users/me/sessions/{session_id} C
POST /users/me/mfa/totp C
POST /users/me/mfa/totp/confirm C
POST /users/me/mfa/totp/disable C
POST /users/me/mfa/recovery-codes C
POST /users/me/mfa/step-up C
GET /users/me/addresses C
POST /users/me/addresses C
PUT /users/me/addresses/{address_id} C
DELETE /users/me/addresses/{address_id} C
GET /users/me/preferences C
PUT /users/me/preferences C
GET /users/me/devices C
POST /users/me/devices C
DELETE /users/me/devices/{device_id} C
GET /users/me/notifications C
POST /users/me/notifications/{notification_id}/read C
POST /users/me/notifications/read-all C
GET /admin/users S:users
POST /admin/users/{user_id}/role S:users U
POST /admin/users/{user_id}/disable S:users U
POST /admin/users/{user_id}/enable S:users U
GET /products P
GET /products/{product_id} P
GET /products/by-slug/{slug} P
GET /categories P
GET /admin/products S:catalogue
GET /admin/products/{product_id} S:catalogue
POST /admin/products S:catalogue
PATCH /admin/products/{product_id} S:catalogue
POST /admin/products/{product_id}/variants S:catalogue
PATCH /admin/products/{product_id}/variants/{variant_id} S:catalogue
POST /admin/products/{product_id}/publish S:catalogue
POST /admin/products/{product_id}/archive S:catalogue
POST /admin/categories S:catalogue
GET /admin/categories/{category_id} S:catalogue
PATCH /admin/categories/{category_id} S:catalogue
GET /admin/stock/{variant_id} S:stock
GET /admin/stock/{variant_id}/movements S:stock
POST /admin/stock/{variant_id}/adjust S:stock
POST /orders C
GET /orders C
GET /orders/{order_id} C
GET /orders/{order_id}/timeline C
POST /orders/{order_id}/cancel C
GET /admin/orders S:orders
GET /admin/orders/{order_id} S:orders
GET /admin/orders/by-number/{number} S:orders
GET /admin/orders/{order_id}/timeline S:orders
POST /admin/orders/{order_id}/review S:payments U
POST /admin/orders/{order_id}/ship S:fulfil
POST /admin/orders/{order_id}/deliver S:fulfil
POST /admin/orders/{order_id}/cancel S:payments U
POST /admin/orders/{order_id}/refunds S:payments U
POST /payments/webhooks/{provider} H
GET /admin/reports/daily/{day} S:reports
POST /media/uploads C
GET /media/{media_id} C
POST /media/{media_id}/attach S:catalogue
POST /media/{media_id}/reprocess S:catalogue
DELETE /media/{media_id} C
POST /chat/tickets C
POST /chat/conversations C
GET /chat/conversations C
GET /chat/conversations/{conversation_id} C
GET /chat/conversations/{conversation_id}/messages C
POST /chat/conversations/{conversation_id}/messages C
POST /chat/conversations/{conversation_id}/close C
GET /admin/chat/conversations S:support
POST /admin/chat/conversations/{conversation_id}/assign S:support
POST /contact P
GET /admin/tickets S:support
GET /admin/tickets/{ticket_id} S:support
POST /admin/tickets/{ticket_id}/reply S:support
POST /admin/tickets/{ticket_id}/close S:support
GET /ops/queues S:ops
GET /ops/dead-letters S:ops
GET /ops/dead-letters/{dead_letter_id} S:ops
POST /ops/dead-letters/{dead_letter_id}/redrive S:ops U
DELETE /ops/dead-letters/{dead_letter_id} S:ops U
GET /ops/workflows S:ops
GET /ops/workflows/{name}/executions S:ops
GET /ops/workflows/{name}/executions/{execution} S:ops
GET /ops/events S:ops
POST /ops/events/replay S:ops U
GET /ops/events/replays/{replay_id} S:ops
GET /sandbox/mailbox N
GET /sandbox/gateway/orders/{order_id} N
POST /sandbox/gateway/orders/{order_id}/approve N
POST /sandbox/gateway/orders/{order_id}/decline N
POST /sandbox/gateway/orders/{order_id}/recover N
"""

MARKS: Final = {
    (method, path): mark
    for method, path, mark in (line.split(" ", 2) for line in _TABLE.split("\n") if line)
}

SCOPES: Final = {
    "customer": set[str](),
    "support": {"orders", "support"},
    "warehouse": {"orders", "fulfil", "stock"},
    "merchant": {"orders", "fulfil", "stock", "catalogue", "payments", "support", "reports"},
    "admin": {
        "orders", "fulfil", "stock", "catalogue", "payments", "support", "reports", "users", "ops",
    },
}  # fmt: skip
"""What each role grants, from the contract."""
