"""Section 5: what ends a session ends its sockets and no other; what operations are told."""

import asyncio
import json
import uuid
from collections.abc import Callable

import pytest

from local.demo_data import PASSWORD
from local.shop import Shop
from tests.e2e.acceptance.conftest import registered
from tests.e2e.acceptance.lines import line, off_loop
from tests.e2e.acceptance.test_mfa import code
from tests.e2e.conftest import RunningShop

pytestmark = pytest.mark.timeout(240)


def test_who_is_disabled_loses_the_socket(anybody: Shop, admin: Shop, omar: Shop) -> None:
    """The push says why, the socket ends, no ticket is given any more; others stay."""
    person = registered(anybody)

    async def end() -> None:
        async with line(omar) as other, line(person) as socket:
            path = f"/admin/users/{person.user['id']}/disable"
            await off_loop(admin, "POST", path)
            told = await socket.push("session.revoked")
            assert told["data"] == {"reason": "disabled"}
            assert told["topic"] == f"user:{person.user['id']}"
            await socket.ended()
            refused = await asyncio.to_thread(person.call, "POST", "/chat/tickets")
            assert refused.status == 401
            assert (await other.ack("ping"))["now"]

    asyncio.run(end())


def test_another_role_ends_the_sockets_of_the_old_one(anybody: Shop, admin: Shop) -> None:
    """A new role is used after signing in again."""
    person = registered(anybody)

    async def end() -> None:
        async with line(person) as socket:
            path = f"/admin/users/{person.user['id']}/role"
            await off_loop(admin, "POST", path, {"role": "support"})
            assert (await socket.push("session.revoked"))["data"] == {"reason": "role_changed"}
            await socket.ended()

    asyncio.run(end())


def test_who_changes_the_password_stays_and_the_others_go(anybody: Shop) -> None:
    """Only the sockets of other sessions are closed."""
    person = registered(anybody)
    elsewhere = anybody.sign_in(person.user["email"], PASSWORD)
    change = {"current_password": PASSWORD, "new_password": "another fine long phrase"}

    async def end() -> None:
        async with line(person) as kept, line(elsewhere) as lost:
            await off_loop(person, "POST", "/users/password/change", change)
            told = await lost.push("session.revoked")
            assert told["data"] == {"reason": "password_changed"}
            await lost.ended()
            assert (await kept.ack("ping"))["now"]

    asyncio.run(end())


def test_ending_one_session_by_its_id(anybody: Shop) -> None:
    """The socket of that session ends, the one that asked stays."""
    person = registered(anybody)
    elsewhere = anybody.sign_in(person.user["email"], PASSWORD)
    sessions = person.get("/users/me/sessions")["items"]
    (other,) = (one["id"] for one in sessions if not one["current"])

    async def end() -> None:
        async with line(person) as kept, line(elsewhere) as lost:
            await off_loop(person, "DELETE", f"/users/me/sessions/{other}", expect=204)
            assert (await lost.push("session.revoked"))["data"] == {"reason": "revoked"}
            await lost.ended()
            assert (await kept.ack("ping"))["now"]

    asyncio.run(end())


def logged_out_everywhere(person: Shop) -> None:
    """Every session of the person is ended."""
    person.ask("POST", "/users/logout-all", None, expect=204)


def another_second_factor(person: Shop) -> None:
    """A second factor is set up from elsewhere."""
    elsewhere = person.sign_in(person.user["email"], PASSWORD)
    made = elsewhere.ask("POST", "/users/me/mfa/totp", {"password": PASSWORD})
    confirmed = {"code": code(made["secret"])}
    elsewhere.ask("POST", "/users/me/mfa/totp/confirm", confirmed)


@pytest.mark.parametrize(
    ("ends", "reason"),
    [(logged_out_everywhere, "logout_all"), (another_second_factor, "mfa_changed")],
)
def test_whatever_ends_the_session_ends_its_socket(
    anybody: Shop, omar: Shop, ends: Callable[[Shop], None], reason: str
) -> None:
    """The reason is told, the socket closed, nobody else's."""
    person = registered(anybody)

    async def end() -> None:
        async with line(omar) as other, line(person) as socket:
            await asyncio.to_thread(ends, person)
            assert (await socket.push("session.revoked"))["data"] == {"reason": reason}
            await socket.ended()
            assert (await other.ack("ping"))["now"]

    asyncio.run(end())


def test_a_stolen_refresh_token_ends_the_socket_of_its_session(anybody: Shop) -> None:
    """The session whose old token came back is over, and so is its socket."""
    person = registered(anybody)
    signed = {"email": person.user["email"], "password": PASSWORD}
    tokens = person.ask("POST", "/users/login", signed)["tokens"]
    caller = Shop(person.api_url, tokens["access_token"], person.user)
    stolen = {"refresh_token": tokens["refresh_token"]}

    def reuse() -> None:
        fresh = anybody.ask("POST", "/users/token/refresh", stolen)
        anybody.ask("POST", "/users/token/refresh", {"refresh_token": fresh["refresh_token"]})
        assert anybody.call("POST", "/users/token/refresh", stolen).status == 401

    async def end() -> None:
        async with line(caller) as socket, line(person) as kept:
            await asyncio.to_thread(reuse)
            told = await socket.push("session.revoked")
            assert told["data"] == {"reason": "refresh_reuse"}
            await socket.ended()
            assert (await kept.ack("ping"))["now"]

    asyncio.run(end())


def test_operations_hear_of_dead_letters(shop: RunningShop, admin: Shop) -> None:
    """Poison in a queue is told on `ops` with its cause, and again once it is put away."""
    sqs = shop.client("sqs")
    url = sqs.get_queue_url(QueueName="souk-local-push")["QueueUrl"]
    mark = uuid.uuid4().hex

    async def listen() -> None:
        async with line(admin) as socket:
            await socket.ack("sub.add", topic="ops")
            body = json.dumps({"detail-type": mark})
            await asyncio.to_thread(sqs.send_message, QueueUrl=url, MessageBody=body)
            told = await socket.until(
                lambda one: one.get("type") == "ops.dead_letter" and mark in one["data"]["cause"],
                within_s=120,
            )
            expected = {"dead_letter_id", "source", "kind", "cause", "status"}
            assert set(told["data"]) == expected
            assert (told["data"]["kind"], told["data"]["status"]) == ("queue", "OPEN")
            letter = told["data"]["dead_letter_id"]
            await off_loop(admin, "DELETE", f"/ops/dead-letters/{letter}", expect=204)
            gone = await socket.push("ops.dead_letter", lambda d: d["status"] == "DELETED")
            assert gone["seq"] > told["seq"]

    asyncio.run(listen())
