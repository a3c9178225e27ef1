"""Mutants for the functions that no bus message starts: steps, streams, buckets, sockets, clocks.

Together with `test_event_mutants` every function of the live app but the REST one has its row.
"""

import json
import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest

from chalicelib.aws import rotation
from chalicelib.aws.secrets import secrets
from tests.security.actors import signed
from tests.security.mutants import triggers
from tests.security.mutants.ground import Ground, Seen, ground, handlers, messages
from tests.security.mutants.mutations import Mutant, Path, mutants
from tests.security.test_event_mutants import CONSUMERS

DRAWS = {"test": 10, "nightly": 120}
STEPS = ("order_stock", "order_status", "order_payment", "media_steps")
ROWS = {
    *CONSUMERS,
    *STEPS,
    "payment_events",
    "ops_worker",
    "outbox_relay",
    "chat_fanout",
    "media_uploaded",
    "daily_report",
    "sweeper",
    "rotate_secrets",
    "websocket_connect",
    "websocket_message",
    "websocket_disconnect",
    "jwt_authorizer",
}
# What some states pass along and others leave out.
TOLD_BESIDE = {"reason", "task_token", "entered_at", "retry_count"}
DONE: dict[str, list[Any]] = {"batchItemFailures": []}
# Chalice reads every field of a schedule's event, so that one without it never comes to us.
BY_THE_FRAMEWORK = {"dropped", "renamed"}
COUNTED = [0]
Json = Any
Draw = Callable[..., Iterator[Mutant]]


@pytest.fixture(scope="module")
def shop() -> Iterator[Ground]:
    """A shop whose order waits for its payment."""
    with ground() as made:
        order = {"order_id": made.floor.known["order_id"][0], "correlation_id": "corr-0001"}
        order["execution"] = order["order_id"]
        assert handlers()["order_stock"]({**order, "step": "reserve"}, None)["outcome"] == "pay"
        begun = handlers()["order_status"]({**order, "step": "begin_payment"}, None)
        assert begun["outcome"] == "pay"
        made.floor.remember()
        yield made
    print(f"\nfunction mutants: {COUNTED[0]}")


@pytest.fixture
def draw(request: pytest.FixtureRequest, seed: int, *, is_nightly: bool) -> Draw:
    """The mutants of one event in this test."""

    def drawn(good: Json, is_ours: Callable[[Path], bool] = lambda _path: True) -> Iterator[Mutant]:
        draws = random.Random(f"{seed} {request.node.name} {json.dumps(good, sort_keys=True)[:60]}")
        for mutant in islice(
            mutants(good, draws, is_ours), DRAWS["nightly" if is_nightly else "test"]
        ):
            COUNTED[0] += 1
            yield mutant

    return drawn


def check_named(seen: Seen, mutant: Mutant) -> None:
    """What escapes says what was wrong in a word of ours."""
    kind = type(seen.error)
    assert seen.error is None or kind.__module__.startswith("chalicelib"), (str(mutant), seen)


def test_every_function_has_a_row(shop: Ground) -> None:
    """Nobody adds a function without letting mutants loose on it."""
    del shop  # the app is imported on its ground
    assert set(handlers()) == ROWS


def payment_of(shop: Ground) -> Json:
    """The row of the payment that is being made."""
    shop.floor.restore()
    (record,) = triggers.records("core", ("ORDER PAY",))
    image = record["dynamodb"]["NewImage"]
    return {"id": image["sk"]["S"].partition("#")[2], "amount": int(image["amount"]["N"])}


@pytest.mark.parametrize("kind", ["charge.succeeded", "charge.failed", "refund.succeeded"])
def test_webhooks(kind: str, shop: Ground, draw: Draw) -> None:
    """A webhook of another shape moves nothing and is parked with its cause."""
    good = triggers.webhooks(shop.floor, payment_of(shop))[kind]
    foreign = json.dumps({"id": "gwe_1", "type": "charge.updated", "data": {}})
    if kind != "refund.succeeded":
        assert shop.invoke(
            handlers()["payment_events"], messages("payments-inbox", json.dumps(good))
        ).writes
    for mutant in draw(good):
        if mutant.path == ("data", "code"):
            continue
        body = json.dumps(mutant.event)
        seen = shop.invoke(handlers()["payment_events"], messages("payments-inbox", body))
        assert (seen.error, seen.writes) == (None, []), (str(mutant), seen)
        last = messages("payments-inbox", body, foreign, received=8)
        assert shop.invoke(handlers()["payment_events"], last).answer == DONE, str(mutant)


