"""From events on the queue to open sockets: what is told, to whom, once, in numbered order."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from chalicelib.aws.items import to_item
from chalicelib.kernel.domain_events import EVENT_TYPES, Actor, Cause, DomainEvent
from chalicelib.kernel.ids import Ids
from tests.callers import Caller, signed_in
from tests.cloud import STAGE, bare_client, cloud
from tests.events import data_of
from tests.sockets import SocketGateway, socket_gateway

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ORDER = "ord_01J00000000000000000000000"
PRODUCT = "prd_01J00000000000000000000000"
VARIANT = "var_01J00000000000000000000000"


@pytest.fixture
def gateway() -> Iterator[SocketGateway]:
    """An AWS with tables, and the gateway of sockets."""
    with cloud(), socket_gateway() as made:
        yield made


def opened(gateway: SocketGateway, caller: Caller) -> str:
    """A new socket of a signed-in caller."""
    connection_id = gateway.connect(caller.post("/chat/tickets").body["url"])
    assert connection_id, gateway.refused
    return connection_id


def event(name: str, aggregate: str = "", version: int = 1, **data: Any) -> DomainEvent:
    """An event of a type; fields that are not given have some right value."""
    kind = EVENT_TYPES[name]
    cause = Cause("2026-03-01T12:00:00.000Z", Actor("system", "test"), "tests-0001")
    return DomainEvent(kind, aggregate or Ids().new("xxx"), version, cause, data_of(kind, **data))


def put(key: tuple[str, str], **values: Any) -> None:
    """A raw row of the core table."""
    item = to_item({"pk": key[0], "sk": key[1], **values})
    bare_client("dynamodb").put_item(TableName=f"souk-{STAGE}-core", Item=item)


def an_order(user_id: str, status: str = "PAID", version: int = 5) -> None:
    """The row of an order."""
    put(
        (f"ORDER#{ORDER}", "META"),
        id=ORDER,
        number="SK-7Q4MZ2KD",
        user_id=user_id,
        status=status,
        payment_status="CAPTURED",
        cancel_requested=False,
        version=version,
        currency="EUR",
        lines=[],
        subtotal=1,
        shipping=0,
        total=1,
    )


def end_session(user_id: str) -> None:
    """The user is signed out everywhere."""
    bare_client("dynamodb").update_item(
        TableName=f"souk-{STAGE}-core",
        Key={"pk": {"S": f"USER#{user_id}"}, "sk": {"S": "PROFILE"}},
        UpdateExpression="SET sv = :sv",
        ExpressionAttributeValues={":sv": {"N": "2"}},
    )


def test_order_is_told_as_it_stands_now(gateway: SocketGateway) -> None:
    """Whatever the event said, the push shows the order's present state."""
    amina, other = signed_in(), signed_in()
    socket, foreign = opened(gateway, amina), opened(gateway, other)
    an_order(amina.user_id)
    gateway.tell(event("OrderReserved", ORDER, order_id=ORDER, user_id=amina.user_id, lines=[]))
    gateway.fan_out()
    (told,) = gateway.pushes(socket)
    assert told["data"] == {
        "order_id": ORDER,
        "number": "SK-7Q4MZ2KD",
        "status": "PAID",
        "payment_status": "CAPTURED",
        "cancel_requested": False,
        "version": 5,
    }
    assert (told["type"], told["topic"], told["seq"]) == (
        "order.updated",
        f"user:{amina.user_id}",
        1,
    )
    assert gateway.pushes(foreign) == []


def test_event_delivered_twice_is_told_once(gateway: SocketGateway) -> None:
    """The mark of the event stands in the transaction of its pushes."""
    amina = signed_in()
    socket = opened(gateway, amina)
    an_order(amina.user_id)
    same = event("OrderDelivered", ORDER, order_id=ORDER, user_id=amina.user_id)
    put_profile_words(amina.user_id)
    gateway.tell(same)
    gateway.tell(same)
    gateway.fan_out()
    assert [one["seq"] for one in gateway.pushes(socket)] == [1, 2]
    inbox = amina.get("/users/me/notifications").body["items"]
    assert len(inbox) == 1


