"""Counted tries: who is refused when counting itself fails, and a try taken back."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from chalicelib.aws.rates import RateLimiter, RateRule
from chalicelib.aws.table import Table
from chalicelib.aws.tables import core_table
from chalicelib.kernel.errors import RateLimited, Unavailable
from tests.cloud import cloud

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GUESS = RateRule("guess", 2, 900, is_volume=False)
VOLUME = RateRule("volume", 2, 900)


class Silent(Table):
    """A table that does not answer."""

    def __init__(self) -> None:
        super().__init__(None, "souk-test-core")

    def _call(self, operation: str, **_request: object) -> dict[str, object]:
        raise Unavailable(operation)


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with cloud():
        yield


def test_a_guess_limit_that_cannot_count_refuses() -> None:
    """Neither a count nor a check lets a guess pass uncounted."""
    limiter = RateLimiter(Silent())
    with pytest.raises(Unavailable):
        limiter.count(GUESS, "somebody", NOON)
    with pytest.raises(Unavailable):
        limiter.check(GUESS, "somebody", NOON)


def test_a_volume_limit_that_cannot_count_lets_pass() -> None:
    """A shop without its counters still sells."""
    limiter = RateLimiter(Silent())
    limiter.count(VOLUME, "somebody", NOON)
    limiter.check(VOLUME, "somebody", NOON)


def test_a_forgiven_try_may_be_used_again() -> None:
    """Two tries, one taken back: one more passes, and the next is refused."""
    limiter = RateLimiter(core_table())
    limiter.count(GUESS, "somebody", NOON)
    limiter.count(GUESS, "somebody", NOON)
    limiter.forgive(GUESS, "somebody", NOON)
    limiter.check(GUESS, "somebody", NOON)
    limiter.count(GUESS, "somebody", NOON)
    with pytest.raises(RateLimited) as refused:
        limiter.count(GUESS, "somebody", NOON)
    assert refused.value.retry_after_s == 900


def test_guess_limits_are_not_scaled() -> None:
    """A deployment that allows a hundred times the volume allows no more guesses."""
    limiter = RateLimiter(core_table(), scale=100)
    for _ in range(3):
        limiter.count(VOLUME, "somebody", NOON)
    limiter.count(GUESS, "somebody", NOON)
    limiter.count(GUESS, "somebody", NOON)
    with pytest.raises(RateLimited):
        limiter.count(GUESS, "somebody", NOON)
