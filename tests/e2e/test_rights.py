"""The engine notes which rights the functions use while everything else runs."""

from local.grants import FILE, given, used
from local.instance import ROOT
from tests.e2e.conftest import RunningShop

USED_MIN = 20


def test_rights_in_use_are_noted(shop: RunningShop) -> None:
    """`python -m local grants` tells the rest; which it is depends on what was asked so far."""
    seen = set(used(shop.home / "state" / FILE))
    noted = seen & set(given(ROOT / ".chalice" / "policies"))
    assert len(noted) >= USED_MIN