def put_profile_words(user_id: str) -> None:
    """What a profile needs to be written to."""
    bare_client("dynamodb").update_item(
        TableName=f"souk-{STAGE}-core",
        Key={"pk": {"S": f"USER#{user_id}"}, "sk": {"S": "PROFILE"}},
        UpdateExpression="SET email = :e, email_key = :k, #n = :n, locale = :l, #v = :v, "
        "created_at = :t, updated_at = :t, password_hash = :k",
        ExpressionAttributeNames={"#n": "name", "#v": "version"},
        ExpressionAttributeValues={
            ":e": {"S": "amina@souk.example"},
            ":k": {"S": "key"},
            ":n": {"S": "Amina"},
            ":l": {"S": "en-GB"},
            ":v": {"N": "1"},
            ":t": {"S": "2026-03-01T12:00:00.000Z"},
        },
    )


def test_notification_is_kept_and_told_as_it_is_kept(gateway: SocketGateway) -> None:
    """The push and the inbox show the same entry, unread."""
    amina = signed_in()
    put_profile_words(amina.user_id)
    socket = opened(gateway, amina)
    an_order(amina.user_id, "DELIVERED")
    gateway.tell(event("OrderDelivered", ORDER, order_id=ORDER, user_id=amina.user_id))
    gateway.fan_out()
    (told,) = gateway.pushes(socket, "notification.new")
    (kept,) = amina.get("/users/me/notifications").body["items"]
    assert told["data"] == kept
    assert kept["kind"] == "order"
    assert kept["ref"] == {"type": "order", "id": ORDER}
    assert kept["read"] is False


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("SessionsRevoked", {"session_ids": [], "reason": "logout_all"}, "logout_all"),
        ("RoleChanged", {"from": "customer", "to": "support"}, "role_changed"),
        ("UserDisabled", {}, "disabled"),
    ],
)
def test_ended_sessions_lose_their_sockets(
    gateway: SocketGateway, name: str, data: dict[str, Any], reason: str
) -> None:
    """The last push tells why; sockets of others stay open."""
    amina, other = signed_in(), signed_in()
    socket, foreign = opened(gateway, amina), opened(gateway, other)
    end_session(amina.user_id)
    gateway.tell(event(name, amina.user_id, user_id=amina.user_id, **data))
    gateway.fan_out()
    (told,) = gateway.pushes(socket, "session.revoked")
    assert told["data"] == {"reason": reason}
    assert gateway.open == {foreign}


def test_the_reason_is_told_before_the_socket_closes(gateway: SocketGateway) -> None:
    """A post that fails at first is tried again at once: behind it nobody listens any more."""
    amina = signed_in()
    socket = opened(gateway, amina)
    end_session(amina.user_id)
    ended = event(
        "SessionsRevoked", amina.user_id, user_id=amina.user_id, session_ids=[], reason="logout"
    )
    gateway.tell(ended)
    gateway.failing[socket] = 2
    gateway.fan_out()
    (told,) = gateway.pushes(socket, "session.revoked")
    assert told["data"] == {"reason": "logout"}
    assert gateway.open == set()


def test_kept_session_keeps_its_socket(gateway: SocketGateway) -> None:
    """Whoever changes the password stays connected: the own session goes on."""
    amina = signed_in()
    put_profile_words(amina.user_id)
    socket = opened(gateway, amina)
    gateway.tell(event("MfaChanged", amina.user_id, user_id=amina.user_id, enabled=True))
    gateway.fan_out()
    assert gateway.pushes(socket, "session.revoked")[0]["data"] == {"reason": "mfa_changed"}
    assert gateway.open == {socket}


