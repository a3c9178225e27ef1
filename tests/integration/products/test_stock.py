"""Stock through the front door: counted once per key, never below zero, every move told."""

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.aws.tables import core_table
from chalicelib.products import inventory
from chalicelib.products.inventory import Adjusted, StockMoved
from chalicelib.products.keys import stock_key
from chalicelib.products.ledger import Kind, Line, Reason, moves
from tests.callers import ANYBODY, Caller, signed_in
from tests.cloud import cloud

ORDER = Reason("ord_01J9000000000000000000000A", "order_stock", "2020-03-01T12:00:00.000Z")


@pytest.fixture
def variant_id() -> Iterator[str]:
    """A bowl of which ten are there."""
    with cloud():
        merchant = signed_in("merchant")
        merchant.post("/admin/categories", {"title": "Tea"})
        variant = {"sku": "TEA-1", "title": "Bowl", "price": 100, "initial_stock": 10}
        body = {"title": "Bowl", "category": "tea", "variants": [variant]}
        found: str = merchant.post("/admin/products", body).body["variants"][0]["id"]
        yield found


@pytest.fixture
def keeper(variant_id: str) -> Caller:
    """Warehouse staff, who may count stock."""
    assert variant_id
    return signed_in("warehouse")


def adjust(keeper: Caller, variant_id: str, body: object, key: str = "key-00001") -> Any:
    """POST an adjustment."""
    return keeper.post(f"/admin/stock/{variant_id}/adjust", body, Idempotency_Key=key)


def test_stock_is_for_those_who_keep_it(variant_id: str, keeper: Caller) -> None:
    """Anonymous 401, customers and support 403; unknown and malformed ids 404."""
    path = f"/admin/stock/{variant_id}"
    assert ANYBODY.get(path).status == 401
    assert signed_in("customer").get(path).status == 403
    assert adjust(signed_in("support"), variant_id, {"delta": 1, "reason": "count"}).status == 403
    assert keeper.get("/admin/stock/var_01J80000000000000000000000").status == 404
    assert keeper.get("/admin/stock/var_01J80000000000000000000000/movements").status == 404
    assert keeper.get("/admin/stock/bowl").status == 404
    assert sorted(keeper.get(path).body) == [
        "available",
        "location",
        "on_hand",
        "product_id",
        "reserved",
        "sku",
        "updated_at",
        "variant_id",
    ]


def test_adjustment_counts_once_per_key(variant_id: str, keeper: Caller) -> None:
    """The same key gives the first reply byte for byte; another body under it is refused."""
    body = {"delta": -3, "reason": "damage", "note": "broken"}
    first = adjust(keeper, variant_id, body)
    assert first.body["stock"]["on_hand"] == 7
    assert first.body["movement"]["on_hand_delta"] == -3
    assert (first.body["movement"]["actor"], first.body["movement"]["note"]) == (
        keeper.user_id,
        "broken",
    )
    again = adjust(keeper, variant_id, body)
    assert (again.body, again.headers["idempotency-replayed"]) == (first.body, "true")
    assert keeper.get(f"/admin/stock/{variant_id}").body["on_hand"] == 7
    other = adjust(keeper, variant_id, {"delta": -4, "reason": "damage"})
    assert (other.status, other.code) == (422, "idempotency_mismatch")
    missing = keeper.post(f"/admin/stock/{variant_id}/adjust", body)
    assert missing.code == "idempotency_key_missing"


def test_adjustment_tells_an_event_of_the_variant(variant_id: str, keeper: Caller) -> None:
    """StockAdjusted is written with the row's new version and waits for the relay."""
    movement = adjust(keeper, variant_id, {"delta": 5, "reason": "receive"}).body["movement"]
    event = core_table().get((stock_key(variant_id)[0], "EVT#00000001")) or {}
    assert (event["event_id"], event["type"]) == (f"{variant_id}#1", "StockAdjusted")
    assert event["data"]["movement_id"] == movement["ref"]
    assert event["gsi3pk"].startswith("DUE#OUTBOX#")


