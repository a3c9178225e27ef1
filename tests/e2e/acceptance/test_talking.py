"""Sections 4.3 and 4.7: notifications, chat over REST, the contact form."""

import uuid
from typing import Any

import pytest

from local.shop import Shop, wait_for
from tests.e2e.acceptance.conftest import Core, Stall, basket, ordered
from tests.e2e.acceptance.shapes import an_id, fits, listed, maybe
from tests.e2e.acceptance.shapes_desk import (
    CONVERSATION,
    MESSAGE,
    NOTIFICATION,
    TICKET,
    TICKET_DETAIL,
)
from tests.e2e.acceptance.test_errors import paths_of, refused
from tests.e2e.acceptance.test_orders import settled

NOTES = {"items": [NOTIFICATION], "next": maybe(str), "unread": int}


def test_notifications(nora: Shop, omar: Shop, core: Core, stall: Stall) -> None:
    """A paid order is told once, unread until read."""
    order = settled(nora, ordered(nora, basket(stall.variant["id"])), "PAID")

    def told() -> dict[str, Any] | None:
        page = nora.get("/users/me/notifications", limit=100)
        fits(page, NOTES)
        about = [n for n in page["items"] if n["ref"] and n["ref"]["id"] == order["id"]]
        return about[0] if about else None

    note = wait_for(told, "the notification", within_s=20)
    assert (note["kind"], note["read"], note["ref"]["type"]) == ("order", False, "order")
    row = core.row(f"USER#{nora.user['id']}", f"NTF#{note['id']}")
    assert row
    assert (row["gsi1pk"], row["gsi1sk"]) == (f"USER#{nora.user['id']}#UNREAD", note["id"])
    path = f"/users/me/notifications/{note['id']}/read"
    refused(omar.call("POST", path), 404, "not_found")
    for _ in range(2):
        done = nora.call("POST", path)
        assert (done.status, done.text) == (204, "")
    unread = nora.get("/users/me/notifications", unread="true")
    assert note["id"] not in {each["id"] for each in unread["items"]}
    assert nora.call("POST", "/users/me/notifications/read-all").status == 204
    assert nora.get("/users/me/notifications", unread="true") == {
        "items": [],
        "next": None,
        "unread": 0,
    }
    read = core.row(f"USER#{nora.user['id']}", f"NTF#{note['id']}")
    assert read
    assert "gsi1pk" not in read
    for query in ("unread=1", "unread=yes", "unread=", "unread=TRUE"):
        refused(nora.call("GET", f"/users/me/notifications?{query}"), 422, "validation_failed")


def opening(**changes: Any) -> dict[str, Any]:
    """The body that opens a conversation."""
    return {"subject": "Size", "text": "Hello\n\there", "client_id": uuid.uuid4().hex, **changes}


def test_conversation(nora: Shop, omar: Shop, support: Shop) -> None:
    """Opened once, assigned, answered, closed; members only."""
    body = opening()
    made = nora.call("POST", "/chat/conversations", body)
    assert made.status == 201
    fits(made.body, {"conversation": CONVERSATION, "message": MESSAGE})
    again = nora.call("POST", "/chat/conversations", body)
    assert again.body["conversation"]["id"] == made.body["conversation"]["id"]
    talk = made.body["conversation"]
    assert (talk["status"], talk["last_seq"], talk["customer_id"]) == ("OPEN", 1, nora.user["id"])
    assert made.body["message"]["text"] == body["text"]
    path = f"/chat/conversations/{talk['id']}"
    for method, route in (("GET", path), ("GET", f"{path}/messages"), ("POST", f"{path}/close")):
        refused(omar.call(method, route), 404, "not_found")
    say = {"text": "more", "client_id": uuid.uuid4().hex}
    refused(omar.call("POST", f"{path}/messages", say), 404, "not_found")
    fits(nora.get("/chat/conversations"), listed(CONVERSATION))
    fits(support.get("/admin/chat/conversations"), listed(CONVERSATION))
    fits(support.get(path), CONVERSATION)

    first = nora.call("POST", f"{path}/messages", say)
    assert first.status == 201
    fits(first.body, MESSAGE)
    repeat = nora.call("POST", f"{path}/messages", say)
    assert (repeat.status, repeat.body) == (201, first.body)
    assigned = support.ask("POST", f"/admin{path}/assign")
    fits(assigned, {"conversation": CONVERSATION})
    assert assigned["conversation"]["agent_id"] == support.user["id"]
    answer = {"text": "Hi", "client_id": uuid.uuid4().hex}
    spoken = support.ask("POST", f"{path}/messages", answer, expect=201)
    assert (spoken["sender_role"], spoken["seq"]) == ("agent", 3)
    page = nora.get(f"{path}/messages", limit=2)
    fits(page, listed(MESSAGE))
    assert [message["seq"] for message in page["items"]] == [1, 2]
    assert page["next"] == "2"
    rest = nora.get(f"{path}/messages", after=2)
    assert ([message["seq"] for message in rest["items"]], rest["next"]) == ([3], None)
    for query in ("after=-1", "after=x", "after=1.0", "limit=0", "cursor=x"):
        refused(nora.call("GET", f"{path}/messages?{query}"), 422, "validation_failed")

    closed = nora.ask("POST", f"{path}/close")
    fits(closed, {"conversation": CONVERSATION})
    assert nora.ask("POST", f"{path}/close")["conversation"]["status"] == "CLOSED"
    say["client_id"] = uuid.uuid4().hex
    refused(nora.call("POST", f"{path}/messages", say), 409, "conversation_closed")
    assert support.call("POST", f"/admin{path}/assign").status == 409


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": ""}, "subject"),
        ({"subject": "a\nb"}, "subject"),
        ({"subject": "x" * 121}, "subject"),
        ({"text": "x" * 2001}, "text"),
        ({"text": " \n "}, "text"),
        ({"client_id": "short"}, "client_id"),
        ({"client_id": "with space"}, "client_id"),
        ({"order_id": "ord_1"}, "order_id"),
        ({"order_id": None}, "order_id"),
        ({"media_id": None}, "media_id"),
    ],
)
def test_conversations_that_are_not_allowed(nora: Shop, change: dict[str, Any], field: str) -> None:
    """Each is 422 and named."""
    answer = nora.call("POST", "/chat/conversations", opening(**change))
    refused(answer, 422, "validation_failed")
    assert list(paths_of(answer)) == [field]