@pytest.mark.parametrize("kind", ["bounce", "complaint"])
def test_reports_of_the_mail_provider(kind: str, shop: Ground, draw: Draw) -> None:
    """A report of another shape suppresses nobody."""
    good = triggers.reports_of_mail()[kind]
    assert shop.invoke(handlers()["notify_email"], messages("email", json.dumps(good))).writes
    read = {"eventType", "notificationType", "bounceType", "tags", "recipient_key", "mail", 0}
    for mutant in draw(good, lambda path: path[-1] in read):
        batch = messages("email", json.dumps(mutant.event))
        seen = shop.invoke(handlers()["notify_email"], batch)
        assert (seen.error, seen.writes) == (None, []), (str(mutant), seen)
        last = messages("email", json.dumps(mutant.event), received=5)
        assert shop.invoke(handlers()["notify_email"], last).answer == DONE, str(mutant)


@pytest.mark.parametrize("kind", ["replay", "redrive", "slice"])
def test_commands(kind: str, shop: Ground, draw: Draw) -> None:
    """A command of another shape does nothing and ends among the dead letters."""
    good = triggers.commands(shop.floor.known)[kind]
    read = {"detail-type", "detail", "command", "replay_id"}
    for mutant in draw(good, lambda path: path[0] in read):
        batch = messages("ops-commands", json.dumps(mutant.event))
        seen = shop.invoke(handlers()["ops_worker"], batch)
        assert (seen.error, seen.writes) == (None, []), (str(mutant), seen)
        last = messages("ops-commands", json.dumps(mutant.event), received=5)
        assert shop.invoke(handlers()["ops_worker"], last).answer == DONE, str(mutant)


@pytest.mark.parametrize("queue", triggers.DEAD_ENDS)
def test_dead_messages(queue: str, shop: Ground, draw: Draw) -> None:
    """Whatever lies in a dead end is stored at once: there is no further end for it."""
    good = triggers.dead_messages(shop.floor.known)[queue]
    told = {"body": good, "cause": "Broken", "source": "email", "receives": "5", "reference": "r",
            "source_message_id": "m-original", "correlation_id": "corr-0001"}  # fmt: skip
    for mutant in draw(told):
        event = mutant.event
        attributes: Json = {
            n: v for n, v in event.items() if n != "body" and isinstance(v, str) and v
        }
        if any("\ud800" in word or "\x00" in word for word in attributes.values()):
            continue  # the queue itself takes no such attribute
        name = queue.partition(" ")[0]
        batch = messages(name, json.dumps(event.get("body")), **attributes)
        seen = shop.invoke(handlers()["ops_worker"], batch)
        assert seen.answer == DONE, (str(mutant), seen)
        assert len(seen.writes) == 1, (str(mutant), seen)


@pytest.mark.parametrize("function", STEPS)
def test_steps(function: str, shop: Ground, draw: Draw) -> None:
    """A step that is asked wrongly says so by name and changes nothing."""
    for good in triggers.steps(shop.floor.known)[function]:
        for mutant in draw(good, lambda path: path[0] not in TOLD_BESIDE):
            seen = shop.invoke(handlers()[function], mutant.event)
            check_named(seen, mutant)
            assert seen.error is not None, (str(mutant), seen)
            assert seen.writes == [], (str(mutant), seen)


def test_uploads(shop: Ground, draw: Draw) -> None:
    """One strange record of a bucket does not lose the good one behind it."""
    media_id = shop.floor.known["media_id"][0]
    good = triggers.uploaded(media_id)
    alone = shop.invoke(handlers()["media_uploaded"], good)
    assert alone.writes
    # Chalice's own trigger looks at the first record, the template's looks at none.
    first = triggers.uploaded("med_01J00000000000000000000000")["Records"]
    read = {"s3", "object", "key"}
    for mutant in draw(good, lambda path: path[-1] in read):
        strange = [*first, *mutant.event["Records"]]
        seen = shop.invoke(handlers()["media_uploaded"], {"Records": strange})
        check_named(seen, mutant)
        assert seen.writes == [], (str(mutant), seen)
        both = {"Records": [*strange, *good["Records"]]}
        seen = shop.invoke(handlers()["media_uploaded"], both)
        check_named(seen, mutant)
        assert len(seen.writes) == len(alone.writes), (str(mutant), seen)


def test_relay(shop: Ground, draw: Draw) -> None:
    """A row that is no event is parked; its neighbour of another aggregate is published."""
    shop.floor.restore()
    row, neighbour = triggers.records("core", ("ORDER EVT", "TICKET EVT"))
    own = {"pk", "sk", "gsi2pk", "gsi2sk", "gsi3pk", "gsi3sk", "source", "write_mark"}
    image = row["dynamodb"]["NewImage"]
    for mutant in draw(image, lambda path: path[0] not in own):
        if mutant.path[-1] == "N" and mutant.kind == "retyped":
            continue  # a table's numbers are written as text
        record = {**row, "dynamodb": {**row["dynamodb"], "NewImage": mutant.event}}
        seen = shop.invoke(handlers()["outbox_relay"], {"Records": [record, neighbour]})
        assert seen.error is None, (str(mutant), seen)
        assert len(seen.parked) == 1, (str(mutant), seen)
        assert sum("PutEvents" in write for write in seen.writes) == 1, (str(mutant), seen)


