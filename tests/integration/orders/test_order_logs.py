"""What an order leaves in the logs: lines a person can follow, figures a dashboard can add up."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import pytest

from chalicelib.aws import observability
from tests.integration.orders.shop import Shop, a_shop

STEPS = ["load", "reserve", "begin_payment", "charge", "confirm"]
ALWAYS = {"level", "message", "at", "function", "stage", "logger", "request_id", "correlation_id"}


class Lines(io.StringIO):
    """What functions write, as CloudWatch would catch it."""

    def since(self) -> list[dict[str, Any]]:
        """Every line since the last look; each is one JSON object."""
        found = [json.loads(line) for line in self.getvalue().splitlines()]
        self.seek(0)
        self.truncate()
        return found


@contextmanager
def caught() -> Iterator[Lines]:
    """Log lines and metrics together."""
    stream = Lines()
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    root.handlers[:] = []
    observability.configure_logging(stream)
    root.setLevel(logging.INFO)
    with redirect_stdout(stream):
        yield stream
    root.handlers[:], root.level = kept, level


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A fresh shop."""
    with a_shop() as opened:
        yield opened


def metrics(written: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The embedded metrics among the lines, by name; each names its value and dimensions."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in written:
        for described in line.get("_aws", {}).get("CloudWatchMetrics", []):
            assert described["Namespace"] == "Souk"
            assert set(described["Dimensions"][0]) <= line.keys()
            found.setdefault(described["Metrics"][0]["Name"], []).append(line)
    return found


@pytest.mark.covers(93)
def test_every_line_says_where_it_belongs(shop: Shop) -> None:
    """Each names function, request and correlation; those about an order name the order."""
    tagine = shop.a_variant(stock=10)
    with caught() as lines:
        order_id = shop.order(tagine)
        told = [line for line in lines.since() if "_aws" not in line]
        assert [line for line in told if not line.keys() >= ALWAYS] == []
        placed = next(line for line in told if line["message"] == "request")
        assert (placed["route"], placed["status"]) == ("/orders", 202)
        assert placed["order_id"] == order_id
        assert placed["user_id"].startswith("usr_")
        shop.settle()
        steps = [line for line in lines.since() if line.get("message") == "step"]
    assert [line["step"] for line in steps] == STEPS
    assert {line["order_id"] for line in steps} == {order_id}
    assert {line["correlation_id"] for line in steps} == {placed["correlation_id"]}


@pytest.mark.covers(94)
def test_figures_of_the_shop_are_counted(shop: Shop) -> None:
    """Placed, paid, failed with its reason, outcomes of payments: each once for each order."""
    tagine = shop.a_variant(stock=10)
    with caught() as lines:
        shop.order(tagine)
        shop.order(tagine, "tok_decline_card")
        shop.settle()
        counted = metrics(lines.since())
    assert len(counted["OrdersPlaced"]) == 2
    assert len(counted["OrdersPaid"]) == 1
    assert [line["reason"] for line in counted["OrdersFailed"]] == ["payment_declined"]
    outcomes = sorted(line["outcome"] for line in counted["PaymentOutcomes"])
    assert outcomes == ["captured", "declined"]
