"""Writes docs/system_map.md: every route and trigger of the live app, its function and its role."""

import importlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from chalice import app as framework
from chalice.config import Config

STAGE = "local"
API_FUNCTION = "api_handler"
PAGE = Path("docs/system_map.md")
TEMPLATE = Path("infra/resources.yaml")
CONFIG = Path(".chalice/config.json")
HEAD = """# System map

Written by `make map` from the live Chalice application, `.chalice/config.json` and
`infra/resources.yaml`; `tests/contract/test_system_map.py` fails when it is out of date.
Marks of "who": P anybody, C a signed-in user, S:x staff with scope x, H a signed webhook,
N anybody where the sandbox is on.
"""


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function: where its handler is, what starts it, what it may do and take."""

    name: str
    handler: str
    triggers: tuple[str, ...]
    role: str
    policy: str
    memory_mb: int
    timeout_s: int


class _AnyTag(yaml.SafeLoader):
    """Reads CloudFormation's short intrinsics as plain values."""


def _plain(loader: _AnyTag, _suffix: str, node: yaml.Node) -> Any:  # Any: YAML of many shapes
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    raise TypeError(node)


_AnyTag.add_multi_constructor("!", _plain)


def logical_id(function: str) -> str:
    """Name the template resource that Chalice makes of a function."""
    if function == API_FUNCTION:
        return "APIHandler"
    return "".join(word.capitalize() for word in function.split("_"))


def _role(function: str) -> str:
    return "ApiHandlerRole" if function == API_FUNCTION else f"{logical_id(function)}Role"


def _schedule(source: framework.ScheduledEventConfig) -> str:
    expression = source.schedule_expression
    return expression if isinstance(expression, str) else expression.to_string()


def _trigger(source: framework.BaseEventSourceConfig) -> str:
    """Say what starts a function, without names that differ between stages."""
    match source:
        case framework.SQSEventConfig():
            queue = source.queue or (source.queue_arn or "").rpartition(":")[2]
            return f"queue {queue.removeprefix(f'souk-{STAGE}-')}, batch {source.batch_size}"
        case framework.ScheduledEventConfig():
            return f"schedule {_schedule(source)}"
        case framework.DynamoDBEventConfig():
            table = source.stream_arn.rpartition("table/")[2].partition("/")[0]
            return (
                f"stream of {table.removeprefix(f'souk-{STAGE}-')},"
                f" {source.starting_position}, batch {source.batch_size}"
            )
        case framework.S3EventConfig():
            return f"bucket, {', '.join(source.events)}, prefix {source.prefix}"
        case _:
            return type(source).__name__


def _template_triggers() -> dict[str, list[str]]:
    """List the event sources that only the template declares, by logical id of the function."""
    if not TEMPLATE.exists():
        return {}
    template = yaml.load(TEMPLATE.read_text(), Loader=_AnyTag)  # noqa: S506 - a SafeLoader
    found: dict[str, list[str]] = {}
    for name, resource in template["Resources"].items():
        events = resource.get("Properties", {}).get("Events", {})
        # Overrides of what Chalice wrote carry no type of their own.
        found[name] = [f"{it['Type']} {key}" for key, it in events.items() if "Type" in it]
    return found


def _declared(app: framework.Chalice) -> Iterator[tuple[str, str, str]]:
    """Yield (function, handler string, trigger) of everything the app declares."""
    yield API_FUNCTION, "app.app", "REST"
    for authorizer in app.builtin_auth_handlers:
        trigger = f"authorizer, cached {authorizer.ttl_seconds or 0} s"
        yield authorizer.name, authorizer.handler_string, trigger
    for source in app.event_sources:
        yield source.name, source.handler_string, _trigger(source)
    for pure in app.pure_lambda_functions:
        yield pure.name, pure.handler_string, "invoke"
    for route, handler in app.websocket_handlers.items():
        word = {"$connect": "connect", "$disconnect": "disconnect"}.get(route, "message")
        yield f"websocket_{word}", handler.handler_string, f"socket {route}"


def functions(app: framework.Chalice, config: Config) -> list[Function]:
    """Describe every Lambda function of the app as this stage deploys it."""
    extra = _template_triggers()
    listed = []
    for name, handler, trigger in _declared(app):
        scoped = config.scope(chalice_stage=STAGE, function_name=name)
        listed.append(
            Function(
                name,
                handler,
                (trigger, *extra.get(logical_id(name), ())),
                _role(name),
                scoped.iam_policy_file or "generated",
                scoped.lambda_memory_size or 128,
                scoped.lambda_timeout or 60,
            )
        )
    return listed


def _access_marks() -> dict[tuple[str, str], str]:
    """Read who may call each route from the contracts that the routes declare."""
    contracts = importlib.import_module("chalicelib.edge.contracts")
    return {(route.method, route.path): route.access.label for route in contracts.ROUTES}


def _routes(app: framework.Chalice) -> Iterator[tuple[str, ...]]:
    marks = _access_marks()
    for path in sorted(app.routes):
        for method, entry in sorted(app.routes[path].items()):
            view = f"{entry.view_function.__module__}.{entry.view_function.__name__}"
            authorizer = entry.authorizer.name if entry.authorizer else "none"
            mark = marks.get((method, path), "?")
            yield method, f"`{path}`", mark, authorizer, API_FUNCTION, f"`{view}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'--|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _function_row(function: Function) -> tuple[str, ...]:
    return (
        function.name,
        f"`{function.handler}`",
        "; ".join(function.triggers),
        function.role,
        f"`{function.policy}`",
        f"{function.memory_mb} MB",
        f"{function.timeout_s} s",
    )


def render(app: framework.Chalice, config: Config) -> str:
    """Write the page."""
    routes = _table(("method", "path", "who", "authorizer", "function", "view"), _routes(app))
    head = ("function", "handler", "triggers", "role", "policy", "memory", "timeout")
    listed = _table(head, map(_function_row, functions(app, config)))
    return f"{HEAD}\n## Routes\n\n{routes}\n\n## Functions\n\n{listed}\n"


def handler_modules(page: Path = PAGE) -> dict[str, str]:
    """Read each function's entry module from the written map, which its drift test keeps true."""
    listed = page.read_text().partition("## Functions")[2]
    rows = [line.strip("| ").split(" | ") for line in listed.splitlines() if "`" in line]
    return {row[0].strip(): row[1].strip(" `").rpartition(".")[0] for row in rows}


def load() -> tuple[framework.Chalice, Config]:
    """Import the app as the framework does for a stage, without touching AWS."""
    os.environ["SOUK_STAGE"] = STAGE
    from chalice.cli.factory import CLIFactory  # the command line needs a second to import

    config = CLIFactory(str(Path.cwd())).create_config_obj(chalice_stage_name=STAGE)
    return config.chalice_app, config


def main(target: Path) -> None:
    """Write the map of the live app to `target`."""
    target.write_text(render(*load()))
    print(f"wrote {target}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    main(Path(sys.argv[1]))
