"""Rooms full of people who talk, lose their connection and come back: nothing is missing.

`python -m bench.rooms --rooms 50 --members 20 --messages 100` against a running shop (`make run`)
prints the totals and fails unless every member got every message exactly once and in order after
dropping numbers it knows, and nobody else got anything. `--sockets 5` seats everybody five times:
`--rooms 1 --members 104 --sockets 5 --messages 20` is a room of 520, whose rest is told through the
queue.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from local.shop import Refused, Shop, TookTooLong
from local.socket_client import FrameRefused, LiveSocket

PASSWORD: Final = "demo-Souk-2026-pass"
# A connection listens to twenty topics, its own user among them.
ROOMS_A_SOCKET: Final = 19
PATIENCE_S: Final = 60.0
FRAMES_PAUSE_S: Final = 0.21
TRIES: Final = 50
UNAUTHENTICATED: Final = 401
# So many requests at once while people sign up and sit down.
SIDE_BY_SIDE: Final = 6


@dataclass(frozen=True, slots=True)
class Size:
    """How much is talked; `reconnecting` is the share of sockets that drop out once."""

    rooms: int = 50
    members: int = 20
    messages: int = 100
    reconnecting: float = 0.1
    sockets: int = 1
    seed: int = 1

    @property
    def deliveries(self) -> int:
        """How many messages must be heard."""
        return self.rooms * self.members * self.sockets * self.messages


@dataclass(slots=True)
class Totals:
    """What came of it."""

    deliveries: int = 0
    missing: int = 0
    out_of_order: int = 0
    to_strangers: int = 0
    repeats: int = 0
    reconnects: int = 0
    seconds: float = 0.0

    @property
    def is_right(self) -> bool:
        """Every promise held."""
        return not (self.missing or self.out_of_order or self.to_strangers)


@dataclass(slots=True)
class Seat:
    """One member in some rooms, by one socket at a time; `heard` are the numbers as they came."""

    caller: Shop
    rooms: list[str]
    socket: LiveSocket
    heard: dict[str, list[int]] = field(default_factory=dict)
    known: dict[str, set[int]] = field(default_factory=dict)
    repeats: int = 0
    _taken: int = 0

    async def sit(self) -> None:
        """Connect and ask for what was missed in every room."""
        self.socket = await self._connected()
        self._taken = 0
        for room in self.rooms:
            await self._catch_up(room)

    async def _connected(self) -> LiveSocket:
        try:
            return await LiveSocket(self.caller).open()
        except Refused as refused:
            if refused.answer.status != UNAUTHENTICATED:
                raise
        # Access tokens last a quarter of an hour.
        email = self.caller.user["email"]
        self.caller = await asyncio.to_thread(self.caller.sign_in, email, PASSWORD)
        return await LiveSocket(self.caller).open()

    async def _catch_up(self, room: str) -> None:
        while True:
            since = max(self.heard.get(room, [1]))
            answer = await patiently(self.socket, "sub.add", topic=f"conv:{room}", since=since)
            self.take()
            if answer["complete"]:
                return

    def take(self) -> None:
        """Look at what has arrived: known numbers are dropped, as clients do."""
        fresh = self.socket.received[self._taken :]
        self._taken = len(self.socket.received)
        for frame in fresh:
            if frame["type"] != "chat.message":
                continue
            room, seq = frame["data"]["conversation_id"], frame["seq"]
            known = self.known.setdefault(room, set())
            if seq in known:
                self.repeats += 1
                continue
            known.add(seq)
            self.heard.setdefault(room, []).append(seq)

    async def drop_out(self) -> None:
        """Lose the connection without a word, and come back."""
        self.take()
        await self.socket.close()
        self.take()
        await self.sit()


async def patiently(socket: LiveSocket, action: str, **data: Any) -> Any:
    """Ask again, under the same id, when it was too fast or no answer came (Any: JSON)."""
    frame_id = uuid.uuid4().hex
    for _ in range(TRIES):
        try:
            return await socket.ask(action, frame_id, **data)
        except FrameRefused as refused:
            if refused.code not in {"rate_limited", "unavailable"}:
                raise
            await asyncio.sleep(FRAMES_PAUSE_S)
        except TimeoutError:
            continue
    raise TookTooLong(f"{action} was not answered in {TRIES} tries")


def staff_member(shop: Shop, admin: Shop, number: int) -> Shop:
    """Sign up somebody for the desk, unless that was done before."""
    email = f"desk-{number:02d}@souk.example"
    account = {"email": email, "password": PASSWORD, "name": f"Desk {number}"}
    found = admin.get("/admin/users", email=email)["items"]
    if not found:
        shop.ask("POST", "/users/register", account, expect=202)
        found = admin.get("/admin/users", email=email)["items"]
    if found[0]["status"] == "UNVERIFIED":
        token = shop.mail(email, "verify_email", within_s=PATIENCE_S)["token"]
        shop.call("POST", "/users/verify-email", {"token": token})
    if found[0]["role"] != "support":
        admin.ask("POST", f"/admin/users/{found[0]['id']}/role", {"role": "support"})
    return shop.sign_in(email, PASSWORD)


def open_rooms(customer: Shop, count: int) -> list[str]:
    """Begin `count` conversations."""
    rooms = []
    for number in range(count):
        asked = {"subject": f"Room {number}", "text": "Hello", "client_id": uuid.uuid4().hex}
        begun = customer.ask("POST", "/chat/conversations", asked, expect=201)
        rooms.append(begun["conversation"]["id"])
    return rooms


async def seat_everybody(members: list[Shop], rooms: list[str], sockets: int) -> list[Seat]:
    """Every member in every room, on as many sockets as that takes, `sockets` times."""
    parts = [rooms[at : at + ROOMS_A_SOCKET] for at in range(0, len(rooms), ROOMS_A_SOCKET)]
    everybody = [(member, part) for member in members for part in parts for _ in range(sockets)]
    seats = [Seat(member, part, LiveSocket(member)) for member, part in everybody]
    gate = asyncio.Semaphore(SIDE_BY_SIDE)

    async def sit(seat: Seat) -> None:
        async with gate:
            await seat.sit()

    await asyncio.gather(*(sit(seat) for seat in seats))
    return seats


async def talk(seats: list[Seat], size: Size) -> int:
    """Everybody says their share; some drop out on the way. How many reconnected."""
    draws = random.Random(size.seed)
    leavers = draws.sample(range(len(seats)), round(len(seats) * size.reconnecting))
    lines = shared_out(seats, size.messages)

    async def one(index: int, seat: Seat) -> None:
        mine = lines[id(seat)]
        leaves_at = draws.randrange(1, max(2, len(mine))) if index in leavers else None
        for said, (room, number) in enumerate(mine):
            if said == leaves_at:
                await seat.drop_out()
            await patiently(seat.socket, "chat.send", conversation_id=room, text=f"line {number}")
            await asyncio.sleep(FRAMES_PAUSE_S)
        if leaves_at is not None and leaves_at >= len(mine):
            await seat.drop_out()

    await asyncio.gather(*(one(index, seat) for index, seat in enumerate(seats)))
    return len(leavers)


def shared_out(seats: list[Seat], messages: int) -> dict[int, list[tuple[str, int]]]:
    """Who says which line of which room, in turn."""
    by_room: dict[str, list[Seat]] = {}
    for seat in seats:
        for room in seat.rooms:
            by_room.setdefault(room, []).append(seat)
    lines: dict[int, list[tuple[str, int]]] = {id(seat): [] for seat in seats}
    for room, sitting in by_room.items():
        for number in range(messages):
            lines[id(sitting[number % len(sitting)])].append((room, number))
    return lines


async def wait_for_all(seats: list[Seat], last_seq: int) -> None:
    """Until everybody has everything, or nothing more comes for a while."""
    quiet_since, before = time.monotonic(), -1
    while time.monotonic() - quiet_since < PATIENCE_S:
        for seat in seats:
            seat.take()
        got = sum(len(heard) for seat in seats for heard in seat.heard.values())
        if got == sum(len(seat.rooms) for seat in seats) * (last_seq - 1):
            return
        if got != before:
            quiet_since, before = time.monotonic(), got
        await asyncio.sleep(0.2)


async def play(stack: dict[str, Any], size: Size) -> Totals:
    """Fill the rooms of a running shop and count (Any: the content of stack.json)."""
    shop = Shop(stack["api_url"])
    logins = stack["logins"]
    admin, customer = (
        shop.sign_in(logins[role]["email"], logins[role]["password"])
        for role in ("admin", "customer")
    )
    rooms = await asyncio.to_thread(open_rooms, customer, size.rooms)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        numbers = range(1, size.members + 1)
        members = list(pool.map(lambda number: staff_member(shop, admin, number), numbers))
        for room in rooms:
            path = f"/admin/chat/conversations/{room}/assign"
            list(pool.map(lambda member, at=path: member.ask("POST", at), members))
    stranger = await LiveSocket(shop.sign_in("bruno@souk.example", PASSWORD)).open()
    seats = await seat_everybody(members, rooms, size.sockets)
    started = time.monotonic()
    reconnects = await talk(seats, size)
    last_seq = size.messages + 1
    await wait_for_all(seats, last_seq)
    totals = count(seats, stranger, last_seq)
    totals.seconds, totals.reconnects = round(time.monotonic() - started, 1), reconnects
    for seat in seats:
        await seat.socket.close()
    await stranger.close()
    return totals


def count(seats: list[Seat], stranger: LiveSocket, last_seq: int) -> Totals:
    """Compare what everybody heard with what was said (the first line was said before)."""
    totals = Totals()
    for seat in seats:
        totals.repeats += seat.repeats
        for room in seat.rooms:
            heard = seat.heard.get(room, [])
            totals.deliveries += len(heard)
            totals.missing += last_seq - 1 - len(heard)
            totals.out_of_order += sum(a > b for a, b in itertools.pairwise(heard))
    totals.to_strangers = sum(one["topic"].startswith("conv:") for one in stranger.received)
    return totals


def main() -> int:
    """Play against the shop whose stack.json is named."""
    options = argparse.ArgumentParser(prog="python -m bench.rooms", description=__doc__)
    options.add_argument("--stack", default=".local/stack.json", help="stack.json of the shop")
    options.add_argument("--rooms", type=int, default=50)
    options.add_argument("--members", type=int, default=20)
    options.add_argument("--messages", type=int, default=100)
    options.add_argument("--reconnecting", type=float, default=0.1)
    options.add_argument("--sockets", type=int, default=1, help="sockets of a member")
    given = options.parse_args()
    stack = json.loads(Path(given.stack).read_text())
    size = Size(given.rooms, given.members, given.messages, given.reconnecting, given.sockets)
    totals = asyncio.run(play(stack, size))
    sys.stdout.write(f"{totals} of {size.deliveries}\n")
    return 0 if totals.is_right and totals.deliveries == size.deliveries else 1


if __name__ == "__main__":
    sys.exit(main())
