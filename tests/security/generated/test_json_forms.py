"""Forms of JSON at every door that reads it: 400 where it is none, 422 where it says nonsense."""

import base64
import json
import random
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from chalicelib.aws.secrets import secrets
from chalicelib.orders.signatures import signature
from tests.security.generated.floor import JSON_TYPE, Asked, Floor, rows
from tests.security.generated.json_forms import forms, is_well_formed
from tests.security.mutants import triggers
from tests.security.mutants.ground import Ground, ground, handlers, messages

COUNTS = {"test": 90, "nightly": 900}
# A body that no route accepts, so that whatever is well-formed is 422.
STRANGE = {"no_such_field": ["text \u00e9\U0001f9ff", 1, None, True], "other": {"a": "b"}}
DOORS = (("POST", "/users/login"), ("PATCH", "/users/me"), ("POST", "/admin/products"))
Json = Any


@pytest.fixture(scope="module")
def shop() -> Iterator[Ground]:
    """One shop for all forms."""
    with ground() as made:
        yield made


@pytest.fixture
def floor(shop: Ground) -> Floor:
    """Its floor, as it was."""
    shop.floor.restore()
    return shop.floor


@pytest.fixture
def drawn(request: pytest.FixtureRequest, seed: int, *, is_nightly: bool) -> list[bytes]:
    """The forms of this test."""
    draws = random.Random(f"{seed} {request.node.name}")
    count = COUNTS["nightly" if is_nightly else "test"]
    return [raw for raw in islice(forms(STRANGE, draws), count) if len(raw) <= 64 * 1024]


@pytest.mark.parametrize("door", DOORS, ids=" ".join)
def test_bodies(door: tuple[str, str], floor: Floor, drawn: list[bytes]) -> None:
    """What is not JSON is malformed_json, whatever it is instead; nothing is written."""
    before = rows()
    for raw in drawn:
        told = floor.send(Asked(*door, headers=JSON_TYPE, body=raw))
        right = (422, "validation_failed") if is_well_formed(raw) else (400, "malformed_json")
        assert (told.status, told.code) == right, raw[:300]
    assert rows() == before


def test_webhooks(shop: Ground, floor: Floor, drawn: list[bytes]) -> None:
    """A rightly signed body that is no JSON is refused or parked; it never stops the inbox."""
    secret = secrets().ring("webhook")
    for raw in drawn:
        sent_at = int(time.time())
        mac = signature(secret.versions[secret.current], sent_at, raw)
        headers = JSON_TYPE | {"souk-signature": f"t={sent_at},v1={mac}"}
        path = {"provider": "sandbox"}
        asked = Asked("POST", "/payments/webhooks/{provider}", path, headers=headers, body=raw)
        told = floor.send(asked)
        if not is_well_formed(raw):
            assert (told.status, told.code) == (400, "malformed_json"), raw[:300]
        assert told.status < 500, raw[:300]
        body = raw.decode(errors="replace")
        seen = shop.invoke(handlers()["payment_events"], messages("payments-inbox", body))
        assert (seen.error, seen.writes) == (None, []), raw[:300]


def test_frames(shop: Ground, drawn: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame gets one error with the word for what is wrong with it."""
    from chalicelib.chat import events

    sent: list[Json] = []

    def keep(_call: object, answer: Json) -> bool:
        sent.append(answer)
        return True

    monkeypatch.setattr(events, "reply_to", keep)
    monkeypatch.setattr(events, "admit_frame", lambda *_: None)
    for raw in drawn:
        sent.clear()
        body = raw.decode(errors="surrogatepass" if b"\xed" in raw else "replace")
        seen = shop.invoke(handlers()["websocket_message"], triggers.socket_event(body=body))
        assert seen.error is None, raw[:300]
        (answer,) = sent
        wellformed = is_well_formed(body.encode(errors="surrogatepass"))
        right = {"validation_failed"} if wellformed else {"malformed_json"}
        allowed = right if len(raw) <= 8 * 1024 else right | {"payload_too_large"}
        assert answer["error"]["code"] in allowed, (raw[:300], answer)


def test_queue_messages(shop: Ground, drawn: list[bytes]) -> None:
    """A message that is no event is tried again, then parked; nothing is written."""
    for raw in drawn:
        batch = messages("order-signals", raw.decode(errors="replace"))
        seen = shop.invoke(handlers()["order_signals"], batch)
        assert seen.error is None, raw[:300]
        assert len(seen.answer["batchItemFailures"]) == 1, raw[:300]
        assert seen.writes == [], raw[:300]


def test_cursors(floor: Floor, drawn: list[bytes]) -> None:
    """A cursor is ours or it is none, whatever it holds."""
    for raw in drawn:
        content = raw[:1_200]
        encoded = base64.urlsafe_b64encode(b"\x00" * 16 + content).decode().rstrip("=")
        for cursor in (encoded, content.decode(errors="replace") or "x"):
            told = floor.send(Asked("GET", "/orders", query=(("cursor", cursor[:2048]),)))
            assert (told.status, told.code) == (400, "invalid_cursor"), cursor


def test_a_cursor_is_written_in_one_way_only(floor: Floor) -> None:
    """Foreign characters between the letters of a right cursor make it another."""
    told = floor.send(Asked("GET", "/ops/events", query=(("limit", "1"),)))
    cursor = json.loads(told.text)["next"]
    assert cursor
    for altered in (f"!{cursor}", f"{cursor[:9]}\n{cursor[9:]}", f"{cursor}====", f"{cursor}A"):
        query = (("limit", "1"), ("cursor", altered))
        told = floor.send(Asked("GET", "/ops/events", query=query))
        assert (told.status, told.code) == (400, "invalid_cursor"), altered
