"""Section 4.2: health, hello, the API's own description."""

import re

from local.shop import Shop
from tests.e2e.acceptance.shapes import fits
from tests.e2e.acceptance.test_errors import refused
from tests.e2e.conftest import RunningShop


def test_health_and_ready(anybody: Shop) -> None:
    """Exactly the fields of the contract."""
    fits(anybody.get("/health"), {"status": frozenset({"ok"}), "stage": str, "version": str})
    ok = frozenset({"ok"})
    fits(anybody.get("/ready"), {"status": ok, "checks": {"core": ok, "live": ok, "secrets": ok}})


def test_hello(anybody: Shop) -> None:
    """The name comes back exactly as sent."""
    assert anybody.get("/hello") == {"message": "Hello, World!"}
    for name in ("Zoë", " padded ", "\u202ereversed", "a" * 80, "e\u0301", "🏺", "<b>&amp;"):
        assert anybody.get("/hello", name=name) == {"message": f"Hello, {name}!"}
    for name in ("", "   ", "a" * 81, "line\nfeed", "nul\0", "\x85"):
        path = "/hello?name=" + "".join(f"%{byte:02x}" for byte in name.encode())
        refused(anybody.call("GET", path), 422, "validation_failed")


def test_openapi_lists_the_routes(anybody: Shop, shop: RunningShop) -> None:
    """OpenAPI 3.1; every path answers something other than an unknown path."""
    described = anybody.get("/openapi.json")
    assert described["openapi"].startswith("3.1")
    apigw = shop.client("apigateway")
    rest = next(api for api in apigw.get_rest_apis()["items"] if "souk" in api["name"])
    resources = apigw.get_resources(restApiId=rest["id"], limit=500)["items"]
    live = {
        (method.lower(), re.sub(r"\+?}", "}", resource["path"]))
        for resource in resources
        for method in resource.get("resourceMethods", {})
        if method != "OPTIONS"
    }
    told = {(method, path) for path, methods in described["paths"].items() for method in methods}
    assert told == live