def test_fan_out(shop: Ground, draw: Draw) -> None:
    """A row that cannot be told blocks nobody behind it."""
    shop.floor.restore()
    for row in triggers.records("live", ("CONV META", "CONV MSG", "CONV MEM")):
        image = row["dynamodb"]["NewImage"]
        for mutant in draw(image, lambda path: path[0] not in {"pk", "sk"}):
            if "\\ud800" in json.dumps(mutant.event):
                continue  # a table holds text, and half a character is none
            record = {**row, "dynamodb": {**row["dynamodb"], "NewImage": mutant.event}}
            seen = shop.invoke(handlers()["chat_fanout"], {"Records": [record]})
            assert seen.error is None, (str(mutant), seen)


def test_report_schedule(shop: Ground, draw: Draw) -> None:
    """A tick without a right time reports nothing."""
    for mutant in draw(triggers.tick(), lambda path: path[0] == "time"):
        if mutant.kind in BY_THE_FRAMEWORK:
            continue
        seen = shop.invoke(handlers()["daily_report"], mutant.event)
        check_named(seen, mutant)
        assert seen.writes == [], (str(mutant), seen)


@pytest.mark.parametrize("function", ["sweeper", "rotate_secrets"])
def test_other_schedules(
    function: str, shop: Ground, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They read nothing from their tick, so nothing in it can hurt."""
    monkeypatch.setattr(rotation, "PENDING_PAUSE_S", 0)
    told = (one for one in draw(triggers.tick()) if one.kind not in BY_THE_FRAMEWORK)
    for mutant in islice(told, 3):
        seen = shop.invoke(handlers()[function], mutant.event)
        assert seen.error is None, (str(mutant), seen)


def test_connecting(shop: Ground, draw: Draw) -> None:
    """Without a right ticket nobody gets in, and nothing is written."""
    good = {
        "queryStringParameters": {"ticket": "t" * 43},
        "headers": {"Origin": "https://shop.example"},
    }
    for mutant in draw(good, lambda path: len(path) > 1):
        if mutant.kind in {"retyped", "nested"}:
            continue  # what the gateway tells of a query and of headers is always text
        seen = shop.invoke(handlers()["websocket_connect"], triggers.socket_event(**mutant.event))
        assert seen.error is None, (str(mutant), seen)
        assert seen.answer["statusCode"] in {401, 403}, (str(mutant), seen)
        assert not [write for write in seen.writes if "Put" in write], (str(mutant), seen)


def test_frames(shop: Ground, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame of another shape, or of a socket nobody opened, says nothing in the room."""
    from chalicelib.chat import events

    sent: list[Json] = []

    def keep(_call: object, answer: Json) -> bool:
        sent.append(answer)
        return True

    monkeypatch.setattr(events, "reply_to", keep)
    for mutant in draw(triggers.frame(shop.floor.known)):
        for body in (json.dumps(mutant.event), json.dumps(mutant.event, ensure_ascii=False)):
            sent.clear()
            event = triggers.socket_event(body=body)
            seen = shop.invoke(handlers()["websocket_message"], event)
            assert (seen.error, seen.answer) == (None, {"statusCode": 200}), (str(mutant), seen)
            assert [one["type"] for one in sent] == ["error"], (str(mutant), sent)
            assert sent[0]["error"]["code"] != "internal", (str(mutant), seen)
            assert not [write for write in seen.writes if "Put" in write], (str(mutant), seen)


def test_disconnecting(shop: Ground, draw: Draw) -> None:
    """Nothing about a goodbye can hurt."""
    good = {"disconnectReason": "gone", "disconnectStatusCode": 1000, "headers": {"Host": "x"}}
    for mutant in draw(good):
        seen = shop.invoke(
            handlers()["websocket_disconnect"], triggers.socket_event(**mutant.event)
        )
        assert seen.error is None, (str(mutant), seen)


def test_authorizer(shop: Ground, draw: Draw) -> None:
    """No mutant of a right request is let in by anything but its right token."""
    current = secrets().ring("tokens", is_fresh=True).current
    token = signed(shop.floor.owner.claims(), kid=current)
    good = {"type": "TOKEN", "methodArn": "arn:aws:execute-api:us-east-1:1:api/v1/GET/users/me",
            "authorizationToken": f"Bearer {token}"}  # fmt: skip
    assert shop.invoke(handlers()["jwt_authorizer"], good).answer["principalId"]
    for mutant in draw(good, lambda path: path[0] == "authorizationToken"):
        seen = shop.invoke(handlers()["jwt_authorizer"], mutant.event)
        assert seen.error is not None, (str(mutant), seen)
        assert seen.writes == []