def test_a_foreign_order_is_not_talked_about(nora: Shop, omar: Shop, stall: Stall) -> None:
    """Only an own order is named; another is as if it were not there."""
    order = ordered(omar, basket(stall.variant["id"]))
    answer = nora.call("POST", "/chat/conversations", opening(order_id=order["id"]))
    assert answer.status in {404, 422}
    mine = omar.ask("POST", "/chat/conversations", opening(order_id=order["id"]), expect=201)
    assert mine["conversation"]["order_id"] == order["id"]


def test_socket_ticket(nora: Shop) -> None:
    """A ticket and the URL with it."""
    made = nora.call("POST", "/chat/tickets")
    assert made.status == 201
    assert set(made.body) == {"ticket", "url", "expires_at"}
    assert len(made.body["ticket"]) == 43
    assert made.body["url"].endswith(f"?ticket={made.body['ticket']}")


def writing(**changes: Any) -> dict[str, Any]:
    """The body of the contact form."""
    return {
        "name": "Lea",
        "email": f"Lea.{uuid.uuid4().hex[:8]}@Souk.example",
        "subject": "Late",
        "message": "Where\nis it?",
        **changes,
    }


def test_contact(anybody: Shop, support: Shop, core: Core) -> None:
    """A ticket with its thread, a mail, an answer, an end."""
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = writing(order_number="SK-7Q4MZ2KD")
    first = anybody.call("POST", "/contact", body, key)
    assert first.status == 202
    fits(first.body, {"status": frozenset({"received"}), "reference": an_id("tkt")})
    again = anybody.call("POST", "/contact", body, key)
    assert (again.text, again.headers["idempotency-replayed"]) == (first.text, "true")
    refused(anybody.call("POST", "/contact", body), 400, "idempotency_key_missing")
    ticket_id = first.body["reference"]
    path = f"/admin/tickets/{ticket_id}"
    detail = support.get(path)
    fits(detail, TICKET_DETAIL)
    assert (detail["name"], detail["status"]) == ("Lea", "OPEN")
    assert detail["messages"][0]["text"] == body["message"]
    fits(support.get("/admin/tickets", limit=3), listed(TICKET))
    refused(support.call("POST", f"{path}/reply", {"text": "x"}), 400, "idempotency_key_missing")
    replied = support.post_once(f"{path}/reply", {"text": "Tomorrow."}, expect=200)
    assert set(replied) == {"ticket"}
    assert replied["ticket"]["status"] == "ANSWERED"
    anybody.mail(body["email"].lower(), "ticket_reply", within_s=30)
    anybody.mail(body["email"].lower(), "ticket_received", within_s=30)
    closed = support.ask("POST", f"{path}/close")["ticket"]
    assert closed["status"] == "CLOSED"
    assert support.ask("POST", f"{path}/close")["ticket"]["version"] == closed["version"]
    late = {"Idempotency-Key": uuid.uuid4().hex}
    refused(support.call("POST", f"{path}/reply", {"text": "x"}, late), 409, "invalid_state")
    types = [row["type"] for row in core.events(f"TICKET#{ticket_id}")]
    assert types == ["ContactReceived", "TicketReplied", "TicketClosed"]
    for row in core.events(f"TICKET#{ticket_id}"):
        assert set(row["data"]) == {"ticket_id", "seq"}
    refused(support.call("GET", f"/admin/tickets/tkt_{'0' * 26}"), 404, "not_found")


def test_honeypot(anybody: Shop, support: Shop) -> None:
    """A filled honeypot gets the same reply, and nothing is stored."""
    body = writing(website="https://spam.example")
    reply = anybody.post_once("/contact", body, expect=202)
    fits(reply, {"status": frozenset({"received"}), "reference": an_id("tkt")})
    refused(support.call("GET", f"/admin/tickets/{reply['reference']}"), 404, "not_found")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"email": "x"}, "email"),
        ({"subject": "x" * 151}, "subject"),
        ({"subject": "a\r\nBcc: b@souk.example"}, "subject"),
        ({"message": ""}, "message"),
        ({"message": "x" * 5001}, "message"),
        ({"message": "a\x00"}, "message"),
        ({"order_number": "x" * 21}, "order_number"),
        ({"order_number": None}, "order_number"),
        ({"website": "x" * 201}, "website"),
        ({"website": None}, "website"),
    ],
)
def test_contacts_that_are_not_allowed(anybody: Shop, change: dict[str, Any], field: str) -> None:
    """Each is 422 and named."""
    key = {"Idempotency-Key": uuid.uuid4().hex}
    answer = anybody.call("POST", "/contact", writing(**change), key)
    refused(answer, 422, "validation_failed")
    assert list(paths_of(answer)) == [field]
