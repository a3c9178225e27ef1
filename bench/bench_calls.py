"""B8: AWS calls and DynamoDB units of each use case, counted above the SDK on the whole shop.

The shop runs in one process (the world of tests/faults, without faults): REST, authorizer, stream,
bus, queues and workflows are real routing over an in-process AWS. Units follow the published sizes:
one write unit a KB, doubled inside a transaction; one read unit for 4 KB, halved when eventual.
Writes to indexes come on top and are not counted.
"""

import math
import os
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from bench.measure import Figure, report
from tests.faults.harness.clients import ClientModel, Request
from tests.faults.use_cases.journey import ADDRESS, Visit
from tests.faults.use_cases.shop import FRONT, Shop, open_shop

KB = 1024
READ_BLOCK = 4 * KB
WRITE_KINDS = ("Put", "Update", "Delete", "ConditionCheck")
PUSHES = "notify_live"
LIFE = "whole life of an order, 5 lines, paid"
Json = Any  # requests and items of many shapes


def size_of(value: Json) -> int:
    """Bytes of one attribute value, by the published rules."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content.strip("-").rstrip("0")) // 2 + 2
        case "B":
            return len(content)
        case "L":
            return 3 + sum(1 + size_of(one) for one in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + size_of(one) for name, one in content.items())
        case _:
            return 1


def item_size(item: Json) -> int:
    """Bytes of an item: names and values."""
    return sum(len(name.encode()) + size_of(value) for name, value in item.items())


@dataclass(slots=True)
class Meter:
    """Counts the calls of one use case by function, and the units of its table writes."""

    shop: Shop
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    in_request: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)

    @property
    def write_units(self) -> int:
        """Units of all functions."""
        return self.units.total()

    def __call__(self, _client: Json, call: Json, parameters: Json) -> None:
        """Note one call; the harness calls this before it is carried out."""
        self.calls[call.function, f"{call.service}:{call.operation}"] += 1
        if call.in_request and call.function == "api_handler":
            self.in_request[call.service] += 1
        if call.service == "dynamodb":
            self.units[call.function] += self._units(call.operation, parameters)

    def _units(self, operation: str, parameters: Json) -> int:
        match operation:
            case "TransactWriteItems":
                entries = [entry for one in parameters["TransactItems"] for entry in one.items()]
                return sum(2 * self._written(entry) for _, entry in entries)
            case "PutItem" | "UpdateItem" | "DeleteItem":
                return self._written(parameters)
            case _:
                return 0

    def _written(self, request: Json) -> int:
        if "Item" in request:
            return math.ceil(item_size(request["Item"]) / KB)
        key = {name: value["S"] for name, value in request["Key"].items()}
        rows = self.shop.world.substrate.rows(request["TableName"])
        held = next((row for row in rows if all(row[name] == key[name] for name in key)), None)
        return max(1, math.ceil(_plain_size(held) / KB)) if held else 1


def _plain_size(value: Json) -> int:
    """Bytes of a stored row in plain values; close enough to choose its KB."""
    match value:
        case dict():
            return 3 + sum(len(name) + 1 + _plain_size(one) for name, one in value.items())
        case list():
            return 3 + sum(1 + _plain_size(one) for one in value)
        case str():
            return len(value.encode())
        case _:
            return 3


UseCase = Callable[[Visit], None]


def _send(visit: Visit, request: Request) -> Json:
    reply = visit.session.send(request)
    assert reply.is_accepted, reply
    return reply.body


def stock_five(visit: Visit) -> list[str]:
    """Offer five products of one variant each."""
    made = []
    for place in range(1, 6):
        variant = {"sku": f"FIVE-{place}", "title": "One", "price": 1000, "initial_stock": 50}
        product = {"title": f"Five {place}", "category": "lamps", "variants": [variant]}
        found = _send(visit, Request("POST", "/admin/products", product, FRONT.staff))
        _send(visit, Request("POST", f"/admin/products/{found['id']}/publish", token=FRONT.staff))
        made.append(found["variants"][0]["id"])
    return made


def _order(visit: Visit, variants: list[str], token: str, key: str) -> str:
    lines = [{"variant_id": variant, "quantity": 1} for variant in variants]
    body = {"lines": lines, "shipping_address": ADDRESS, "payment_token": token}
    placed = _send(visit, Request("POST", "/orders", body, FRONT.customer, key))
    return str(placed["order"]["id"])


def use_cases(variants: list[str]) -> dict[str, UseCase]:
    """What is counted, by name."""

    def life(visit: Visit) -> None:
        _order(visit, variants, "tok_approve", "bench-life-1")
        visit.finish()

    def declined(visit: Visit) -> None:
        _order(visit, variants, "tok_decline", "bench-declined-1")
        visit.finish()

    def cancelled(visit: Visit) -> None:
        order_id = _order(visit, variants, "tok_approve", "bench-cancel-1")
        visit.finish()
        visit.cancel(order_id)
        visit.finish()

    return {
        "read a product list": lambda visit: _send(
            visit, Request("GET", "/products?category=lamps")
        ),
        "read the category list": lambda visit: _send(visit, Request("GET", "/categories")),
        "read one's orders": lambda visit: _send(
            visit, Request("GET", "/orders", token=FRONT.customer)
        ),
        LIFE: life,
        "whole life, declined": declined,
        "whole life, paid and cancelled": cancelled,
    }


def counted(shop: Shop, use_case: UseCase) -> Meter:
    """Play one use case from the base state under a meter."""
    assert shop.runner.base is not None
    shop.world.begin(shop.runner.base)
    meter = Meter(shop)
    shop.world.injector.observers.append(meter)
    try:
        use_case(Visit(FRONT.session(shop.world, ClientModel.RETRIES)))
    finally:
        shop.world.injector.observers.remove(meter)
    return meter


def order_transactions(meter: Meter) -> int:
    """Transactions of API and steps; one of order_payment's is the sandbox gateway's own ledger."""
    mine = ("api_handler", "order_stock", "order_status", "order_payment")
    made = sum(meter.calls[function, "dynamodb:TransactWriteItems"] for function in mine)
    return made - 1


def life_figures(meter: Meter) -> list[Figure]:
    """The gates: what the domain's rules need and not one call more."""
    request = meter.in_request["dynamodb"]
    order_units = meter.write_units - meter.units[PUSHES]
    return [
        Figure("B8", "place order, table calls in the request", request, 5, "calls"),
        Figure(
            "B8", "whole life, transactions of API and steps", order_transactions(meter), 5, "calls"
        ),
        Figure("B8", "whole life, write units but for pushes", order_units, 110, "units"),
        Figure("B8", "whole life, write units of pushes", meter.units[PUSHES], 54, "units"),
        *(
            Figure("B8", f"whole life, units of {function}", units, None, "units")
            for function, units in meter.units.most_common()
            if units
        ),
    ]


def metered(report_lines: list[str]) -> list[Figure]:
    """Open the shop, play every use case, close it; lines tell the calls by function."""
    shop = open_shop()
    variants = stock_five(Visit(FRONT.session(shop.world, ClientModel.RETRIES)))
    shop.world.drain()
    shop.runner.base = shop.world.snapshot()
    figures = []
    for name, use_case in use_cases(variants).items():
        meter = counted(shop, use_case)
        calls = sum(meter.calls.values())
        figures.append(Figure("B8", f"{name}, AWS calls", calls, None, "calls"))
        if name == LIFE:
            figures += life_figures(meter)
            report_lines += [
                f"       {function:<16} {call:<32} {count:>3}"
                for (function, call), count in sorted(meter.calls.items())
            ]
    shop.world.stop()
    return figures


def main() -> int:
    """Count every use case; gate the life of an order."""
    lines: list[str] = []
    # Metrics are lines on standard output; here only the figures are wanted.
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):  # noqa: PTH123
        figures = metered(lines)
    print("\n".join([f"calls of {LIFE}", *lines]))
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
