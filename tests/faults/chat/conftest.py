"""One shop whose sockets answer, for every suite of this folder."""

from collections.abc import Iterator

import pytest

from tests.faults.use_cases import shop as shop_module
from tests.faults.use_cases.shop import Shop, open_shop
from tests.faults.use_cases.sockets import HALL

SOCKETS = {"SOUK_SOCKET_BASE_URL": "wss://sockets.example/v1"}


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """One world for all of them."""
    before = dict(shop_module.OWN_ENVIRONMENT)
    shop_module.OWN_ENVIRONMENT.update(SOCKETS)
    opened = open_shop()
    HALL.install(opened.world)
    opened.world.runtime.cold_start()
    shop_module.OWN_ENVIRONMENT.clear()
    shop_module.OWN_ENVIRONMENT.update(before)
    yield opened
    opened.world.stop()
