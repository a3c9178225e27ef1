"""The map of Souk: every Blueprint, grouped by what triggers it. No handler lives here."""

from types import MappingProxyType
from typing import Final

from chalice import Chalice

from chalicelib.edge.blueprints import observe
from chalicelib.edge.http import enveloped
from chalicelib.edge.mounting import mount

# REST: one function, api_handler, answers them all. It loads a file with the first call for it,
# so each says what its paths begin with; the longest beginning wins.
REST: Final = MappingProxyType(
    {
        "analytics.routes": ("/admin/reports",),
        "chat.routes": ("/chat", "/admin/chat"),
        "media.routes": ("/media",),
        "notifications.routes": ("/users/me/notifications", "/sandbox/mailbox"),
        "ops.desk_routes": ("/ops",),
        "ops.routes": ("/health", "/hello", "/openapi.json", "/ready"),
        "orders.gateway_routes": ("/payments/webhooks", "/sandbox/gateway"),
        "orders.routes": ("/orders", "/admin/orders"),
        "products.routes": (
            "/products",
            "/categories",
            "/admin/categories",
            "/admin/products",
            "/admin/stock",
        ),
        "support.routes": ("/contact", "/admin/tickets"),
        "users.routes": ("/users", "/admin/users"),
    }
)
OTHERS: Final = (
    # The gateway's authorizer.
    "users.authorizer",
    # Streams, queues, schedules and workflow steps: one function each, which imports its own
    # module and not this one.
    "media.events",
    "media.steps",
    "analytics.events",
    "notifications.events",
    "notifications.live_events",
    "ops.events",
    "orders.events",
    "orders.steps",
    "orders.sweep_events",
    "users.events",
    # Sockets: connect, message and disconnect, and the streams that feed them.
    "chat.events",
    "chat.fanout_events",
    "live.events",
)

app = Chalice(app_name="souk", debug=False)
app.experimental_feature_flags.update(["WEBSOCKETS"])
app.register_middleware(observe)
app.register_middleware(enveloped, "http")
mount(app, REST, OTHERS)
