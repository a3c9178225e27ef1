"""Options of the fault suites, and their reports at the end of the run."""

from pathlib import Path

import pytest

from tests.faults.harness.campaign import Stage
from tests.faults.harness.points import PointRunner
from tests.faults.harness.reached import Reached
from tests.faults.use_cases.catalogue import USE_CASES
from tests.faults.use_cases.shop import open_shop

LINES = Path(__file__).parents[2] / "dist" / "faults"
REPORTS: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a failing point be run again alone."""
    group = parser.getgroup("faults")
    group.addoption("--point", default=None, help="run one point: use_case:client:call:kind")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --point only that point runs, without it every suite but that."""
    asked = config.getoption("--point", default=None) is not None
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    left_out = [item for item in ours if (item.name == "test_asked_point") is not asked]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def open_stage() -> Stage:
    """A shop of its own for one process."""
    shop = open_shop()
    reached = Reached()
    runner: PointRunner = shop.runner
    runner.checkers = (*runner.checkers, reached.look)
    return Stage(runner, USE_CASES, reached, shop.world.stop)


def publish(name: str, text: str) -> None:
    """Show a report at the end of the run."""
    REPORTS.append(f"{name}\n{text}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables, whatever was captured."""
    for text in REPORTS:
        terminalreporter.write_line("")
        terminalreporter.write_line(text)
