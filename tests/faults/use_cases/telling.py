"""Telling people: mails, tickets and dead letters, each effect once."""

import json
from collections import Counter

import boto3

from tests.faults.harness.clients import ClientSession, Request
from tests.faults.harness.world import World
from tests.faults.use_cases.journey import Journey, Visit, ends
from tests.faults.use_cases.shop import CORE, FRONT, STAGE

EMAIL_QUEUE = f"souk-{STAGE}-email"
POISON = json.dumps({"detail-type": "Invented", "detail": {}})
INQUIRY = {
    "name": "Zoe",
    "email": "zoe@elsewhere.example",
    "subject": "Where is it?",
    "message": "Hello",
}


def contact(visit: Visit) -> None:
    """Somebody writes by the form."""
    visit.session.send(Request("POST", "/contact", INQUIRY, None, "contact-0001"))


def answer(visit: Visit) -> None:
    """Staff answer the ticket."""
    visit.staff(
        f"/tickets/{_ticket(visit.session.world)}/reply", {"text": "Soon."}, key="reply-001"
    )


def close(visit: Visit) -> None:
    """Staff close the ticket."""
    visit.staff(f"/tickets/{_ticket(visit.session.world)}/close")


def forgot(visit: Visit) -> None:
    """A customer asks for a new password."""
    body = {"email": "amina@souk.example"}
    visit.session.send(Request("POST", "/users/password/forgot", body))


def redrive(visit: Visit) -> None:
    """Staff redrive poison, which dies again as a new dead letter."""
    (letter,) = _letters(visit.session.world, "OPEN")
    path = f"/ops/dead-letters/{letter}/redrive"
    visit.session.send(Request("POST", path, None, FRONT.staff))


def put_away(visit: Visit) -> None:
    """Staff delete a dead letter."""
    (letter,) = _letters(visit.session.world, "OPEN")
    visit.session.send(Request("DELETE", f"/ops/dead-letters/{letter}", None, FRONT.staff))


def poison(visit: Visit) -> None:
    """A message that no consumer understands, with a good neighbour."""
    _poisoned(visit)
    forgot(visit)


def _poisoned(visit: Visit) -> None:
    del visit
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=EMAIL_QUEUE)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=POISON)


def _ticket(world: World) -> str:
    rows = world.substrate.rows(CORE)
    return str(next(row["id"] for row in rows if row["pk"].startswith("TICKET#") and "id" in row))


def _letters(world: World, status: str) -> list[str]:
    rows = world.substrate.rows(CORE)
    letters = [row for row in rows if row["pk"].startswith("DEAD#") and row["sk"] == "META"]
    return [str(row["id"]) for row in letters if row["status"] == status]


def told_once(world: World, session: ClientSession) -> list[str]:
    """Every customer event was told by mail, and its mailbox holds one copy (I11)."""
    del session
    rows = world.substrate.rows(CORE)
    told = {"ContactReceived", "TicketReplied", "PasswordResetRequested", "DailyReportReady"}
    events = {row["event_id"] for row in rows if row.get("type") in told}
    log = {row["event_id"]: row for row in rows if row["pk"].startswith("NLOG#")}
    copies = Counter(row["event_id"] for row in rows if row["pk"].startswith("MBOX#"))
    found = [f"I11 {one}: never told" for one in sorted(events - log.keys())]
    for event_id in sorted(events & log.keys()):
        if log[event_id]["status"] != "SENT":
            found.append(f"I11 {event_id}: {log[event_id]['status']}")
        if copies[event_id] != 1:
            found.append(f"I11 {event_id}: {copies[event_id]} copies")
    return found


def one_ticket(world: World, session: ClientSession) -> list[str]:
    """The form's key made one ticket with its message."""
    rows = world.substrate.rows(CORE)
    tickets = [row for row in rows if row["pk"].startswith("TICKET#") and row["sk"] == "META"]
    return [f"I6 {len(tickets)} tickets"] * (len(tickets) > 1) + told_once(world, session)


def died_once(world: World, session: ClientSession) -> list[str]:
    """The poison is a dead letter with its cause, and its neighbour was told (I10).

    A duplicated or added poison message is a second letter; the same message never is.
    """
    rows = world.substrate.rows(CORE)
    letters = [row for row in rows if row["pk"].startswith("DEAD#") and row["sk"] == "META"]
    found = [f"I10 {len(letters)} dead letters"] * (len(letters) not in {1, 2})
    found += [f"I10 {one['id']}: no cause" for one in letters if not one["cause"]]
    return found + told_once(world, session)


def redriven(world: World, session: ClientSession) -> list[str]:
    """The old letter is REDRIVEN, and the poison lies in new ones.

    A send whose reply is lost is repeated, and each copy of the poison dies by itself.
    """
    del session
    done, fresh = _letters(world, "REDRIVEN"), _letters(world, "OPEN")
    if len(done) == 1 and fresh:
        return []
    return [f"T35 redriven {len(done)}, open {len(fresh)}"]


def gone(world: World, session: ClientSession) -> list[str]:
    """The letter is DELETED."""
    del session
    return [] if _letters(world, "DELETED") else ["T35 not deleted"]


USE_CASES = (
    Journey("contact", contact, ends(), check=one_ticket),
    Journey("ticket_reply", answer, ends(), check=one_ticket, prepare=contact),
    Journey("ticket_close", close, ends(), check=one_ticket, prepare=contact),
    Journey("password_forgotten", forgot, ends(), check=told_once),
    Journey("poison_beside_a_mail", poison, ends(), check=died_once),
    Journey("dead_letter_redrive", redrive, ends(), check=redriven, prepare=_poisoned),
    Journey("dead_letter_delete", put_away, ends(), check=gone, prepare=_poisoned),
)
