"""Wire models of operations."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict

from chalicelib.wire.models import Parameters, View, line


class Health(View):
    """The process answers."""

    status: Literal["ok"] = "ok"
    stage: str
    version: str


class HelloParameters(Parameters):
    """Whom to greet."""

    name: Annotated[str, line(1, 80)] = "World"


class Hello(View):
    """A greeting."""

    message: str


class ReadyChecks(View):
    """What a call needs before it can be served."""

    core: Literal["ok"] = "ok"
    live: Literal["ok"] = "ok"
    secrets: Literal["ok"] = "ok"


class Ready(View):
    """Tables and secrets answer."""

    status: Literal["ok"] = "ok"
    checks: ReadyChecks = ReadyChecks()


class OpenApi(View):
    """An OpenAPI 3.1 document; its own form is described elsewhere."""

    model_config = ConfigDict(extra="allow")

    openapi: Literal["3.1.0"]
    info: dict[str, Any]  # Any: the form of OpenAPI
    paths: dict[str, Any]
