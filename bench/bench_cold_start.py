"""B1 to B3: what each function costs before its first answer, in units of F.

F is the CPU of importing boto3 and making one DynamoDB client in a fresh process, less that of a
bare interpreter. A function is measured as its handler module plus the clients of its first call,
with the environment that it has on AWS (the trimmed endpoint list of vendor/aws_data).
"""

import statistics
import sys
from collections.abc import Callable

from bench.measure import (
    ROUNDS,
    Cost,
    Figure,
    bytecode_folder,
    interleaved,
    lambda_environment,
    process_cost,
    ratio,
    report,
)
from tools.sdk_data import FOLDER
from tools.system_map import handler_modules

BARE = "pass"
UNIT = "import boto3; boto3.client('dynamodb')"
CLIENTS = {
    "chat_fanout": ("dynamodb", "sqs"),
    "jwt_authorizer": ("dynamodb", "secretsmanager"),
    "media_steps": ("dynamodb", "s3"),
    "notify_email": ("dynamodb", "sqs", "sesv2"),
    "notify_live": ("dynamodb", "sqs"),
    "order_signals": ("dynamodb", "sqs", "stepfunctions"),
    "ops_worker": ("dynamodb", "sqs"),
    "outbox_relay": ("dynamodb", "events"),
    "payment_events": ("dynamodb", "sqs"),
    "sweeper": ("dynamodb", "events", "stepfunctions"),
}
# What the first call loads besides.
FIRST_CALL = {
    "media_steps": "from chalicelib.media.pipeline_wiring import painter; painter()",
    # Imported inside the first call, which is part of the first answer.
    "jwt_authorizer": "import jwt",
    "notify_email": "import jinja2",
    "notify_sms": "import jinja2",
    "notify_push": "import jinja2",
}
# The API loads a file of routes with the first call for it; the catalogue is asked for most.
WITH_A_SLICE = "api_handler, first call for the catalogue"
CATALOGUE = 'app.app.routes["/products"]["GET"]'
BUDGETS = {
    "jwt_authorizer": ("B1", 0.95, 50.0),
    "api_handler": ("B2", 1.1, 50.0),
    WITH_A_SLICE: ("B2", 1.2, 50.0),
    "media_uploaded": ("B3", 0.95, None),
    "media_steps": ("B3", 0.95, None),
    "websocket_connect": ("B3", 1.0, None),
    "websocket_message": ("B3", 1.0, None),
    "websocket_disconnect": ("B3", 1.0, None),
}


def entry_code(function: str, module: str) -> str:
    """Write the program of a cold start: import the handler, make the clients it needs at once."""
    services = CLIENTS.get(function, ("dynamodb",))
    made = "; ".join(f"client({service!r})" for service in services)
    first = FIRST_CALL.get(function, "")
    return f"import {module}\nfrom chalicelib.aws.clients import client\n{made}\n{first}"


def main() -> int:
    """Measure every function of the system map, interleaved with F and the bare interpreter."""
    entries = {name: entry_code(name, module) for name, module in handler_modules().items()}
    entries[WITH_A_SLICE] = f"{entries['api_handler']}\n{CATALOGUE}"
    programs = {"bare": BARE, "F": UNIT, **entries}
    peaks: dict[str, float] = {}
    with bytecode_folder() as scratch:
        stock = lambda_environment(scratch)
        ours = lambda_environment(scratch, AWS_DATA_PATH=str(FOLDER))

        def measured(name: str) -> Callable[[], float]:
            named = {"AWS_LAMBDA_FUNCTION_NAME": f"souk-local-{name.partition(',')[0]}"}
            environment = ours | named if name in entries else stock

            def run() -> float:
                cost: Cost = process_cost(programs[name], environment)
                peaks[name] = cost.rss_mb
                return cost.cpu_ms

            return run

        taken = interleaved({name: measured(name) for name in programs}, ROUNDS)
    bare = taken["bare"]
    unit = [f - b for f, b in zip(taken["F"], bare, strict=True)]
    figures = [Figure("F", "the unit, CPU on this machine", statistics.median(unit), None, "ms")]
    for name in entries:
        budget_id, budget, rss_budget = BUDGETS.get(name, ("", None, None))
        own = [cpu - b for cpu, b in zip(taken[name], bare, strict=True)]
        figures.append(Figure(budget_id, name, ratio(own, unit), budget, "F"))
        if rss_budget is not None:
            figures.append(Figure(budget_id, f"{name}, memory", peaks[name], rss_budget, "MB"))
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
