"""Placing: merged lines, the server's prices, refusals by line, fresh numbers."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.kernel.errors import Invalid, Unavailable
from chalicelib.orders.placing import (
    Basket,
    NumberTaken,
    TotalChanged,
    Wanted,
    place_order,
)
from chalicelib.orders.records import OpenOrder
from tests.unit.orders.bench import ADDRESS, AMINA, VARIANT, Bench, once


def place(bench: Bench, *lines: tuple[str, int], **changed: Any) -> OpenOrder:
    """Amina orders these lines."""
    wanted = tuple(Wanted(variant, units) for variant, units in lines)
    basket = replace(Basket(wanted, ADDRESS, "tok_approve"), **changed)
    return place_order(basket, AMINA, once("key-00002"), bench.placing)


def test_lines_of_one_variant_become_one() -> None:
    """In the order in which they were first named, priced by the server."""
    bench = Bench()
    bench.catalogue.add("var_2", 100)
    order = place(bench, (VARIANT, 1), ("var_2", 3), (VARIANT, 2)).record.order
    assert [(line.variant_id, line.quantity, line.line_total) for line in order.lines] == [
        (VARIANT, 3, 10_200),
        ("var_2", 3, 300),
    ]
    assert (order.subtotal, order.shipping, order.total, order.units) == (10_500, 0, 10_500, 6)


def test_the_event_tells_what_was_ordered() -> None:
    """Prices and units by variant, no word about the customer but the id."""
    bench = Bench()
    event = bench.orders.events[0]
    assert event.event_id == f"{bench.order_id}#1"
    assert event.data == {
        "order_id": bench.order_id,
        "number": bench.order.number,
        "user_id": "usr_amina",
        "from": None,
        "to": "PLACED",
        "currency": "EUR",
        "total": 6800,
        "lines": [
            {"variant_id": VARIANT, "product_id": "prd_1", "quantity": 2, "unit_price": 3400}
        ],
    }


@pytest.mark.parametrize(
    ("lines", "path", "code"),
    [
        ([("var_none", 1)], "lines.0.variant_id", "not_sellable"),
        ([(VARIANT, 1), ("var_off", 1)], "lines.1.variant_id", "not_sellable"),
        ([("var_usd", 1)], "lines.0.variant_id", "not_sellable"),
        ([(VARIANT, 60), (VARIANT, 40)], "lines.0.quantity", "less_than_equal"),
    ],
)
def test_refusals_name_their_line(lines: list[tuple[str, int]], path: str, code: str) -> None:
    """The first wrong line is the first that is named."""
    bench = Bench()
    bench.catalogue.add("var_off", is_sellable=False)
    bench.catalogue.add("var_usd", currency="USD")
    with pytest.raises(Invalid) as refused:
        place(bench, *lines)
    assert (refused.value.fields[0].path, refused.value.fields[0].code) == (path, code)


def test_a_total_beyond_all_bounds_is_refused() -> None:
    """No amount leaves the range that records and gateways hold."""
    bench = Bench()
    names = [bench.catalogue.add(f"var_{number}", 99_999_999) for number in range(20)]
    with pytest.raises(Invalid):
        place(bench, *((name, 99) for name in names))


def test_another_total_is_refused() -> None:
    """What the customer saw is what the customer pays."""
    bench = Bench()
    with pytest.raises(TotalChanged):
        place(bench, (VARIANT, 2), expected_total=6799)
    assert place(bench, (VARIANT, 2), expected_total=6800).record.order.total == 6800


class FullBook:
    """Every number is taken, for a while."""

    def __init__(self, bench: Bench, refusals: int) -> None:
        self.bench, self.refusals = bench, refusals
        self.numbers: list[str] = []

    def place(self, order: Any, *others: Any) -> Any:
        """Refuse, or keep."""
        self.numbers.append(order.number)
        if len(self.numbers) <= self.refusals:
            raise NumberTaken
        return self.bench.orders.place(order, *others)


@pytest.mark.parametrize("refusals", [1, 4])
def test_a_taken_number_is_replaced(refusals: int) -> None:
    """Numbers are drawn until one is free."""
    bench = Bench()
    book = FullBook(bench, refusals)
    bench.placing = replace(bench.placing, placements=book)
    place(bench, (VARIANT, 1))
    assert len(set(book.numbers)) == refusals + 1


def test_numbers_are_not_drawn_for_ever() -> None:
    """Five tries, then the customer is asked to come again."""
    bench = Bench()
    bench.placing = replace(bench.placing, placements=FullBook(bench, 99))
    with pytest.raises(Unavailable):
        place(bench, (VARIANT, 1))


def test_without_a_provider_nothing_is_accepted() -> None:
    """Nobody could pay."""
    bench = Bench()
    bench.placing = replace(bench.placing, provider=None)
    with pytest.raises(Unavailable):
        place(bench, (VARIANT, 1))
