"""Forgetting module state: thoroughly by importing anew, or quickly by restoring what was."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import botocore.session
import jinja2

Containers = (dict, list, set)
Caches = list[Callable[[], None]]
Fresh = dict[str, tuple[ModuleType, dict[str, Any], dict[str, Any], Caches]]


class ModuleState:
    """What the modules of some packages looked like right after their import."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        self._packages = frozenset(packages)
        self._prefixes = tuple(f"{package}." for package in packages)
        self._known = 0
        self._fresh: Fresh = {}
        self._spare: tuple[dict[str, ModuleType], Fresh] | None = None

    def _modules(self) -> list[tuple[str, ModuleType]]:
        return [
            (name, module)
            for name, module in list(sys.modules.items())
            if name in self._packages or name.startswith(self._prefixes)
        ]

    def note_imports(self) -> None:
        """Remember modules that were imported since the last look."""
        if len(sys.modules) == self._known:
            return
        self._known = len(sys.modules)
        for name, module in self._modules():
            if name not in self._fresh:
                names = dict(vars(module))
                contents = {
                    key: copy.copy(value)
                    for key, value in names.items()
                    if type(value) in Containers and not key.startswith("__")
                }
                self._fresh[name] = module, names, contents, _caches(names)

    def forget(self) -> None:
        """Put module state back to what it was after import, and empty every cache.

        This costs a hundredth of importing anew and forgets the same, except state hidden
        inside objects that modules hold; the thorough way is for crashes at nightly depth.
        """
        self.note_imports()
        for module, names, contents, caches in self._fresh.values():
            space = vars(module)
            for key in space.keys() - names.keys():
                del space[key]
            space.update(names)
            for key, content in contents.items():
                _refill(names[key], content)
            for empty in caches:
                empty()

    def wipe(self) -> None:
        """Unload the modules: whoever needs them imports them anew."""
        self._unload()
        self._fresh = {}
        self._spare = None

    def change_sandbox(self) -> None:
        """Leave the modules to the invocation that froze in them, and go on in another sandbox.

        Two sets of modules are enough: the first is free again once nobody is frozen.
        """
        left = dict(self._modules()), self._fresh
        self._unload()
        modules, self._fresh = self._spare or ({}, {})
        sys.modules.update(modules)
        self._spare = left
        self.forget()

    def _unload(self) -> None:
        self._known = 0
        for name, _module in self._modules():
            del sys.modules[name]


def _caches(names: dict[str, Any]) -> Caches:
    clearers = [
        getattr(value, "cache_clear", None)
        for value in names.values()
        if not isinstance(value, type)
    ]
    return [clear for clear in clearers if callable(clear)]


def _refill(container: Any, content: Any) -> None:
    if container == content:
        return
    container.clear()
    if isinstance(container, list):
        container.extend(content)
    else:
        container.update(content)


def keep_templates() -> Callable[[], None]:
    """Compile every template once a process; returns the undo."""
    environment: Any = jinja2.Environment
    real = environment.compile
    made: dict[tuple[Any, ...], Any] = {}

    def compile_once(self: Any, source: Any, *arguments: Any, **options: Any) -> Any:
        key = (str(source), arguments, tuple(sorted(options.items())), self.autoescape)
        if key not in made:
            made[key] = real(self, source, *arguments, **options)
        return made[key]

    environment.compile = compile_once
    return lambda: setattr(environment, "compile", real)


def keep_clients() -> Callable[[], None]:
    """Make every service client once a process, cold starts or not; returns the undo.

    A client holds no state that a handler could see, and making one costs more than a point.
    """
    session: Any = botocore.session.Session
    real = session.create_client
    made: dict[str, Any] = {}

    def create_client(self: Any, service: str, *arguments: Any, **options: Any) -> Any:
        config = options.get("config")
        chosen = {name: value for name, value in options.items() if name != "config"}
        given = sorted(getattr(config, "_user_provided_options", {}).items())
        key = repr((service, arguments, sorted(chosen.items()), given))
        if key not in made:
            made[key] = real(self, service, *arguments, **options)
        return made[key]

    session.create_client = create_client
    return lambda: setattr(session, "create_client", real)
