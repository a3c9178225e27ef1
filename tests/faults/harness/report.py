"""What came of a series of points: a table for people, JSON lines for machines, counters."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.harness.calls import Kind
from tests.faults.harness.clients import ClientModel
from tests.faults.harness.disturbances import DeliveryKind
from tests.faults.harness.points import Verdict


@dataclass(slots=True)
class Report:
    """Collects verdicts."""

    seed: int
    verdicts: list[Verdict] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    transitions: Counter[str] = field(default_factory=Counter)
    declared_states: frozenset[str] = frozenset()
    declared_transitions: frozenset[str] = frozenset()
    seconds: float = 0.0

    def add(self, verdict: Verdict) -> None:
        """One more point."""
        self.verdicts.append(verdict)

    @property
    def broken(self) -> list[Verdict]:
        """Everything that did not survive."""
        return [verdict for verdict in self.verdicts if not verdict.survived]

    def table(self) -> str:
        """One line for each failing point, one for each use case, the totals always."""
        lines = [f"{'use case':<26} {'client':<13} {'points':>6} {'mutating':>8} {'broken':>6}"]
        lines += [
            f"{use_case:<26} {client:<13} {len(rows):>6} {mutating:>8} {broken:>6}"
            for (use_case, client), rows, mutating, broken in self._by_use_case()
        ]
        if self.broken:
            lines.append("")
            lines.append(f"{'use case':<22} {'client':<11} {'call':<44} {'kind':<14} verdict")
        for verdict in self.broken:
            point = verdict.point
            lines.append(
                f"{point.use_case:<22} {point.client.value:<11} {point.call:<44} "
                f"{point.kind:<14} {_reason(verdict)}"
            )
            lines.append(
                f"    replay: pytest tests/faults --point {point.replay} --seed {self.seed}"
            )
        return "\n".join([*lines, "", *self.totals()])

    def totals(self) -> list[str]:
        """The counters that are printed whatever happens."""
        mutating = sum(v.point.is_mutating for v in self.verdicts)
        fired = sum(v.fired for v in self.verdicts)
        survived = sum(v.survived for v in self.verdicts)
        drift = sum(bool(v.drift) for v in self.verdicts)
        total = len(self.verdicts)
        kinds = {v.point.kind for v in self.verdicts}
        clients = {v.point.client for v in self.verdicts}
        pace = (
            f"   {self.seconds:.1f} s, {1000 * self.seconds / total:.0f} ms a point"
            if (total and self.seconds)
            else ""
        )
        head = f"points {total} (mutating {mutating}, others {total - mutating})   fired {fired}"
        lines = [
            f"{head}   survived {survived}   drift {drift}   broken {total - survived}{pace}",
            f"kinds {_share(kinds, {k.value for k in Kind})}",
            f"deliveries {_share(kinds, {k.value for k in DeliveryKind})}",
            f"clients {_share({c.value for c in clients}, {c.value for c in ClientModel})}",
        ]
        if self.declared_states:
            lines.append(f"states {_share(set(self.states), set(self.declared_states))}")
        if self.declared_transitions:
            reached = set(self.transitions)
            lines.append(f"transitions {_share(reached, set(self.declared_transitions))}")
        return lines

    def write_lines(self, path: Path) -> None:
        """The same rows as JSON lines."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            for verdict in self.verdicts:
                point = verdict.point
                row = {
                    "use_case": point.use_case,
                    "client": point.client.value,
                    "call": point.call,
                    "kind": point.kind,
                    "mutating": point.is_mutating,
                    "fired": verdict.fired,
                    "drift": verdict.drift,
                    "violations": verdict.violations,
                    "survived": verdict.survived,
                    "replay": point.replay,
                    "seed": self.seed,
                }
                file.write(json.dumps(row) + "\n")

    def _by_use_case(self) -> Iterable[tuple[tuple[str, str], list[Verdict], int, int]]:
        groups: dict[tuple[str, str], list[Verdict]] = {}
        for verdict in self.verdicts:
            key = (verdict.point.use_case, verdict.point.client.value)
            groups.setdefault(key, []).append(verdict)
        for key, rows in groups.items():
            mutating = sum(v.point.is_mutating for v in rows)
            yield key, rows, mutating, sum(not v.survived for v in rows)


def _reason(verdict: Verdict) -> str:
    if not verdict.fired:
        return "ERR  not fired"
    if verdict.drift:
        return f"ERR  drift: {verdict.drift}"
    return "FAIL " + "; ".join(verdict.violations[:3])


def _share(reached: set[str], declared: set[str]) -> str:
    missing = sorted(declared - reached)
    rest = f" (never: {', '.join(missing)})" if missing else ""
    return f"{len(declared & reached)}/{len(declared)}{rest}"
