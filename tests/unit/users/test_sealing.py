"""Sealed fields open only unaltered, in their place, and with their key."""

import pytest

from chalicelib.aws.encryption import SealBroken, Sealer
from chalicelib.aws.secrets import KeyRing

RING = KeyRing("k1", {"k1": "x" * 64})
ROTATED = KeyRing("k2", {"k1": "x" * 64, "k2": "y" * 64}, previous="k1")


def test_an_altered_seal_does_not_open() -> None:
    """Any character changed, cut off or added."""
    sealer = Sealer(lambda: RING)
    sealed = sealer.seal(b"12 Canal Street", "USER#1/ADDR#1")
    assert sealer.open(sealed, "USER#1/ADDR#1") == b"12 Canal Street"
    altered = [
        sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        for place in range(len(sealed))
    ]
    for broken in [*altered, sealed[:-4], sealed + "AAAA", "", "s1..", "a.b.c.d"]:
        with pytest.raises(SealBroken):
            sealer.open(broken, "USER#1/ADDR#1")


def test_a_moved_seal_does_not_open() -> None:
    """The value of one row is worth nothing in another."""
    sealer = Sealer(lambda: RING)
    with pytest.raises(SealBroken):
        sealer.open(sealer.seal(b"secret", "USER#1/MFA"), "USER#2/MFA")


def test_old_seals_open_after_a_rotation_and_new_ones_are_asked_for() -> None:
    """An old ring meets a new version, asks anew and opens it; without asking it cannot."""
    old = Sealer(lambda: RING).seal(b"secret", "place")
    new = Sealer(lambda: ROTATED).seal(b"secret", "place")
    assert Sealer(lambda: ROTATED).open(old, "place") == b"secret"
    behind = Sealer(lambda: RING, fresh_ring=lambda: ROTATED)
    assert behind.open(new, "place") == b"secret"
    with pytest.raises(SealBroken):
        Sealer(lambda: RING).open(new, "place")
