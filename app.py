"""The map of Souk: every Blueprint, grouped by what triggers it. No handler lives here."""

from chalice import Chalice

from chalicelib.analytics import events as analytics_events
from chalicelib.analytics import routes as analytics_routes
from chalicelib.chat import events as chat_events
from chalicelib.chat import fanout_events as chat_fanout_events
from chalicelib.chat import routes as chat_routes
from chalicelib.edge.blueprints import observe
from chalicelib.edge.http import enveloped
from chalicelib.live import events as live_events
from chalicelib.media import events as media_events
from chalicelib.media import routes as media_routes
from chalicelib.media import steps as media_steps
from chalicelib.notifications import events as notification_events
from chalicelib.notifications import live_events as notification_live_events
from chalicelib.notifications import routes as notification_routes
from chalicelib.ops import desk_routes
from chalicelib.ops import events as ops_events
from chalicelib.ops import routes as ops_routes
from chalicelib.orders import events as order_events
from chalicelib.orders import gateway_routes, sweep_events
from chalicelib.orders import routes as order_routes
from chalicelib.orders import steps as order_steps
from chalicelib.products import routes as products_routes
from chalicelib.support import routes as support_routes
from chalicelib.users import authorizer
from chalicelib.users import events as users_events
from chalicelib.users import routes as users_routes

app = Chalice(app_name="souk", debug=False)
app.experimental_feature_flags.update(["WEBSOCKETS"])
app.register_middleware(observe)
app.register_middleware(enveloped, "http")

# The gateway's authorizer.
app.register_blueprint(authorizer.blueprint)

# REST: one function, api_handler, answers them all.
app.register_blueprint(analytics_routes.blueprint)
app.register_blueprint(chat_routes.blueprint)
app.register_blueprint(gateway_routes.blueprint)
app.register_blueprint(media_routes.blueprint)
app.register_blueprint(notification_routes.blueprint)
app.register_blueprint(order_routes.blueprint)
app.register_blueprint(ops_routes.blueprint)
app.register_blueprint(desk_routes.blueprint)
app.register_blueprint(products_routes.blueprint)
app.register_blueprint(support_routes.blueprint)
app.register_blueprint(users_routes.blueprint)

# Streams, queues, schedules and workflow steps: one function each, which imports its own
# module and not this one.
app.register_blueprint(media_events.blueprint)
app.register_blueprint(media_steps.blueprint)
app.register_blueprint(analytics_events.blueprint)
app.register_blueprint(notification_events.blueprint)
app.register_blueprint(notification_live_events.blueprint)
app.register_blueprint(ops_events.blueprint)
app.register_blueprint(order_events.blueprint)
app.register_blueprint(order_steps.blueprint)
app.register_blueprint(sweep_events.blueprint)
app.register_blueprint(users_events.blueprint)

# Sockets: connect, message and disconnect, and the stream that feeds them.
app.register_blueprint(chat_events.blueprint)
app.register_blueprint(chat_fanout_events.blueprint)
app.register_blueprint(live_events.blueprint)
