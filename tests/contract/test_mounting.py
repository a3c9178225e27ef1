"""The REST function loads a file of routes with the first call for it, and misses none."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
API = "souk-local-api_handler"

WHOLE_MAP = """
import app, json
print(json.dumps({
    path: {method: entry.view_name for method, entry in methods.items()}
    for path, methods in app.app.routes.items()
}))
"""
ASKED_FOR = """
import app, json, sys
print(json.dumps({
    path: {method: entry.view_name for method, entry in app.app.routes[path].items()}
    for path in json.loads(sys.argv[1])
}))
"""
LOADED_BY_PATH = """
import app, json, sys
before = set(sys.modules)
app.app.routes[sys.argv[1]]
slices = {name.split(".")[1] for name in set(sys.modules) - before
          if name.startswith("chalicelib.") and name.count(".") > 1}
print(json.dumps(sorted(slices - {"kernel", "wire", "aws", "edge"})))
"""
ANSWER = """
import app, json
event = {
    "httpMethod": "GET", "headers": {}, "multiValueHeaders": {}, "pathParameters": None,
    "multiValueQueryStringParameters": None, "body": None, "isBase64Encoded": False,
    "stageVariables": None, "requestContext": {
        "resourcePath": "/openapi.json", "httpMethod": "GET", "path": "/openapi.json",
        "identity": {"sourceIp": "192.0.2.1"}},
}
print(app.app(event, None)["body"])
"""


def told(code: str, function: str, *arguments: str) -> Any:  # Any: JSON of the code's own shape
    """Run code in a fresh interpreter as a Lambda function of this name; its last line is JSON."""
    finished = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env={
            "PATH": "/usr/bin:/bin",
            "SOUK_STAGE": "local",
            "AWS_REGION": "us-east-1",
            "AWS_LAMBDA_FUNCTION_NAME": function,
        },
    )
    return json.loads(finished.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def whole_map() -> dict[str, dict[str, str]]:
    """Every view by path and method, as packaging and tools see them."""
    found: dict[str, dict[str, str]] = told(WHOLE_MAP, "")
    return found


def test_every_path_leads_to_the_same_views(whole_map: dict[str, dict[str, str]]) -> None:
    """What is packaged is what the REST function answers: no path is left to the wrong file."""
    assert told(ASKED_FOR, API, json.dumps(sorted(whole_map))) == whole_map


def test_each_path_alone_leads_to_its_views(whole_map: dict[str, dict[str, str]]) -> None:
    """Whichever path comes first, its own file is loaded: one path of each file, one process."""
    for path in ("/products", "/orders/{order_id}/cancel", "/users/me/notifications", "/users/me"):
        assert told(ASKED_FOR, API, json.dumps([path])) == {path: whole_map[path]}


def test_the_document_tells_about_all_of_them(whole_map: dict[str, dict[str, str]]) -> None:
    """A fresh REST function that is first asked for the document knows every route."""
    assert set(told(ANSWER, API)["paths"]) == set(whole_map)


@pytest.mark.parametrize(
    ("path", "slices"),
    [
        ("/hello", {"ops"}),
        ("/products", {"products", "users"}),
        ("/users/me", {"users", "products"}),
        ("/orders", {"orders", "products", "users"}),
    ],
)
def test_the_first_call_loads_its_own_slice(path: str, slices: set[str]) -> None:
    """A cold start is paid for what was asked: no other slice is loaded with it."""
    assert set(told(LOADED_BY_PATH, API, path)) <= slices
