"""Blueprints mount when their paths are asked for."""

import sys
from types import ModuleType
from typing import Any

import pytest

from chalicelib.edge.mounting import RoutesOnDemand, complete


class App:
    """Takes blueprints as Chalice does: each writes its own paths into the table."""

    def __init__(self) -> None:
        """Nothing is mounted yet."""
        self.mounted: list[str] = []
        self.routes: Any = None

    def register_blueprint(self, blueprint: dict[str, str]) -> None:
        """Write every path of the blueprint."""
        for path, view in blueprint.items():
            self.mounted.append(path)
            self.routes[path]["GET"] = view


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    """Two files of routes, one below the other's paths, and one that does not load."""
    for name, blueprint in {
        "lamps": {"/lamps": "lamps", "/lamps/{lamp_id}": "one lamp"},
        "bulbs": {"/lamps/bulbs": "bulbs"},
    }.items():
        module = ModuleType(f"chalicelib.{name}")
        module.blueprint = blueprint  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"chalicelib.{name}", module)
    app = App()
    paths = {"lamps": ("/lamps",), "bulbs": ("/lamps/bulbs",), "broken": ("/broken",)}
    app.routes = RoutesOnDemand(app, paths)  # type: ignore[arg-type]  # as much as is used of it
    return app


def test_a_path_mounts_the_file_that_owns_it(app: App) -> None:
    """The whole file is mounted once, and no other."""
    assert app.routes["/lamps/{lamp_id}"] == {"GET": "one lamp"}
    assert app.routes["/lamps"] == {"GET": "lamps"}
    assert app.mounted == ["/lamps", "/lamps/{lamp_id}"]


def test_the_longest_beginning_wins(app: App) -> None:
    """A path below another file's path belongs to the file that names more of it."""
    assert app.routes["/lamps/bulbs"] == {"GET": "bulbs"}
    assert app.mounted == ["/lamps/bulbs"]


def test_a_path_of_nobody_has_no_methods(app: App) -> None:
    """Beginnings are whole words: /lampshades is nobody's."""
    assert app.routes["/lampshades"] == {}
    assert app.mounted == []


def test_a_file_that_fails_to_load_fails_each_call_for_it(app: App) -> None:
    """It is no method-not-allowed, neither the first time nor later."""
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError):
            app.routes["/broken"]


def test_completing_mounts_what_waits(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever tells about all routes finds all of them."""
    module = ModuleType("chalicelib.broken")
    module.blueprint = {"/broken": "mended"}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "chalicelib.broken", module)
    assert app.routes["/lamps"] == {"GET": "lamps"}
    complete(app)  # type: ignore[arg-type]  # as above
    assert sorted(app.routes) == ["/broken", "/lamps", "/lamps/bulbs", "/lamps/{lamp_id}"]
