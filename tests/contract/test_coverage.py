"""docs/coverage.md tells the truth: a closed row has a proof, a proof closes its row."""

import pytest

from tools.coverage_page import STATUSES, proofs, read_page

ROWS = 127


def test_every_item_of_the_mission_has_one_row() -> None:
    """The table names items 1 to 127, each once, each with a known status."""
    rows = read_page().rows
    assert sorted(row.number for row in rows) == list(range(1, ROWS + 1))
    assert {row.status for row in rows} <= set(STATUSES)


def test_a_closed_row_has_a_proof() -> None:
    """No row says working, templated or documented without a test or a page that names it."""
    proven = proofs()
    unproven = [
        row.number for row in read_page().rows if row.status != "open" and row.number not in proven
    ]
    assert unproven == []


def test_a_proof_names_a_row_that_exists() -> None:
    """No marker and no page refers to a row that the table does not have."""
    known = {row.number for row in read_page().rows}
    assert set(proofs()) <= known


def test_finished_waves_have_no_open_row() -> None:
    """Once a wave is declared finished at the top of the page, all of its rows are closed."""
    page = read_page()
    late = [
        row.number for row in page.rows if row.is_due(page.finished_waves) and row.status == "open"
    ]
    assert late == []


def test_open_rows_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody overlooks what is still open: every run says it."""
    rows = read_page().rows
    still_open = [str(row.number) for row in rows if row.status == "open"]
    proven = proofs()
    forgotten = [row.number for row in rows if row.status == "open" and row.number in proven]
    with capsys.disabled():
        print(f"\ncoverage: {len(rows) - len(still_open)} of {len(rows)} rows closed")
        print("  open:", " ".join(still_open) or "none")
        if forgotten:
            print("  proven somewhere, not yet closed in docs/coverage.md:", *forgotten)
    assert rows
