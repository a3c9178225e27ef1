"""The rules of the house are themselves tested: the socket ban and import rule 4."""

import socket

import pytest

from tests.conftest import SocketUsed
from tools.import_contracts import Boundary

BOUNDARY = Boundary(
    shared_packages={"kernel", "aws", "edge"},
    private_modules={"store", "rules", "schemas", "wiring", "routes", "events", "steps"},
    gates={"users.authorizer"},
    gate_importers={"routes"},
)


def test_a_test_below_e2e_cannot_leave_its_process() -> None:
    """A forgotten fake fails at once instead of calling somebody."""
    with pytest.raises(SocketUsed):
        socket.create_connection(("127.0.0.1", 9))


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("chalicelib.orders.service", "chalicelib.products.store"),
        ("chalicelib.orders.routes", "chalicelib.products.schemas"),
        ("chalicelib.orders.service", "chalicelib.users.authorizer"),
        ("chalicelib.orders.store", "chalicelib.users.rules.roles"),
        ("chalicelib.users.me_routes", "chalicelib.orders.gateway_wiring"),
    ],
)
def test_reaching_into_a_foreign_slice_is_refused(importer: str, imported: str) -> None:
    """Another slice is reached through its service, the authorizer through routes."""
    assert BOUNDARY.is_crossed_by(importer, imported)


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("chalicelib.orders.service", "chalicelib.products.service"),
        ("chalicelib.orders.store", "chalicelib.orders.rules"),
        ("chalicelib.orders.routes", "chalicelib.users.authorizer"),
        ("chalicelib.orders.gateway_routes", "chalicelib.users.authorizer"),
        ("chalicelib.orders.store", "chalicelib.aws.table"),
        ("chalicelib.orders", "chalicelib.products"),
    ],
)
def test_the_open_ways_are_open(importer: str, imported: str) -> None:
    """A slice's own files, services, shared packages and the gate for routes are importable."""
    assert not BOUNDARY.is_crossed_by(importer, imported)
