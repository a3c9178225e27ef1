"""What holds for every product and every history of a stock row."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.aws.items import from_item, to_item
from chalicelib.aws.table import ConditionFailed
from chalicelib.aws.tables import core_table
from chalicelib.aws.writes import Put
from chalicelib.products.keys import stock_key
from chalicelib.products.ledger import Kind, Line, Reason, moves
from chalicelib.products.rows import (
    category_item,
    category_of,
    movement_item,
    movement_of,
    product_item,
    product_of,
    stock_item,
    stock_of,
)
from chalicelib.products.rules import Category, Hanging, Product, ProductStatus, Variant, slug_of
from chalicelib.products.stock import Movement, Stock
from tests.cloud import cloud

words = st.text(min_size=1, max_size=20)
counts = st.integers(0, 10**9)
variants = st.builds(
    Variant,
    id=words,
    product_id=words,
    sku=words,
    title=words,
    options=st.dictionaries(words, words, max_size=5),
    price=st.integers(1, 99_999_999),
    currency=st.just("EUR"),
    active=st.booleans(),
)
hangings = st.builds(Hanging, media_id=words, alt=st.text(max_size=9), position=st.integers(0, 99))
products = st.builds(
    Product,
    status=st.sampled_from(ProductStatus),
    attributes=st.dictionaries(words, words, max_size=5),
    media=st.lists(hangings, max_size=3).map(tuple),
    variants=st.lists(variants, min_size=1, max_size=3).map(tuple),
    version=counts,
)
steps = st.lists(st.tuples(st.sampled_from(Kind), st.integers(1, 5)), max_size=12)


@given(products)
def test_product_survives_its_row(product: Product) -> None:
    """Entity to item to entity changes nothing."""
    assert product_of(from_item(to_item(product_item(product)))) == product


@given(
    st.builds(Category, position=st.integers(0, 9999), version=counts),
    st.builds(Stock, available=counts, reserved=counts, on_hand=counts, version=counts),
    st.builds(Movement, reason=st.none() | words, note=st.none() | words),
)
def test_smaller_records_survive_their_rows(
    category: Category, stock: Stock, movement: Movement
) -> None:
    """Entity to item to entity changes nothing."""
    assert category_of(from_item(to_item(category_item(category)))) == category
    assert stock_of(from_item(to_item(stock_item(stock)))) == stock
    assert movement_of(from_item(to_item(movement_item("var_1", movement)))) == movement


@given(st.text(max_size=200))
def test_slug_is_a_slug_or_empty(title: str) -> None:
    """Whatever the title, the slug keeps its form and length."""
    slug = slug_of(title)
    assert len(slug) <= 80
    assert slug == "-".join(word for word in slug.split("-") if word.isalnum())


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, min_size=1, max_size=2))
def test_stock_is_conserved(histories: Sequence[Sequence[tuple[Kind, int]]]) -> None:
    """No history of orders makes a count negative, and the ledger always adds up to the row."""
    variant_id, opening = "var_1", 6
    with cloud():
        row = Stock(variant_id, "prd_1", "V-1", "main", opening, 0, opening, 0, "t0")
        core_table().write(Put(stock_item(row)))
        moved = {"available": opening, "reserved": 0, "on_hand": opening}
        for number, history in enumerate(histories):
            for turn, (kind, units) in enumerate(history):
                reason = Reason(f"ord_{number:013d}{turn:013d}", "order_stock", "t1")
                writes = moves(kind, [Line(variant_id, units)], reason)
                try:
                    core_table().transact(writes)
                except ConditionFailed:
                    continue
                movement = next(write for write in writes if isinstance(write, Put)).item
                for name in moved:
                    moved[name] += movement[f"{name}_delta"]
        stock = stock_of(core_table().get(stock_key(variant_id)) or {})
    assert stock.available + stock.reserved == stock.on_hand
    assert min(stock.available, stock.reserved, stock.on_hand) >= 0
    assert moved == {
        "available": stock.available,
        "reserved": stock.reserved,
        "on_hand": stock.on_hand,
    }


def test_a_movement_is_told_once() -> None:
    """The key of a movement holds its cause and kind, so that repeating it collides."""
    reason = Reason("ord_01J9000000000000000000000A", "order_stock", "t1")
    first = moves(Kind.RESERVE, [Line("var_1", 1)], reason)[1]
    other = moves(Kind.RELEASE, [Line("var_1", 1)], reason)[1]
    assert isinstance(first, Put)
    assert isinstance(other, Put)
    assert first.key == ("STOCK#var_1", "MOV#01J9000000000000000000000A#RESERVE")
    assert first.key[1] < "MOV#01J9000000000000000000000B"
    assert other.key != first.key
