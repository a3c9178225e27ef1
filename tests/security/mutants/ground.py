"""Where mutants are let loose: a stocked shop, every write and every log line looked at."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import botocore.client

from chalicelib.aws import observability
from tests.cloud import ACCOUNT, REGION, STAGE, bare_client
from tests.faults.harness.calls import Call
from tests.security.generated.floor import Floor, stocked
from tests.security.mutants.mutations import CANARY

CONTEXT = SimpleNamespace(aws_request_id="invocation-1", function_name="mutants")
URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/souk-{STAGE}-"
Json = Any


@dataclass(slots=True)
class Seen:
    """What one invocation did."""

    answer: Json = None
    error: Exception | None = None
    writes: list[str] = field(default_factory=list)
    parked: list[Json] = field(default_factory=list)
    log: str = ""


@dataclass(slots=True)
class Ground:
    """The shop, and a way to call its functions that notices everything."""

    floor: Floor
    _seen: Seen = field(default_factory=Seen)

    def invoke(self, handler: Callable[..., Any], event: Json) -> Seen:
        """Call a function on a fresh floor."""
        self.floor.restore()
        seen = self._seen = Seen()
        stream = io.StringIO()
        with redirect_stdout(stream), _logging_to(stream):
            try:
                seen.answer = handler(event, CONTEXT)
            except Exception as error:  # noqa: BLE001 - which ones may escape is what is tested
                seen.error = error
        seen.log = stream.getvalue()
        for line in seen.log.splitlines():
            assert isinstance(json.loads(line), dict), line
        assert CANARY not in seen.log, seen.log
        return seen

    def note(self, service: str, operation: str, parameters: dict[str, Any]) -> None:
        """Remember a call that changes something; parking and counting are not meant."""
        if (
            not Call(0, service, operation, "").is_mutating
            or operation == "ChangeMessageVisibility"
        ):
            return
        target = json.dumps(parameters, default=str)
        if operation == "SendMessage" and "-dlq" in parameters["QueueUrl"]:
            self._seen.parked.append(parameters)
        elif '"RATE#' not in target:
            self._seen.writes.append(f"{service}.{operation} {target[:300]}")


@contextmanager
def _logging_to(stream: io.StringIO) -> Iterator[None]:
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    root.handlers[:] = []
    observability.configure_logging(stream)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers[:] = kept
        root.setLevel(level)


@contextmanager
def ground() -> Iterator[Ground]:
    """A stocked shop whose calls are seen."""
    with stocked() as floor:
        made = Ground(floor)
        real = botocore.client.BaseClient._make_api_call

        def noted(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            made.note(client.meta.service_model.service_name, operation, parameters)
            return real(client, operation, parameters)

        botocore.client.BaseClient._make_api_call = noted
        try:
            yield made
        finally:
            botocore.client.BaseClient._make_api_call = real


def handlers() -> dict[str, Callable[..., Any]]:
    """Every function of the live app but the REST one, by name, as Lambda loads it."""
    import importlib

    import app

    shop = app.app
    configured = [
        *shop.builtin_auth_handlers,
        *shop.pure_lambda_functions,
        *shop.event_sources,
        *shop.websocket_handlers.values(),
    ]
    found = {}
    for one in configured:
        module, _, name = one.handler_string.rpartition(".")
        found[one.name] = getattr(importlib.import_module(module), name)
    return found


def messages(queue: str, *bodies: str, received: int = 1, **attributes: str) -> Json:
    """A batch of a queue."""
    return {
        "Records": [
            {
                "messageId": f"m-{number}",
                "receiptHandle": f"r-{number}",
                "body": body,
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:souk-{STAGE}-{queue}",
                "attributes": {"ApproximateReceiveCount": str(received)},
                "messageAttributes": {
                    name: {"dataType": "String", "stringValue": value}
                    for name, value in attributes.items()
                },
            }
            for number, body in enumerate(bodies)
        ]
    }


def mails() -> int:
    """How many mails went out."""
    return int(bare_client("ses").get_send_quota()["SentLast24Hours"])
