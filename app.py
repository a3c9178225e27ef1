"""The map of Souk: every Blueprint, grouped by what triggers it. No handler lives here."""

from chalice import Chalice

from chalicelib.edge.blueprints import observe
from chalicelib.edge.http import enveloped
from chalicelib.ops import events as ops_events
from chalicelib.ops import routes as ops_routes
from chalicelib.orders import gateway_routes

app = Chalice(app_name="souk", debug=False)
app.experimental_feature_flags.update(["WEBSOCKETS"])
app.register_middleware(observe)
app.register_middleware(enveloped, "http")

# REST: one function, api_handler, answers them all.
for routes in (gateway_routes, ops_routes):
    app.register_blueprint(routes.blueprint)

# Streams, queues and schedules: one function each, which imports its own module and not this one.
for events in (ops_events,):
    app.register_blueprint(events.blueprint)