def test_stock_is_told_to_whoever_looks_at_the_product(gateway: SocketGateway) -> None:
    """After an adjustment, with the availability of the moment."""
    with time_machine.travel(START, tick=False) as clock:
        socket = opened(gateway, signed_in())
        topic = f"product:{PRODUCT}"
        assert gateway.ask(socket, "sub.add", topic=topic)["data"]["last_seq"] == 0
        put(
            (f"STOCK#{VARIANT}", "LOC#main"),
            variant_id=VARIANT,
            product_id=PRODUCT,
            available=3,
            reserved=0,
            on_hand=3,
        )
        adjusted = event("StockAdjusted", VARIANT, variant_id=VARIANT, product_id=PRODUCT, delta=3)
        gateway.tell(adjusted)
        clock.shift(timedelta(seconds=1))
        gateway.fan_out()
    (told,) = gateway.pushes(socket, "stock.changed")
    assert told["data"] == {
        "product_id": PRODUCT,
        "variant_id": VARIANT,
        "availability": "low",
    }


def test_missed_pushes_come_back_in_order_for_a_day(gateway: SocketGateway) -> None:
    """Numbers without gaps; what is older than a day makes the answer incomplete."""
    with time_machine.travel(START, tick=False) as clock:
        amina = signed_in()
        an_order(amina.user_id)
        for version in range(1, 4):
            gateway.tell(
                event("PaymentStarted", ORDER, version, order_id=ORDER, user_id=amina.user_id)
            )
        socket = opened(gateway, amina)
        topic = f"user:{amina.user_id}"
        answer = gateway.ask(socket, "sub.add", topic=topic, since=1)["data"]
        assert answer == {"topic": topic, "last_seq": 3, "replayed": 2, "complete": True}
        assert [one["seq"] for one in gateway.pushes(socket)] == [2, 3]
        clock.shift(timedelta(hours=23))
        gateway.tell(event("PaymentStarted", ORDER, 4, order_id=ORDER, user_id=amina.user_id))
        clock.shift(timedelta(hours=2))
        later = opened(gateway, signed_in_again(amina))
        answer = gateway.ask(later, "sub.add", topic=topic, since=1)["data"]
        assert answer == {"topic": topic, "last_seq": 4, "replayed": 1, "complete": False}


def signed_in_again(caller: Caller) -> Caller:
    """The same user with another live session and a fresh token."""
    fresh = signed_in()
    table = bare_client("dynamodb")
    found = table.query(
        TableName=f"souk-{STAGE}-core",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"USER#{fresh.user_id}"}},
    )["Items"]
    session = next(item for item in found if item["sk"]["S"].startswith("SESS#"))
    table.put_item(
        TableName=f"souk-{STAGE}-core", Item={**session, "pk": {"S": f"USER#{caller.user_id}"}}
    )
    from chalicelib.aws.secrets import secrets
    from chalicelib.edge.tokens import Subject, TokenIssuer

    issuer = TokenIssuer(STAGE, lambda: secrets().ring("tokens"))
    subject = Subject(caller.user_id, session["id"]["S"], 1, "customer")
    token = issuer.issue(subject, Ids().new("jti"), datetime.now(UTC))
    return Caller(caller.user_id, token)


def test_dead_letters_are_told_to_operations_alone(gateway: SocketGateway) -> None:
    """The ops topic needs its scope, and shows source, kind and cause."""
    with time_machine.travel(START, tick=False):
        admin = opened(gateway, signed_in("admin"))
        assert gateway.ask(admin, "sub.add", topic="ops")["type"] == "ack"
        stored = event(
            "DeadLetterStored",
            "ded_01J00000000000000000000000",
            dead_letter_id="ded_01J00000000000000000000000",
            source="email",
            kind="queue",
            cause="poison",
        )
        gateway.tell(stored)
        gateway.fan_out()
    (told,) = gateway.pushes(admin, "ops.dead_letter")
    assert told["data"] == {
        "dead_letter_id": "ded_01J00000000000000000000000",
        "source": "email",
        "kind": "queue",
        "cause": "poison",
        "status": "OPEN",
    }


def test_unknown_event_is_a_failed_message(gateway: SocketGateway) -> None:
    """It comes again and ends in the dead letters, as every queue's poison does."""
    sqs = bare_client("sqs")
    url = sqs.get_queue_url(QueueName=f"souk-{STAGE}-live")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody='{"detail-type":"Nonsense","detail":{}}')
    with pytest.raises(AssertionError, match="batchItemFailures"):
        gateway.work_off_the_queue()
