"""What a stranger could learn by the clock: known and unknown addresses take as long.

The calls to AWS of both are counted and equal (tests/security/test_enumeration.py); here the
rest of the work is timed, over a store in memory and with the real hash.
"""

import random
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from bench.measure import Figure, report
from chalicelib.kernel.domain_events import Actor
from chalicelib.users import service, sessions
from chalicelib.users.hashing import PepperedPasswords
from chalicelib.users.rules import Origin
from chalicelib.users.schemas import Login, Registration
from tests.fakes.users import PlainPasswords, World

TRIES = 200
PASSWORD = "a perfectly wrong phrase"


def cpu_ms(work: Callable[[], object]) -> float:
    """CPU of one request; other programs on the machine do not count."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


class Shop:
    """Use cases over a store in memory with the real hash: what is timed is their own work."""

    def __init__(self) -> None:
        world = World()
        peppered = PepperedPasswords(lambda: b"p" * 32)
        self.deps = replace(world.deps(), passwords=peppered)
        self.known = [f"known-{number}@souk.example" for number in range(TRIES)]
        origin = Origin(Actor("system", "bench"), "bench-000")
        password_hash = peppered.hashed("a perfectly fine phrase")
        for email in self.known:
            asked = Registration(email=email, password=PASSWORD, name="Somebody")
            cheap = replace(world.deps(), passwords=_Ready(password_hash))
            service.register(asked, origin, cheap)

    def login(self, email: str) -> None:
        """A login that fails."""
        with suppress(sessions.InvalidCredentials):
            sessions.login(Login(email=email, password=PASSWORD), an_origin(), self.deps)

    def register(self, email: str) -> None:
        """A registration."""
        asked = Registration(email=email, password=PASSWORD, name="Somebody")
        service.register(asked, an_origin(), self.deps)


class _Ready(PlainPasswords):
    """Hands out one hash made before."""

    def __init__(self, password_hash: str) -> None:
        super().__init__()
        self._hash = password_hash

    def hashed(self, password: str) -> str:  # noqa: ARG002 - the port's signature
        return self._hash


def an_origin() -> Origin:
    """Somebody from somewhere."""
    return Origin(Actor("system", "bench"), "bench-000", f"192.0.2.{random.randrange(256)}")


def difference_percent(name: str) -> float:
    """How far the medians of known and unknown addresses are apart, over 200 tries each."""
    shop = Shop()
    ask = getattr(shop, name)
    taken: dict[str, list[float]] = {"known": [], "unknown": []}
    for known in shop.known:
        pair = {"known": known, "unknown": known.replace("known", "other")}
        for kind in random.sample(list(pair), 2):
            taken[kind].append(cpu_ms(partial(ask, pair[kind])))
    medians = [statistics.median(values) for values in taken.values()]
    return abs(medians[0] - medians[1]) / min(medians) * 100


def main() -> int:
    """Print every figure; 1 if one is over its budget."""
    apart = [
        Figure("ID1", f"{name}: known and unknown apart", difference_percent(name), 5, "%")
        for name in ("login", "register")
    ]
    return report(apart)


if __name__ == "__main__":
    raise SystemExit(main())
