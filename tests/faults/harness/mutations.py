"""Source patches applied in memory while handlers are imported: planted bugs and wrapped ports."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from types import CodeType, ModuleType


@dataclass(frozen=True, slots=True)
class PlantedBug:
    """One deliberate mistake: in `module`, `old` becomes `new`."""

    name: str
    module: str
    old: str
    new: str
    use_cases: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    races: tuple[str, ...] = ()
    also: tuple[tuple[str, str, str], ...] = ()

    def edits(self, module: str) -> list[tuple[str, str]]:
        """(old, new) of this module; where two guards protect one fact, both must go."""
        every = ((self.module, self.old, self.new), *self.also)
        return [(old, new) for name, old, new in every if name == module]


class StalePlantedBug(Exception):
    """The text to be replaced is no longer in the module: the planted bug needs rewriting."""


class _PatchingLoader(importlib.machinery.SourceFileLoader):
    """Compiles a module from its patched text and lets hooks see it once it is loaded."""

    bugs: tuple[PlantedBug, ...] = ()
    hooks: tuple[Callable[[ModuleType], None], ...] = ()

    def get_code(self, fullname: str) -> CodeType | None:
        if not self.bugs:
            return super().get_code(fullname)
        path = self.get_filename(fullname)
        text = self.get_data(path).decode()
        for bug in self.bugs:
            for old, new in bug.edits(fullname):
                if text.count(old) != 1:
                    raise StalePlantedBug(f"{bug.name}: found {text.count(old)} times in {path}")
                text = text.replace(old, new)
        return compile(text, path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        for hook in self.hooks:
            hook(module)


class Mutations(MetaPathFinder):
    """The set of patches in force; a change takes effect with the next cold start."""

    def __init__(self) -> None:
        self.bugs: tuple[PlantedBug, ...] = ()
        self._hooks: dict[str, list[Callable[[ModuleType], None]]] = {}

    def after_import(self, module: str, hook: Callable[[ModuleType], None]) -> None:
        """Run `hook` on the module each time it is imported anew."""
        self._hooks.setdefault(module, []).append(hook)

    def install(self) -> None:
        """Patch whatever is imported from now on."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def uninstall(self) -> None:
        """Leave later imports alone."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module's own spec, with a loader that patches it."""
        bugs = tuple(bug for bug in self.bugs if bug.edits(fullname))
        hooks = tuple(self._hooks.get(fullname, ()))
        if not bugs and not hooks:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            return None
        loader = _PatchingLoader(fullname, spec.origin)
        loader.bugs, loader.hooks = bugs, hooks
        return importlib.util.spec_from_file_location(
            fullname,
            spec.origin,
            loader=loader,
            submodule_search_locations=spec.submodule_search_locations,
        )
