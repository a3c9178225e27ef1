"""Wire models of operations."""

from typing import Annotated, Literal

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