@pytest.mark.covers(8)
def test_adjustment_never_takes_what_is_promised(variant_id: str, keeper: Caller) -> None:
    """Reserved units cannot be written off, and a wrong expectation changes nothing."""
    core_table().transact(moves(Kind.RESERVE, [Line(variant_id, 4)], ORDER))
    refused = adjust(keeper, variant_id, {"delta": -7, "reason": "damage"})
    assert (refused.status, refused.code) == (409, "insufficient_stock")
    expected = {"delta": 1, "reason": "count", "expected_on_hand": 6}
    assert adjust(keeper, variant_id, expected).code == "stock_changed"
    right = {"delta": -6, "reason": "count", "expected_on_hand": 10}
    stock = adjust(keeper, variant_id, right).body["stock"]
    assert (stock["available"], stock["reserved"], stock["on_hand"]) == (0, 4, 4)


@pytest.mark.parametrize(
    "body",
    [
        {"delta": 0, "reason": "count"},
        {"delta": 1.0, "reason": "count"},
        {"delta": 1_000_001, "reason": "count"},
        {"delta": 1, "reason": "gift"},
        {"delta": 1, "reason": "count", "note": None},
        {"delta": 1, "reason": "count", "expected_on_hand": -1},
        {"reason": "count"},
    ],
)
def test_adjustment_fields_are_strict(variant_id: str, keeper: Caller, body: object) -> None:
    """Every field has its type and bounds."""
    assert adjust(keeper, variant_id, body).code == "validation_failed"


def test_movements_come_newest_cause_first(variant_id: str, keeper: Caller) -> None:
    """Orders' and staff's movements stand in one ledger that adds up to the stock."""
    core_table().transact(moves(Kind.RESERVE, [Line(variant_id, 4)], ORDER))
    core_table().transact(moves(Kind.COMMIT, [Line(variant_id, 4)], ORDER))
    adjust(keeper, variant_id, {"delta": 2, "reason": "receive"})
    path = f"/admin/stock/{variant_id}/movements"
    first = keeper.get(f"{path}?limit=2").body
    assert [move["reason"] for move in first["items"]] == ["receive", "receive"]
    assert first["items"][0]["on_hand_delta"] == 2
    rest = keeper.get(f"{path}?limit=2&cursor={first['next']}").body
    assert [move["kind"] for move in rest["items"]] == ["RESERVE", "COMMIT"]
    assert sum(move["on_hand_delta"] for move in first["items"] + rest["items"]) == 8


def test_two_adjustments_racing_both_count(
    variant_id: str, keeper: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that read first writes second: it reads again, and nothing is lost."""
    read = inventory.read_stock
    rivals = [{"delta": 5, "reason": "receive"}]

    def read_then_lose(wanted: str, deps: inventory.Deps) -> Any:
        stock = read(wanted, deps)
        if rivals:
            adjust(keeper, variant_id, rivals.pop(), key="key-rival")
        return stock

    monkeypatch.setattr(inventory, "read_stock", read_then_lose)
    stock = adjust(keeper, variant_id, {"delta": -1, "reason": "damage"}).body["stock"]
    assert stock["on_hand"] == 14


def test_row_that_never_rests_is_unavailable(variant_id: str, keeper: Caller) -> None:
    """After five tries the caller is told to come again, and nothing was written."""

    class Restless:
        def stock(self, _variant_id: str) -> Any:
            return inventory.read_stock(variant_id, real)

        def movements(self, *_: Any) -> Any:
            raise AssertionError

        def adjust(self, _before: Any, _after: Adjusted, *_: Any) -> None:
            raise StockMoved

    from chalicelib.products import routes, wiring

    real = wiring.stock_deps()
    restless = inventory.Deps(Restless(), real.ids)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(routes, "stock_deps", lambda: restless)
        answer = adjust(keeper, variant_id, {"delta": 1, "reason": "count"})
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
