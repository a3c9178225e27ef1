"""The map of Souk: every Blueprint, grouped by what triggers it. No handler lives here."""

from chalice import Chalice

from chalicelib.edge.blueprints import observe
from chalicelib.edge.http import enveloped
from chalicelib.ops import routes as ops_routes
from chalicelib.users import authorizer

app = Chalice(app_name="souk", debug=False)
app.experimental_feature_flags.update(["WEBSOCKETS"])
app.register_middleware(observe)
app.register_middleware(enveloped, "http")

# REST: one function, api_handler, answers them all.
for routes in (ops_routes,):
    app.register_blueprint(routes.blueprint)

# The gateway's authorizer.
app.register_blueprint(authorizer.blueprint)
