"""The REST door: Chalice's routes behind a gateway that asks the real authorizer first."""

from __future__ import annotations

import base64
import json
import re
import uuid
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.faults.harness.clients import Reply, Request
from tests.faults.harness.lambda_runtime import Ending
from tests.faults.harness.substrate import ACCOUNT, REGION
from tests.faults.harness.world import World

API = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:api/v1"
HANDLER = "api_handler"
JSON = Any


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, with the authorizer in front of it."""

    pattern: re.Pattern[str]
    resource: str
    method: str
    authorizer: str | None


class RestDoor:
    """API Gateway as the shop's clients meet it, without its authorizer cache."""

    def __init__(self, world: World, app: Any) -> None:
        self._world = world
        self._routes = [
            Route(_pattern(path), path, method, _authorizer(entry))
            for path, methods in app.routes.items()
            for method, entry in methods.items()
        ]

    def send(self, request: Request) -> Reply:
        """Send once; 504 when the function froze, 502 when it died."""
        parts = urlsplit(request.path)
        found = [
            (route, match)
            for route in self._routes
            if route.method == request.method and (match := route.pattern.fullmatch(parts.path))
        ]
        if not found:
            raise LookupError(f"no route for {request.method} {request.path}")
        # A literal path wins over one with variables.
        route, match = min(found, key=lambda pair: len(pair[1].groupdict()))
        identity = f"client:{request.method} {request.path} {request.key} {request.token}"
        authorizer: dict[str, JSON] = {}
        if route.authorizer is not None:
            granted = self._authorize(route, request, identity)
            if isinstance(granted, Reply):
                return granted
            authorizer = granted
        event = _event(route, match.groupdict(), request, authorizer)
        outcome = self._world.runtime.invoke(HANDLER, event, identity=identity, in_request=True)
        match outcome.ending:
            case Ending.RETURNED:
                return _reply(outcome.value)
            case Ending.FROZEN:
                return Reply(504)
            case _:
                return Reply(502, str(outcome.error))

    def _authorize(self, route: Route, request: Request, identity: str) -> Reply | dict[str, JSON]:
        if not request.token:
            return Reply(401)
        arn = f"{API}/{route.method}{route.resource}"
        event = {
            "type": "TOKEN",
            "methodArn": arn,
            "authorizationToken": f"Bearer {request.token}",
        }
        outcome = self._world.runtime.invoke(
            str(route.authorizer), event, identity=f"auth {identity}", in_request=True
        )
        if not outcome.is_success:
            # The gateway knows one message; any other failure of the authorizer is its own.
            refused = str(outcome.error) == "Unauthorized"
            return Reply(401 if refused else 500, str(outcome.error))
        statements = outcome.value["policyDocument"]["Statement"]
        if not any(_allows(statement, arn) for statement in statements):
            return Reply(403)
        principal = {"principalId": outcome.value["principalId"]}
        return {**outcome.value.get("context", {}), **principal}


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


def _authorizer(entry: Any) -> str | None:
    return None if entry.authorizer is None else str(entry.authorizer.name)


def _allows(statement: dict[str, JSON], arn: str) -> bool:
    resources = statement["Resource"]
    wanted = [resources] if isinstance(resources, str) else resources
    return statement["Effect"] == "Allow" and any(fnmatchcase(arn, one) for one in wanted)


def _event(
    route: Route, variables: dict[str, str], request: Request, authorizer: dict[str, JSON]
) -> dict[str, JSON]:
    parts = urlsplit(request.path)
    headers = {"content-type": "application/json", **request.headers}
    if request.token:
        headers["authorization"] = f"Bearer {request.token}"
    if request.key:
        headers["idempotency-key"] = request.key
    query = parse_qs(parts.query, keep_blank_values=True)
    body = request.body if isinstance(request.body, str) else json.dumps(request.body)
    return {
        "resource": route.resource,
        "path": parts.path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": variables or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": route.resource,
            "httpMethod": request.method,
            "path": f"/v1{parts.path}",
            "stage": "v1",
            "requestId": str(uuid.uuid4()),
            "identity": {"sourceIp": "203.0.113.7"},
            "authorizer": authorizer,
        },
        "body": None if request.body is None else body,
        "isBase64Encoded": False,
    }


def _reply(value: dict[str, JSON]) -> Reply:
    text = value.get("body") or ""
    if value.get("isBase64Encoded"):
        text = base64.b64decode(text).decode()
    try:
        body = json.loads(text) if text else None
    except ValueError:
        body = None
    headers = {name.lower(): str(found) for name, found in value.get("headers", {}).items()}
    return Reply(value["statusCode"], text, body, headers)
