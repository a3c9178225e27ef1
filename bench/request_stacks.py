"""The same two routes on bare Chalice, on Souk's edge and on FastAPI; one stack a process.

`python -m bench.request_stacks <stack> <calls>` prints CPU microseconds per GET and per POST.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import Field

from chalicelib.wire.models import AddressFields, Request

ORDER: Final = {
    "lines": [
        {"variant_id": f"var_01J8000000000000000000000{place}", "quantity": place}
        for place in range(1, 6)
    ],
    "shipping_address": {
        "name": "Amina Example",
        "line1": "1 Market Street",
        "city": "Berlin",
        "postal_code": "10115",
        "country": "DE",
    },
    "payment_token": "tok_approve",
}
HEADERS: Final = {
    "content-type": "application/json",
    "origin": "https://shop.example",
    "x-correlation-id": "bench-000001",
}

Handler = Callable[[dict[str, Any], Any], Any]  # Any: events and replies are JSON


class Line(Request):
    """One line of an order."""

    variant_id: Annotated[str, Field(pattern=r"^var_[0-9A-Z]{26}$")]
    quantity: Annotated[int, Field(ge=1, le=99)]


class Order(Request):
    """An order of up to 25 lines."""

    lines: Annotated[list[Line], Field(min_length=1, max_length=25)]
    shipping_address: AddressFields
    payment_token: Annotated[str, Field(pattern=r"^tok_[a-z0-9_]{2,40}$")]


def event(method: str, path: str, body: str | None) -> dict[str, Any]:
    """Make the event that a REST API sends for one request."""
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": dict(HEADERS),
        "multiValueHeaders": {name: [value] for name, value in HEADERS.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": path,
            "httpMethod": method,
            "path": f"/v1{path}",
            "stage": "v1",
            "requestId": "00000000-0000-4000-8000-000000000000",
            "identity": {"sourceIp": "192.0.2.1"},
            "accountId": "000000000000",
            "apiId": "bench",
        },
        "body": body,
        "isBase64Encoded": False,
    }


def bare_chalice() -> Handler:
    """Chalice alone: no validation, no logs, no headers."""
    from chalice import Chalice

    app = Chalice(app_name="bare")

    @app.route("/hello", methods=["GET"])
    def hello() -> dict[str, str]:
        return {"message": "Hello, World!"}

    @app.route("/orders", methods=["POST"])
    def place() -> dict[str, int]:
        request = app.current_request
        assert request is not None
        return {"lines": len(request.json_body["lines"])}

    return app


def souk(padding: int = 0) -> Handler:
    """Souk's edge: CORS, both middlewares, one log line, strict parsing, security headers."""
    from chalice import Chalice

    from chalicelib.edge.blueprints import observe
    from chalicelib.edge.calls import Call
    from chalicelib.edge.contracts import documented
    from chalicelib.edge.http import PUBLIC, HttpBlueprint, enveloped
    from chalicelib.edge.replies import Reply

    blueprint = HttpBlueprint(__name__)

    @blueprint.route("/hello", methods=["GET"], access=PUBLIC)
    @documented(replies={200: None})
    def hello(_call: Call) -> Reply:
        return Reply(200, {"message": "Hello, World!"})

    @blueprint.route("/orders", methods=["POST"], access=PUBLIC)
    @documented(replies={200: None}, request=Order)
    def place(call: Call) -> Reply:
        return Reply(200, {"lines": len(call.body(Order).lines)})

    for place_holder in range(padding):
        blueprint.route(f"/padding/{place_holder}", methods=["GET"], access=PUBLIC)(hello)

    app = Chalice(app_name="souk")
    app.register_middleware(observe)
    app.register_middleware(enveloped, "http")
    app.register_blueprint(blueprint)
    return app


def fastapi() -> Handler:
    """FastAPI behind Mangum with the same models."""
    from fastapi import FastAPI
    from mangum import Mangum

    app = FastAPI()

    @app.get("/hello")
    def hello() -> dict[str, str]:
        return {"message": "Hello, World!"}

    @app.post("/orders")
    def place(order: Order) -> dict[str, int]:
        return {"lines": len(order.lines)}

    return Mangum(app, lifespan="off")


STACKS: Final[dict[str, Callable[[], Handler]]] = {
    "bare": bare_chalice,
    "souk": souk,
    "souk-10": lambda: souk(8),
    "souk-100": lambda: souk(98),
    "fastapi": fastapi,
}


def cpu_us(handler: Handler, request: dict[str, Any], calls: int) -> float:
    """CPU microseconds of one call, after a warm-up that also checks the answer."""
    written = json.dumps(request)
    for _ in range(20):
        reply = handler(json.loads(written), None)
        assert reply["statusCode"] == 200, reply
    # Lambda parses the event for every stack alike; it is not counted.
    events = [json.loads(written) for _ in range(calls)]
    started = time.process_time()
    for one in events:
        handler(one, None)
    return (time.process_time() - started) / calls * 1e6


def main(stack: str, calls: int) -> None:
    """Measure one stack; log lines go nowhere."""
    figures = sys.stdout
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - for the life of the process
    handler = STACKS[stack]()
    get = cpu_us(handler, event("GET", "/hello", None), calls)
    post = cpu_us(handler, event("POST", "/orders", json.dumps(ORDER)), calls)
    print(json.dumps({"GET": get, "POST": post}), file=figures)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
