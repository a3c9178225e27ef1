"""The contact form and its tickets, up to the mails they cause."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.aws.event_rows import PREFIX
from chalicelib.aws.items import from_item
from chalicelib.kernel.domain_events import DomainEvent
from chalicelib.notifications.events import notify_email
from tests.cloud import STAGE, bare_client, cloud
from tests.front_door import Answer, FrontDoor, member, staff_member
from tests.integration.notifications.shop import delivered

CONTEXT = SimpleNamespace(aws_request_id="r")
ZOE = "zoe@elsewhere.example"
INQUIRY = {
    "name": "Zoë Müller",
    "email": "Zoe@elsewhere.example",
    "subject": "Where is my order?",
    "message": "It is late.\n\nPlease look.",
}


@pytest.fixture(autouse=True)
def _cloud() -> Iterator[None]:
    with cloud():
        yield


def rows() -> list[dict[str, Any]]:
    """Every raw row of the table."""
    reply = bare_client("dynamodb").scan(TableName=f"souk-{STAGE}-core")
    return [from_item(item) for item in reply["Items"]]


def written(key: str = "contact-0001", **changes: Any) -> Answer:
    """The contact form, sent."""
    body = {**INQUIRY, **changes}
    return FrontDoor().call("POST", "/contact", body, {"Idempotency-Key": key})


def mailed(ticket_id: str) -> list[dict[str, Any]]:
    """Deliver the ticket's events to the mail consumer; the mails that follow, oldest first."""
    events = [row for row in rows() if row["pk"] == f"TICKET#{ticket_id}"]
    told = [
        DomainEvent.parse(row["type"], row)
        for row in sorted(events, key=lambda row: str(row["sk"]))
        if row["sk"].startswith(PREFIX)
    ]
    assert notify_email(delivered(*told), CONTEXT) == {"batchItemFailures": []}
    items: list[dict[str, Any]] = FrontDoor().get(f"/sandbox/mailbox?to={ZOE}").body["items"]
    return items[::-1]


def test_a_message_becomes_a_ticket_and_is_acknowledged() -> None:
    """202 with the reference; staff see it word for word; the mail echoes none of it."""
    reply = written(order_number="SK-7Q4MZ2KD")
    assert reply.status == 202
    reference = reply.body["reference"]
    assert reply.body == {"status": "received", "reference": reference}
    door = staff_member("support").door
    (listed,) = door.get("/admin/tickets").body["items"]
    assert (listed["id"], listed["email"], listed["status"]) == (reference, ZOE, "OPEN")
    shown = door.get(f"/admin/tickets/{reference}").body
    assert (shown["name"], shown["order_number"]) == ("Zoë Müller", "SK-7Q4MZ2KD")
    assert [(one["seq"], one["author"], one["text"]) for one in shown["messages"]] == [
        (1, "requester", INQUIRY["message"])
    ]
    (mail,) = mailed(reference)
    assert mail["template"] == "ticket_received"
    assert reference in mail["text"]
    assert "late" not in mail["text"]


def test_the_same_key_is_one_ticket() -> None:
    """A repeat gives the first reply byte for byte; another body is 422."""
    first, again = written(), written()
    assert (again.status, again.body) == (202, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert written(subject="Other").code == "idempotency_mismatch"
    assert len([row for row in rows() if row["sk"] == "META" and "last_seq" in row]) == 1


def test_a_filled_honeypot_is_answered_and_forgotten() -> None:
    """The machine gets the same reply; nothing is stored and nothing is mailed."""
    reply = written(website="https://buy.example")
    assert reply.status == 202
    assert reply.body["status"] == "received"
    assert [row for row in rows() if not row["pk"].startswith("RATE#")] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hello\r\nBcc: everybody@elsewhere.example"},
        {"name": "Zoë\nX-Header: 1"},
        {"email": "zoe@elsewhere.example\r\nBcc: a@b.example"},
        {"email": "zoe@elsewhere.example,all@b.example"},
        {"message": "   "},
        {"subject": "x" * 151},
        {"order_number": ""},
        {"order_number": None},
        {"unknown": 1},
    ],
)
def test_what_could_become_a_header_is_refused(changes: dict[str, Any]) -> None:
    """Line breaks, second addresses, empty and overlong fields are 422."""
    assert written(**changes).status == 422


def test_the_form_needs_a_key() -> None:
    """Without Idempotency-Key: 400."""
    assert FrontDoor().post("/contact", INQUIRY).code == "idempotency_key_missing"


def test_too_many_messages_of_one_address_are_429(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five an hour; the sixth is told when to come back."""
    monkeypatch.setenv("SOUK_RATE_SCALE", "1")
    statuses = [written(f"contact-{number:04d}").status for number in range(6)]
    assert statuses == [202] * 5 + [429]


@pytest.mark.covers(40)
def test_an_answer_is_mailed_in_the_same_thread() -> None:
    """The reply goes to the requester once per key, and its headers name the ticket's thread."""
    reference = written().body["reference"]
    door = staff_member("support").door
    path, key = f"/admin/tickets/{reference}/reply", {"Idempotency-Key": "reply-0001"}
    first = door.call("POST", path, {"text": "It left today."}, key)
    assert first.status == 200
    assert first.body["ticket"]["status"] == "ANSWERED"
    assert door.call("POST", path, {"text": "It left today."}, key).body == first.body
    _, mail = mailed(reference)
    assert (mail["template"], mail["subject"]) == ("ticket_reply", "Re: Where is my order?")
    assert "It left today." in mail["text"]
    assert "Zoë Müller" in mail["text"]
    assert door.get("/admin/tickets").body["items"] == []
    assert len(door.get("/admin/tickets?status=ANSWERED").body["items"]) == 1
    messages = door.get(f"/admin/tickets/{reference}").body["messages"]
    assert [one["author"] for one in messages] == ["requester", "staff"]


def test_a_closed_ticket_stays_closed() -> None:
    """Closing twice is fine; answering afterwards is 409; it is listed by its month."""
    reference = written().body["reference"]
    door = staff_member("support").door
    assert door.post(f"/admin/tickets/{reference}/close").body["ticket"]["status"] == "CLOSED"
    assert door.post(f"/admin/tickets/{reference}/close").status == 200
    reply = door.call(
        "POST",
        f"/admin/tickets/{reference}/reply",
        {"text": "Hello"},
        {"Idempotency-Key": "reply-0002"},
    )
    assert (reply.status, reply.code) == (409, "invalid_state")
    assert len(door.get("/admin/tickets?status=CLOSED").body["items"]) == 1
    assert door.get("/admin/tickets?status=CLOSED&month=2001-01").body["items"] == []
    types = [row["type"] for row in rows() if row["pk"] == f"TICKET#{reference}" and "type" in row]
    assert sorted(types) == ["ContactReceived", "TicketClosed"]


def test_tickets_are_for_support() -> None:
    """Strangers 401, customers 403, an unknown ticket 404."""
    assert FrontDoor().get("/admin/tickets").status == 401
    assert member().door.get("/admin/tickets").status == 403
    door = staff_member("support").door
    assert door.get("/admin/tickets/tkt_01J00000000000000000000000").status == 404
    assert door.get("/admin/tickets/nonsense").status == 404


def test_no_event_of_a_ticket_carries_what_was_written() -> None:
    """Events hold ids; name, address and text stand in the ticket alone."""
    written()
    told = json.dumps([row for row in rows() if row["sk"].startswith(PREFIX)])
    assert not any(word in told for word in ("Zo", "elsewhere", "late"))
