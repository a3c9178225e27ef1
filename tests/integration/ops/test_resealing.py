"""The command that re-seals: afterwards no row needs an older key, and nothing was lost."""

import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from chalicelib.aws.encryption import Sealer
from chalicelib.aws.idempotency import KEPT_S
from chalicelib.aws.resealing import Resealing
from chalicelib.aws.rotation import Rotation
from chalicelib.aws.secrets import CACHE_S, KeyRing, secrets
from chalicelib.aws.settings import settings
from chalicelib.aws.table import Table
from chalicelib.aws.tables import core_table
from chalicelib.kernel.errors import Unavailable
from chalicelib.kernel.ids import Ids
from chalicelib.ops import resealing
from chalicelib.orders.keys import order_key
from chalicelib.users import events, keys
from chalicelib.users.codes import STEP_S
from chalicelib.users.resealing import sealed_fields_of_user
from chalicelib.users.sealed_rows import place
from tests.cloud import bare_client
from tests.front_door import PASSWORD, FrontDoor, Member, member
from tests.integration.orders.shop import ADDRESS, Shop, a_shop
from tests.second_factor import code_at, with_mfa

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEAL = re.compile(r"^s1\.(k\d+)\.")
DAY_S = 86_400


class Souk:
    """A shop whose time moves, with everything that rests sealed in it."""

    def __init__(self, shop: Shop, clock: Any) -> None:
        self.shop, self.clock = shop, clock
        self.variant = shop.a_variant(stock=1_000)
        self.people: list[Member] = []
        self.secrets: dict[str, bytes] = {}
        self.orders: dict[str, str] = {}

    def join(self) -> Member:
        """One more customer, with a second factor."""
        one, secret, _ = with_mfa(member(f"m{len(self.people)}@souk.example"), self.clock)
        self.people.append(one)
        self.secrets[one.id] = secret
        return one

    def order(self, one: Member) -> str:
        """An order of theirs."""
        asked = {
            "lines": [{"variant_id": self.variant, "quantity": 1}],
            "shipping_address": ADDRESS,
            "payment_token": "tok_approve",
        }
        key = {"Idempotency-Key": Ids().new("key")}
        placed = one.door.call("POST", "/orders", asked, key)
        assert placed.status == 202, placed.body
        order_id = str(placed.body["order"]["id"])
        self.orders[order_id] = one.id
        return order_id

    def sign_in_again(self, one: Member) -> None:
        """A new session with both factors: tokens last for a quarter of an hour."""
        self.later(2 * STEP_S)
        first = one.door.post("/users/login", {"email": one.email, "password": PASSWORD}).body
        code = {"challenge": first["challenge"], "code": code_at(self.secrets[one.id])}
        signed_in = one.door.post("/users/login/mfa", code)
        assert signed_in.status == 200, signed_in.body
        one.door = FrontDoor(signed_in.body["tokens"]["access_token"])

    def later(self, seconds: float) -> None:
        """Time passes, for the caches too."""
        self.clock.shift(seconds)
        secrets.cache_clear()

    def rotate(self) -> None:
        """All rings one version on, and everybody has noticed."""
        manager = bare_client("secretsmanager")
        Rotation(manager, settings().secret_id, Ids().token_bytes, sleep=lambda _: None).rotate(
            events.ROTATED
        )
        self.later(CACHE_S)

    def ring(self) -> KeyRing:
        """The ring of sealed fields as stored."""
        return resealing.read_ring(bare_client("secretsmanager"))[0]

    def forget_older_keys(self) -> None:
        """The ring without what lies between its first version and the current one.

        The first one also makes the pepper and the look-up keys, which are for ever.
        """
        ring = self.ring()
        kept = {name: ring.versions[name] for name in ("k1", ring.current)}
        bare_client("secretsmanager").put_secret_value(
            SecretId=settings().secret_id("identity"),
            SecretString=KeyRing(ring.current, kept).written(),
        )
        secrets.cache_clear()

    def seals(self) -> Iterator[tuple[dict[str, Any], str]]:
        """Every seal of the table with its row, wherever in the row it is."""
        for row in self.shop.rows():
            for value in _strings(row):
                if found := SEAL.match(value):
                    yield row, found[1]

    def everything_reads(self) -> None:
        """Addresses, orders and second factors answer as on the first day."""
        for one in self.people:
            self.sign_in_again(one)
            again = one.door.get("/users/me/addresses")
            assert again.status == 200, again.body
            assert {item["line1"] for item in again.body["items"]} <= {"12 Canal Street", "Moved"}
        owners = {one.id: one for one in self.people}
        for order_id, owner in self.orders.items():
            shown = owners[owner].door.get(f"/orders/{order_id}")
            assert shown.body["shipping_address"]["line1"] == ADDRESS["line1"]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


