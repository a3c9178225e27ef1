"""Mutants of real events, let loose on every function that events start."""

import json
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from chalicelib.kernel.domain_events import EVENT_TYPES
from tests.security.mutants.ground import Ground, ground, handlers, messages
from tests.security.mutants.kinds import envelope, event_of, is_harmless, is_read
from tests.security.mutants.mutations import mutants

DRAWS = {"test": 1, "nightly": 8}
# Function -> queue, receives until a message is parked, kinds it is meant to refuse.
CONSUMERS = {
    "order_signals": ("order-signals", 8),
    "notify_email": ("email", 5),
    "notify_sms": ("sms", 5),
    "notify_push": ("push", 5),
    "notify_live": ("live", 5),
}
AGAIN = {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
COUNTED = [0]
Json = Any


@pytest.fixture(scope="module")
def shop() -> Iterator[Ground]:
    """One shop for all mutants; its rows are put back before each."""
    with ground() as made:
        yield made
    print(f"\nevent mutants: {COUNTED[0]}")


@pytest.mark.parametrize("function", CONSUMERS)
@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_events_of_the_bus(
    function: str, kind: str, shop: Ground, seed: int, *, is_nightly: bool
) -> None:
    """A bus message of a wrong shape writes nothing, is tried again, then parked with its cause."""
    queue, receives_max = CONSUMERS[function]
    handler = handlers()[function]
    good = envelope(event_of(kind, shop.floor.known))
    neighbour = json.dumps(good)
    alone = shop.invoke(handler, messages(queue, neighbour))
    assert alone.answer == {"batchItemFailures": []}, alone
    draws = random.Random(f"{seed} {function} {kind}")
    for mutant in islice(mutants(good, draws, is_read), DRAWS["nightly" if is_nightly else "test"]):
        COUNTED[0] += 1
        body = json.dumps(mutant.event)
        seen = shop.invoke(handler, messages(queue, body))
        assert seen.error is None, (str(mutant), seen)
        if is_harmless(mutant):
            continue
        assert seen.answer == AGAIN, (str(mutant), seen)
        assert seen.writes == [], (str(mutant), seen)
        last = shop.invoke(handler, messages(queue, body, neighbour, received=receives_max))
        assert last.answer == {"batchItemFailures": []}, (str(mutant), last)
        (parked,) = last.parked
        assert parked["MessageBody"] == body
        assert parked["MessageAttributes"]["cause"]["StringValue"]
        assert len(last.writes) == len(alone.writes), (str(mutant), last)
