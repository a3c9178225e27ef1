"""How blueprints come onto the app: all at once, or a file of routes with the first call for it.

Packaging, tools and tests want the whole map. The REST function of Lambda starts with none of it:
its first answer needs one slice, and loading the others costs more than the rest of the start.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Final

from chalice import Chalice

from chalicelib.aws.settings import settings

API: Final = "api_handler"
PACKAGE: Final = "chalicelib"

Methods = dict[str, Any]  # Any: Chalice's route entries have no types


class RoutesOnDemand(dict[str, Methods]):
    """Chalice's table of routes, which mounts the file of a path when the path is first asked for.

    The gateway only sends paths that the whole map declared when the app was packaged.
    """

    def __init__(self, app: Chalice, paths: Mapping[str, Iterable[str]]) -> None:
        """`paths` names, for each file of routes, the paths that its own begin with."""
        super().__init__()
        self._app = app
        self._owners = {path: module for module, below in paths.items() for path in below}
        self._waiting = set(paths)

    def __missing__(self, path: str) -> Methods:
        """Mount whoever owns the path; it then has methods, unless nobody declared it."""
        self._mount(self._owner(path))
        return self.setdefault(path, {})

    def mount_all(self) -> None:
        """Mount what still waits."""
        for module in sorted(self._waiting):
            self._mount(module)

    def _owner(self, path: str) -> str | None:
        """The file that named the longest beginning of the path, by whole words."""
        while path:
            if path in self._owners:
                return self._owners[path]
            path = path.rpartition("/")[0]
        return None

    def _mount(self, module: str | None) -> None:
        if module in self._waiting:
            # A module that fails to load stays waiting, and the call that wanted it fails.
            blueprint = _blueprint(module)
            self._waiting.remove(module)
            self._app.register_blueprint(blueprint)


def mount(app: Chalice, rest: Mapping[str, Iterable[str]], others: Iterable[str]) -> None:
    """Mount every file, or in the REST function of Lambda each when its first call comes."""
    if settings().function == API:
        app.routes = RoutesOnDemand(app, rest)
        return
    for module in (*rest, *others):
        app.register_blueprint(_blueprint(module))


def complete(app: Chalice) -> None:
    """See to it that every route is declared, for whoever tells about all of them."""
    if isinstance(app.routes, RoutesOnDemand):
        app.routes.mount_all()


def _blueprint(module: str) -> Any:  # Any: either kind of blueprint
    return import_module(f"{PACKAGE}.{module}").blueprint
