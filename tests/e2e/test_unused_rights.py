"""After everything else has run: no function has a right that nothing used.

`conftest.py` puts it last. It speaks of whole runs of the tier only.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pytest

from local.grants import FILE, Grant, unused
from local.instance import ROOT
from tests.e2e.conftest import RunningShop

NOT_HERE: Final[Mapping[Grant, str]] = MappingProxyType({})


@pytest.mark.covers(82)
def test_every_right_is_used_or_has_its_reason(
    shop: RunningShop, request: pytest.FixtureRequest
) -> None:
    """A right without use is one for an attacker alone; a reason that no longer holds goes too."""
    ran = {item.path for item in request.session.items}
    if missing := set((ROOT / "tests" / "e2e").rglob("test_*.py")) - ran:
        pytest.skip(f"{len(missing)} files of the tier were left out")
    left = set(unused(ROOT / ".chalice" / "policies", shop.home / "state" / FILE))
    assert sorted(left - NOT_HERE.keys()) == []
    assert sorted(NOT_HERE.keys() - left) == []
