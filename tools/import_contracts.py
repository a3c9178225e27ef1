"""Import rules 3 and 4 of docs/architecture.md, as contract types of import-linter."""

from dataclasses import dataclass
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

ROOT = "chalicelib"
SLICE_AND_FILE = 2


def is_kind(file: str, kinds: set[str]) -> bool:
    """Tell whether a file is of one of these kinds: store, store_sweeping, gateway_routes."""
    return any(
        file == kind or file.startswith(f"{kind}_") or file.endswith(f"_{kind}") for kind in kinds
    )


@dataclass(frozen=True, slots=True)
class Boundary:
    """What the contract's options say, in plain sets."""

    shared_packages: set[str]
    private_modules: set[str]
    gates: set[str]
    gate_importers: set[str]

    def is_crossed_by(self, importer: str, imported: str) -> bool:
        """Tell whether `importer` reaches into a slice that is not its own."""
        _, source_slice, *source_file = [*importer.split("."), ""]
        _, target_slice, *target_file = [*imported.split("."), ""]
        if source_slice == target_slice or target_slice in self.shared_packages:
            return False
        if f"{target_slice}.{target_file[0]}" in self.gates:
            return not is_kind(source_file[0], self.gate_importers)
        return is_kind(target_file[0], self.private_modules)


class PureBusiness(Contract):
    """In a slice, whatever is no trigger, wiring, store or named adapter never reaches AWS."""

    shared_packages = fields.SetField(subfield=fields.StringField())
    adapter_kinds = fields.SetField(subfield=fields.StringField())
    adapters = fields.SetField(subfield=fields.StringField())
    forbidden_modules = fields.SetField(subfield=fields.StringField())

    def _is_business(self, module: str) -> bool:
        _, *inside = module.split(".")
        if len(inside) != SLICE_AND_FILE or inside[0] in cast("set[str]", self.shared_packages):
            return False
        is_adapter = ".".join(inside) in cast("set[str]", self.adapters)
        return not is_adapter and not is_kind(inside[1], cast("set[str]", self.adapter_kinds))

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001, ARG002 - its port
        """Follow every chain of imports from business code."""
        forbidden = sorted(cast("set[str]", self.forbidden_modules) & graph.modules)
        broken = [
            chain
            for module in sorted(filter(self._is_business, graph.modules))
            for target in forbidden
            if (chain := self._chain(graph, module, target))
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def _chain(self, graph: ImportGraph, module: str, target: str) -> tuple[str, ...] | None:
        inside = {target} | graph.find_descendants(target) if target.startswith(ROOT) else {target}
        chains = (graph.find_shortest_chain(module, one) for one in sorted(inside))
        return next((chain for chain in chains if chain), None)

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Show each chain."""
        for chain in check.metadata["broken"]:
            output.print_error(f"- {' -> '.join(chain)}", bold=False)


class SlicePrivacy(Contract):
    """Store, rules, schemas, wiring and triggers of a slice are importable from that slice only."""

    shared_packages = fields.SetField(subfield=fields.StringField())
    private_modules = fields.SetField(subfield=fields.StringField())
    gates = fields.SetField(subfield=fields.StringField())
    gate_importers = fields.SetField(subfield=fields.StringField())

    def _boundary(self) -> Boundary:
        return Boundary(
            *(
                cast("set[str]", option)
                for option in (
                    self.shared_packages,
                    self.private_modules,
                    self.gates,
                    self.gate_importers,
                )
            )
        )

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001, ARG002 - its port
        """Look at every direct import between two modules of the application."""
        boundary = self._boundary()
        broken = sorted(
            (importer, imported)
            for importer in graph.modules
            if importer.startswith(f"{ROOT}.")
            for imported in graph.find_modules_directly_imported_by(importer)
            if imported.startswith(f"{ROOT}.") and boundary.is_crossed_by(importer, imported)
        )
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each offending import."""
        for importer, imported in check.metadata["broken"]:
            output.print_error(f"- {importer} may not import {imported}", bold=False)
