"""The counted tries of this slice (domain rule 1.7) and how they are counted.

Guess limits are never scaled and refuse when they cannot count; volume limits let pass.
Nobody can shut a victim out of the login: its guesses are counted by address and IP together.
"""

import hashlib
import logging
from types import MappingProxyType
from typing import Final

from chalicelib.aws.rates import RateLimiter, RateRule
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.errors import Unavailable
from chalicelib.users.ports import Limit

QUARTER_S: Final = 900
HOUR_S: Final = 3_600

REGISTER_PER_IP: Final = RateRule("register", 20, HOUR_S)
RESEND_PER_IP: Final = RateRule("resend", 20, HOUR_S)
FORGOT_PER_IP: Final = RateRule("forgot", 20, HOUR_S)

RULES: Final = MappingProxyType(
    {
        Limit.LOGIN: RateRule(Limit.LOGIN, 5, QUARTER_S, is_volume=False),
        Limit.LOGIN_ADDRESS: RateRule(Limit.LOGIN_ADDRESS, 50, QUARTER_S),
        # A stolen session must not become a way to guess the password.
        Limit.PASSWORD: RateRule(Limit.PASSWORD, 5, QUARTER_S, is_volume=False),
        Limit.MFA: RateRule(Limit.MFA, 5, QUARTER_S, is_volume=False),
        # Whoever knows the password could open challenge after challenge.
        Limit.CHALLENGES: RateRule(Limit.CHALLENGES, 30, HOUR_S, is_volume=False),
        Limit.REFRESH: RateRule(Limit.REFRESH, 60, HOUR_S),
        Limit.MAIL_REPEATED: RateRule(Limit.MAIL_REPEATED, 3, HOUR_S, is_volume=False),
        Limit.MAIL_VERIFY: RateRule(Limit.MAIL_VERIFY, 3, HOUR_S, is_volume=False),
        Limit.MAIL_RESET: RateRule(Limit.MAIL_RESET, 3, HOUR_S, is_volume=False),
    }
)

logger: Final = logging.getLogger(__name__)


class CountedLimits:
    """Implements `ports.Limits` on the counters of the core table."""

    def __init__(self, counters: RateLimiter, clock: Clock) -> None:
        self._counters = counters
        self._clock = clock

    def attempt(self, limit: Limit, *subject: str) -> None:
        """Count one try; RateLimited if it is one too many."""
        self._counters.count(RULES[limit], _hashed(subject), self._clock.now())

    def forgive(self, limit: Limit, *subject: str) -> None:
        """Take back a counted try that was right after all."""
        try:
            self._counters.forgive(RULES[limit], _hashed(subject), self._clock.now())
        except Unavailable:
            # The caller was right; at worst one try too many stays counted.
            logger.warning("try not taken back", extra={"rule": limit.value})

    def check(self, limit: Limit, *subject: str) -> None:
        """RateLimited if no try is left; counts nothing."""
        self._counters.check(RULES[limit], _hashed(subject), self._clock.now())


def _hashed(subject: tuple[str, ...]) -> str:
    return hashlib.sha256("\x00".join(subject).encode()).hexdigest()[:32]
