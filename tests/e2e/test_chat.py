"""Conversations and pushes over real sockets, on the shop that `make run` starts."""

import asyncio
import uuid

import pytest
import websockets

from bench.rooms import Size, play
from local.shop import Shop
from local.socket_client import FrameRefused, LiveSocket
from tests.e2e.conftest import RunningShop

pytestmark = pytest.mark.timeout(240)


def opened(customer: Shop) -> str:
    """A new conversation of the customer."""
    asked = {"subject": "Lamp", "text": "Where is it?", "client_id": uuid.uuid4().hex}
    begun = customer.ask("POST", "/chat/conversations", asked, expect=201)
    return str(begun["conversation"]["id"])


@pytest.mark.covers(31)
@pytest.mark.covers(33)
def test_conversation_from_both_sides(shop: RunningShop) -> None:
    """Each side gets each message once, in order; a reconnecting one exactly what it missed."""
    customer, agent = shop.signed_in("customer"), shop.signed_in("support")
    room = opened(customer)

    async def talk() -> None:
        async with LiveSocket(agent) as desk:
            buyer = await LiveSocket(customer).open()
            for side in (buyer, desk):
                heard = await side.ask("sub.add", topic=f"conv:{room}")
                assert heard["last_seq"] == 1
            agent.ask("POST", f"/admin/chat/conversations/{room}/assign")
            sent = await buyer.ask("chat.send", conversation_id=room, text="Hello?")
            assert sent["seq"] == 2
            for side in (buyer, desk):
                assert (await side.next_push("chat.message"))["seq"] == 2
            await buyer.close()
            for number in (3, 4):
                await desk.ask("chat.send", conversation_id=room, text=f"line {number}")
            async with LiveSocket(customer) as again:
                caught_up = await again.ask("sub.add", topic=f"conv:{room}", since=2)
                assert caught_up["complete"] is True
                told = [one["seq"] for one in again.received if one["type"] == "chat.message"]
                assert list(dict.fromkeys(told)) == [3, 4]
                with pytest.raises(FrameRefused, match="forbidden"):
                    await again.ask("sub.add", topic="desk")

    asyncio.run(talk())


def test_order_is_followed_on_a_socket(shop: RunningShop) -> None:
    """`order.updated` up to PAID, and the notification, numbered without gaps."""
    customer = shop.signed_in("customer")
    product = shop.anonymous.get("/products/by-slug/paper-star")
    order = {
        "lines": [{"variant_id": product["variants"][0]["id"], "quantity": 1}],
        "shipping_address": {
            "name": "Amina",
            "line1": "Rue 1",
            "city": "Fes",
            "postal_code": "30000",
            "country": "MA",
        },
        "payment_token": "tok_approve",
    }

    async def follow() -> None:
        async with LiveSocket(customer) as socket:
            placed = await asyncio.to_thread(customer.post_once, "/orders", order, expect=202)
            order_id = placed["order"]["id"]
            statuses = []
            async with asyncio.timeout(60):
                while "PAID" not in statuses:
                    told = await socket.next_push("order.updated", within_s=60)
                    if told["data"]["order_id"] == order_id:
                        statuses.append(told["data"]["status"])
                if not any(one["type"] == "notification.new" for one in socket.received):
                    await socket.next_push("notification.new", within_s=60)
            numbers = sorted({one["seq"] for one in socket.received if one["seq"] is not None})
            assert numbers == list(range(numbers[0], numbers[-1] + 1))

    asyncio.run(follow())


def test_logout_closes_the_sockets_of_that_session_only(shop: RunningShop) -> None:
    """The push tells why, then the gateway closes; another session's socket stays."""
    leaving, staying = shop.signed_in("customer"), shop.signed_in("customer")

    async def leave() -> None:
        async with LiveSocket(staying) as kept:
            gone = await LiveSocket(leaving).open()
            await asyncio.to_thread(leaving.ask, "POST", "/users/logout", None, expect=204)
            told = await gone.next_push("session.revoked")
            assert told["data"] == {"reason": "logout"}
            async with asyncio.timeout(20):
                await gone.closed()
            assert (await kept.ask("ping"))["now"]

    asyncio.run(leave())


@pytest.mark.covers(32)
def test_ticket_is_good_once(shop: RunningShop) -> None:
    """The second handshake with a ticket is refused."""
    ticket = shop.signed_in("customer").ask("POST", "/chat/tickets", None, expect=201)

    async def twice() -> None:
        async with websockets.connect(ticket["url"]):
            pass
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(ticket["url"])
        assert refused.value.response.status_code == 401

    asyncio.run(twice())


def test_rooms_lose_nothing(shop: RunningShop) -> None:
    """Everybody hears everything in order, though half of them drop out on the way."""
    size = Size(rooms=2, members=3, messages=12, reconnecting=0.5)
    totals = asyncio.run(play(shop.info, size))
    assert totals.is_right, totals
    assert totals.deliveries == size.rooms * size.members * size.messages