HOME = {
    "name": "Amina", "line1": "12 Canal Street", "city": "Berlin", "postal_code": "10115",
    "country": "DE",
}  # fmt: skip


@pytest.fixture
def souk() -> Iterator[Souk]:
    """A shop at noon."""
    with time_machine.travel(START, tick=False) as clock, a_shop() as shop:
        yield Souk(shop, clock)


def older_seals(souk: Souk) -> list[str]:
    """The rows that need an older key, but for kept answers that are about to go."""
    current = souk.ring().current
    gone_by = datetime.now(UTC) + timedelta(seconds=KEPT_S)
    return [
        f"{row['pk']} / {row['sk']}: {version}"
        for row, version in souk.seals()
        if version != current
        and not (row["pk"].startswith("IDEM#") and row["ttl"] <= gone_by.timestamp())
    ]


@pytest.mark.covers(87)
@pytest.mark.parametrize("seed", [1, 2])
def test_afterwards_no_row_needs_an_older_key(souk: Souk, seed: int) -> None:
    """After any mixture of sealing and rotating, older keys can go and everything still reads."""
    draws = random.Random(seed)
    souk.join()
    for _ in range(16):
        one = draws.choice(souk.people)
        souk.sign_in_again(one)
        match draws.choice(["address", "move", "order", "order", "rotate", "join", "days"]):
            case "address":
                one.door.post("/users/me/addresses", {**HOME, "is_default": draws.random() < 0.5})
            case "move":
                for item in one.door.get("/users/me/addresses").body["items"][:1]:
                    moved = {**HOME, "line1": "Moved"}
                    one.door.put(f"/users/me/addresses/{item['id']}", moved)
            case "order":
                souk.order(one)
            case "join" if len(souk.people) < 4:
                souk.join()
            case "rotate":
                souk.rotate()
            case _:
                souk.later(60)
    souk.rotate()
    assert older_seals(souk) != []
    assert resealing.main([f"{START:%Y-%m-%d}"]) == 0
    assert older_seals(souk) == []
    assert {row["pk"].partition("#")[0] for row, _ in souk.seals()} <= {"USER", "ORDER", "IDEM"}
    souk.forget_older_keys()
    souk.everything_reads()


