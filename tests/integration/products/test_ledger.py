"""The ledger's writes against a real table: floors hold and a cause moves stock once."""

from collections.abc import Iterator

import pytest

from chalicelib.aws.table import ConditionFailed
from chalicelib.aws.tables import core_table
from chalicelib.aws.writes import Put
from chalicelib.products.front import sales
from chalicelib.products.keys import movement_key, stock_key, variant_key
from chalicelib.products.ledger import Kind, Line, Reason, moves, short_of
from tests.cloud import cloud

BOWL = "var_01J8000000000000000000000A"
VASE = "var_01J8000000000000000000000B"
ORDER = Reason("ord_01J9000000000000000000000A", "order_stock", "2026-03-01T12:00:00.000Z")


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    """Five bowls and one vase."""
    with cloud():
        for variant_id, available in ((BOWL, 5), (VASE, 1)):
            pk, sk = stock_key(variant_id)
            counts = {"available": available, "reserved": 0, "on_hand": available, "version": 0}
            names = {"variant_id": variant_id, "product_id": "prd_1", "sku": "A"}
            core_table().write(Put({"pk": pk, "sk": sk, **names, **counts}))
        yield


def counts(variant_id: str) -> tuple[int, int, int]:
    """Available, reserved and on hand."""
    row = core_table().get(stock_key(variant_id)) or {}
    return row["available"], row["reserved"], row["on_hand"]


@pytest.mark.covers(8)
def test_each_kind_moves_what_it_says() -> None:
    """Reserve, release, reserve again, commit and return add up, line by line."""
    core_table().transact(moves(Kind.RESERVE, [Line(BOWL, 2), Line(VASE, 1)], ORDER))
    assert (counts(BOWL), counts(VASE)) == ((3, 2, 5), (0, 1, 1))
    core_table().transact(moves(Kind.RELEASE, [Line(VASE, 1)], ORDER))
    assert counts(VASE) == (1, 0, 1)
    core_table().transact(moves(Kind.COMMIT, [Line(BOWL, 2)], ORDER))
    assert counts(BOWL) == (3, 0, 3)
    core_table().transact(moves(Kind.RETURN, [Line(BOWL, 2)], ORDER))
    assert counts(BOWL) == (5, 0, 5)
    moved = core_table().get(movement_key(BOWL, ORDER.ref, "COMMIT")) or {}
    assert moved["on_hand_delta"] == -2
    assert (moved["kind"], moved["actor"]) == ("COMMIT", "order_stock")


def test_too_few_names_the_variants_that_are_short() -> None:
    """Nothing moves, and the failed labels tell which variants were short."""
    with pytest.raises(ConditionFailed) as failed:
        core_table().transact(moves(Kind.RESERVE, [Line(BOWL, 5), Line(VASE, 2)], ORDER))
    assert short_of(failed.value.labels) == [VASE]
    assert counts(BOWL) == (5, 0, 5)


def test_a_cause_moves_a_variant_once_a_kind() -> None:
    """The second reservation for one order fails on its movement and not as a shortage."""
    core_table().transact(moves(Kind.RESERVE, [Line(BOWL, 2)], ORDER))
    with pytest.raises(ConditionFailed) as failed:
        core_table().transact(moves(Kind.RESERVE, [Line(BOWL, 1)], ORDER))
    assert short_of(failed.value.labels) == []
    assert counts(BOWL) == (3, 2, 5)


def test_sales_tell_prices_and_what_is_left() -> None:
    """Unknown variants are left out; inactive ones and drafts are not sellable."""
    pk, sk = variant_key(BOWL)
    row = {
        "variant_id": BOWL,
        "product_id": "prd_1",
        "sku": "BOWL-1",
        "title": "Tea bowl",
        "variant_title": "Blue",
        "price": 2650,
        "currency": "EUR",
        "active": True,
        "product_status": "DRAFT",
    }
    core_table().write(Put({"pk": pk, "sk": sk, **row}))
    found = sales().sellable([BOWL, VASE])
    assert list(found) == [BOWL]
    assert (found[BOWL].unit_price, found[BOWL].is_sellable) == (2650, False)
    shelves = sales().availability_of([BOWL, VASE])
    assert (shelves[BOWL].availability, shelves[VASE].availability) == ("low", "low")
