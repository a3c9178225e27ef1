"""Import rule 4 of docs/architecture.md, as a contract type of import-linter."""

from dataclasses import dataclass
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

ROOT = "chalicelib"


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
            return source_file[0] not in self.gate_importers
        return target_file[0] in self.private_modules


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