def test_a_run_that_broke_off_goes_on_where_it_was(
    souk: Souk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The days that were told are done; the next run writes only what was left."""
    for _ in range(3):
        one = souk.join()
        one.door.post("/users/me/addresses", HOME)
        souk.later(DAY_S / 2)
    souk.rotate()
    table = core_table()
    writes: list[Any] = []

    def write(self: Table, change: Any) -> None:
        if len(writes) == 4:
            raise Unavailable
        writes.append(change.key)
        _write(self, change)

    _write = Table.write
    monkeypatch.setattr(Table, "write", write)
    with pytest.raises(Unavailable):
        resealing.main(["2026-03-01"])
    monkeypatch.undo()
    told = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in told] == ["2026-03-01"]
    assert resealing.main(["2026-03-02"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert sum(int(line.split(" ")[1]) for line in told[:-1]) == 2
    assert older_seals(souk) == []
    assert table.get(writes[0])


def test_a_change_meanwhile_is_not_lost(souk: Souk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write holds only for the seal that was read; the newer address stays, re-sealed too."""
    one = souk.join()
    home = one.door.post("/users/me/addresses", HOME).body
    older = secrets().ring("identity")
    souk.rotate()
    souk.sign_in_again(one)
    (field,) = [
        found
        for found in sealed_fields_of_user(core_table(), one.id)
        if found.key == keys.address_key(one.id, home["id"])
    ]
    moved = json.dumps({**_personal(home), "line1": "Moved"}).encode()
    opened = Sealer.open

    def overtaken(self: Any, sealed: str, where: str) -> bytes:
        monkeypatch.undo()
        # Somebody with an older ring, and past the store: the worst case.
        row = core_table().get(field.key) or {}
        stale = Sealer(lambda: older).seal(moved, place(field.key))
        souk.shop.put({**row, "sealed": stale})
        return opened(self, sealed, where)

    monkeypatch.setattr(Sealer, "open", overtaken)
    assert Resealing(core_table(), souk.ring()).renew(field)
    assert [item["line1"] for item in one.door.get("/users/me/addresses").body["items"]] == [
        "Moved"
    ]
    assert older_seals(souk) == [f"USER#{one.id} / MFA: k1"]


def _personal(address: dict[str, Any]) -> dict[str, Any]:
    shown = ("name", "line1", "line2", "city", "region", "postal_code", "phone")
    return {name: address[name] for name in shown}


def test_an_order_moves_on_while_it_is_re_sealed(souk: Souk) -> None:
    """No version is used up, so a step that read the order before is not refused."""
    one = souk.join()
    order_id = souk.order(one)
    before = core_table().get(order_key(order_id)) or {}
    souk.rotate()
    assert resealing.main(["2026-03-01"]) == 0
    after = core_table().get(order_key(order_id)) or {}
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"shipping_address"}


def test_a_second_run_finds_nothing(souk: Souk, capsys: pytest.CaptureFixture[str]) -> None:
    """What rests under the current key costs one read and no write."""
    one = souk.join()
    one.door.post("/users/me/addresses", HOME)
    souk.order(one)
    souk.rotate()
    capsys.readouterr()
    assert resealing.main(["2026-03-01"]) == 0
    assert resealing.main(["2026-03-01"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "2026-03-01: 3 re-sealed"
    assert told[2] == "2026-03-01: 0 re-sealed"
    assert told[1] == "Under k2; no older key is needed from 2026-03-10 on."


def test_a_broken_seal_is_named_and_the_rest_goes_on(
    souk: Souk, capsys: pytest.CaptureFixture[str]
) -> None:
    """One row that no key opens does not keep the others under the older key."""
    one = souk.join()
    one.door.post("/users/me/addresses", HOME)
    row = core_table().get(keys.mfa_key(one.id)) or {}
    souk.shop.put({**row, "sealed": row["sealed"][:-8] + "AAAAAAA="})
    souk.rotate()
    assert resealing.main(["2026-03-01"]) == 1
    assert older_seals(souk) == [f"USER#{one.id} / MFA: k1"]
    assert f"USER#{one.id} MFA" in capsys.readouterr().err


def test_it_waits_until_every_function_knows_the_key(souk: Souk) -> None:
    """For five minutes after a rotation somebody may still seal under the key before."""
    souk.join()
    souk.rotate()
    souk.clock.shift(-1)
    assert resealing.main(["2026-03-01"]) == 1
    souk.clock.shift(1)
    assert resealing.main(["2026-03-01"]) == 0


def test_without_a_day_it_begins_before_the_first_administrator(souk: Souk) -> None:
    """Nobody appointed yet: the day has to be named."""
    souk.later(CACHE_S)
    assert resealing.main([]) == 2
    souk.shop.put({"pk": "SEEN#users#first-admin", "sk": "META", "at": "2026-03-20T12:00:00.000Z"})
    souk.join().door.post("/users/me/addresses", HOME)
    souk.rotate()
    assert resealing.main([]) == 0
    assert older_seals(souk) == []
