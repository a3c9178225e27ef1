"""Section 1.4: cursors are opaque, signed, bound to list, parameters and caller."""

import uuid
from typing import Any

import pytest

from local.shop import Shop
from tests.e2e.acceptance.conftest import Core, Stall, basket, ordered
from tests.e2e.acceptance.test_errors import paths_of, refused


def walk(caller: Shop, path: str, limit: int, **query: str) -> list[Any]:
    """Every item of a list, page by page."""
    items, cursor = [], None
    for _ in range(100):
        page = caller.get(path, limit=limit, **query, **({"cursor": cursor} if cursor else {}))
        assert set(page) == {"items", "next"}
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items
        assert page["items"]
    raise AssertionError("no end")


@pytest.fixture(scope="module")
def some_orders(nora: Shop, stall: Stall) -> None:
    """A few orders, whatever becomes of them."""
    for _ in range(3):
        ordered(nora, basket(stall.variant["id"], 1, "tok_decline"))


@pytest.mark.usefixtures("some_orders")
def test_walks(anybody: Shop, nora: Shop, admin: Shop) -> None:
    """No page loses or repeats anything."""
    whole = walk(anybody, "/products", 100, category="tea")
    assert walk(anybody, "/products", 1, category="tea") == whole
    created = [card["created_at"] for card in whole]
    assert created == sorted(created, reverse=True)
    mine = [card["id"] for card in walk(nora, "/orders", 2)]
    assert len(mine) == len(set(mine)) >= 3
    assert mine == [card["id"] for card in walk(nora, "/orders", 100)]
    staff = walk(admin, "/admin/users", 1, role="admin")
    assert len(staff) >= 1


@pytest.mark.usefixtures("some_orders")
def test_a_cursor_of_another_place(anybody: Shop, nora: Shop, omar: Shop, support: Shop) -> None:
    """Other list, other parameters, other caller, other text: 400 `invalid_cursor`."""
    shelf = anybody.get("/products", category="tea", limit=1)["next"]
    mine = nora.get("/orders", limit=1)["next"]
    assert shelf
    assert mine
    middle = len(mine) // 2
    swapped = "A" if mine[middle] != "A" else "B"
    foreign: list[tuple[Shop, str]] = [
        (anybody, f"/products?cursor={shelf}"),
        (anybody, f"/products?category=lamps&cursor={shelf}"),
        (omar, f"/orders?cursor={mine}"),
        (support, f"/admin/orders?status=PAID&cursor={mine}"),
        (nora, f"/orders?cursor={shelf}"),
        (nora, f"/orders?cursor={mine[:middle]}{swapped}{mine[middle + 1 :]}"),
        (nora, f"/orders?cursor={mine[:-1]}"),
        (nora, f"/orders?cursor={mine}x"),
        (nora, "/orders?cursor=abc"),
        (nora, "/orders?cursor=%F0%9F%8F%BA"),
        (nora, "/orders?cursor=."),
        (nora, "/orders?cursor=" + "A" * 2000),
    ]
    for caller, path in foreign:
        refused(caller.call("GET", path), 400, "invalid_cursor")
    assert anybody.call("GET", f"/products?category=tea&limit=3&cursor={shelf}").status == 200
    assert nora.call("GET", f"/orders?cursor={mine}").status == 200


@pytest.mark.parametrize(
    "limit", ["0", "-1", "101", "x", "1e1", "1.0", "1_0", "", "99999999999999999999"]
)
def test_limits(nora: Shop, support: Shop, anybody: Shop, limit: str) -> None:
    """One to a hundred, on every list."""
    for caller, path in (
        (nora, "/orders?"),
        (anybody, "/products?"),
        (nora, "/users/me/activity?"),
        (support, "/admin/orders?status=PAID&"),
        (anybody, "/sandbox/mailbox?to=a@souk.example&"),
    ):
        answer = caller.call("GET", f"{path}limit={limit}")
        refused(answer, 422, "validation_failed")
        assert list(paths_of(answer)) == ["query.limit"]


def test_short_lists_have_no_pages(nora: Shop, anybody: Shop) -> None:
    """Lists marked *all* take no page parameters and have no next page."""
    for caller, path in (
        (nora, "/users/me/addresses"),
        (nora, "/users/me/sessions"),
        (nora, "/users/me/devices"),
        (anybody, "/categories"),
    ):
        assert caller.get(path)["next"] is None
        for query in ("limit=5", "cursor=x"):
            refused(caller.call("GET", f"{path}?{query}"), 422, "validation_failed")


@pytest.mark.usefixtures("some_orders")
def test_cursor_tells_nothing(nora: Shop, core: Core) -> None:
    """Opaque, and of URL-safe characters only."""
    cursor = nora.get("/orders", limit=1)["next"]
    assert nora.user["id"] not in cursor
    assert all(char.isalnum() or char in "-_.~" for char in cursor)
    assert core.row(f"USER#{nora.user['id']}", "PROFILE")


def test_keys_are_bound_to_the_path(warehouse: Shop, stall: Stall) -> None:
    """One key for another route is another key."""
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"delta": 1, "reason": "receive"}
    path = f"/admin/stock/{stall.variant['id']}/adjust"
    first = warehouse.call("POST", path, body, key)
    assert first.status == 200
    unknown = f"/admin/stock/var_{'0' * 26}/adjust"
    refused(warehouse.call("POST", unknown, body, key), 404, "not_found")
    refused(warehouse.call("POST", path, body | {"delta": 2}, key), 422, "idempotency_mismatch")
    refused_first = {"Idempotency-Key": uuid.uuid4().hex}
    much = {"delta": -1000000, "reason": "count"}
    refused(warehouse.call("POST", path, much, refused_first), 409, "insufficient_stock")
    retried = warehouse.call("POST", path, body, refused_first)
    assert retried.status == 200
