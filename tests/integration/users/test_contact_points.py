"""Addresses, preferences, devices, sessions and activity through the front door."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.aws.table import Query
from chalicelib.aws.tables import core_table
from chalicelib.users import contact_points, keys
from chalicelib.users.people import people
from chalicelib.users.rules import Admitted
from chalicelib.users.schemas import AddressRequest
from chalicelib.users.wiring import deps
from tests.cloud import cloud
from tests.front_door import Member, member, sign_in

HOME: dict[str, Any] = {
    "name": "Amina Okafor",
    "line1": "12 Canal Street",
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
}


@pytest.fixture
def amina() -> Iterator[Member]:
    """Amina, signed in, in a fresh AWS."""
    with cloud():
        yield member()


def addresses(somebody: Member) -> list[dict[str, Any]]:
    """Somebody's address book."""
    items: list[dict[str, Any]] = somebody.door.get("/users/me/addresses").body["items"]
    return items


def test_addresses_are_kept_sealed_and_come_back_as_sent(amina: Member) -> None:
    """Every field is there; the row holds no personal word in clear."""
    made = amina.door.post("/users/me/addresses", HOME | {"line2": "2nd floor", "phone": None})
    assert made.status == 201
    assert made.body == HOME | {
        "id": made.body["id"], "label": "Home", "line2": "2nd floor", "region": None,
        "phone": None, "is_default": False,
    }  # fmt: skip
    assert addresses(amina) == [made.body]
    row = core_table().get(keys.address_key(amina.id, made.body["id"]))
    assert not any(word in json.dumps(row) for word in ("Okafor", "Canal", "Berlin", "10115"))


def test_only_one_address_is_the_default(amina: Member) -> None:
    """A new default takes the place of the old one, by POST and by PUT."""
    first = amina.door.post("/users/me/addresses", HOME | {"is_default": True}).body
    second = amina.door.post("/users/me/addresses", HOME | {"is_default": True}).body
    assert [one["is_default"] for one in addresses(amina)] == [False, True]
    again = amina.door.put(f"/users/me/addresses/{first['id']}", HOME | {"is_default": True})
    assert (again.status, again.body["is_default"]) == (200, True)
    assert [one["is_default"] for one in addresses(amina)] == [True, False]
    assert amina.door.delete(f"/users/me/addresses/{second['id']}").status == 204
    assert amina.door.delete(f"/users/me/addresses/{second['id']}").status == 404
    assert len(addresses(amina)) == 1


def test_the_twenty_first_address_is_refused(amina: Member) -> None:
    """Twenty addresses and no more."""
    for _ in range(20):
        contact_points.add_address(Admitted(amina.id, "", 1), AddressRequest(**HOME), deps())
    assert amina.door.post("/users/me/addresses", HOME).code == "limit_reached"
    assert len(addresses(amina)) == 20


def test_foreign_addresses_are_not_there(amina: Member) -> None:
    """Bruno can neither change nor delete Amina's address, and is told 404."""
    made = amina.door.post("/users/me/addresses", HOME).body
    bruno = member("bruno@souk.example")
    path = f"/users/me/addresses/{made['id']}"
    assert (bruno.door.put(path, HOME).status, bruno.door.delete(path).status) == (404, 404)
    assert addresses(amina) == [made]


def test_preferences_have_defaults_and_are_replaced_whole(amina: Member) -> None:
    """Mail on, everything else off; a part of them is 422; other slices read the new ones."""
    defaults = {"email": True, "sms": False, "push": False}
    first = amina.door.get("/users/me/preferences").body
    assert first == {"order_updates": defaults, "marketing_email": False}
    assert amina.door.put("/users/me/preferences", {"marketing_email": True}).status == 422
    wanted = {
        "order_updates": {"email": False, "sms": True, "push": True}, "marketing_email": True,
    }  # fmt: skip
    assert amina.door.put("/users/me/preferences", wanted).body == wanted
    assert amina.door.get("/users/me/preferences").body == wanted
    contact = people().contact_of(amina.id)
    assert contact is not None
    assert (contact.preferences.email, contact.preferences.sms) == (False, True)


def test_devices_are_listed_without_their_tokens(amina: Member) -> None:
    """A token known already stays one device; the eleventh is refused; deleting makes room."""
    first = amina.door.post("/users/me/devices", {"platform": "ios", "token": "token-00000"})
    assert (first.status, set(first.body)) == (201, {"id", "platform", "created_at"})
    again = amina.door.post("/users/me/devices", {"platform": "ios", "token": "token-00000"})
    assert again.body == first.body
    for number in range(1, 10):
        amina.door.post("/users/me/devices", {"platform": "web", "token": f"token-0000{number}"})
    full = amina.door.post("/users/me/devices", {"platform": "web", "token": "token-00010"})
    assert (full.status, full.code) == (409, "limit_reached")
    assert len(people().devices_of(amina.id)) == 10
    assert amina.door.delete(f"/users/me/devices/{first.body['id']}").status == 204
    assert len(amina.door.get("/users/me/devices").body["items"]) == 9


def test_sessions_are_listed_and_ended_one_by_one(amina: Member) -> None:
    """The list knows the session that asks; an ended one is gone from it."""
    other = sign_in(amina.email)
    listed = amina.door.get("/users/me/sessions").body["items"]
    assert [(one["id"], one["current"]) for one in listed] == [
        (other.session_id, False),
        (amina.session_id, True),
    ]
    assert set(listed[0]) == {
        "id", "device", "ip_hint", "current", "created_at", "last_used_at", "expires_at",
    }  # fmt: skip
    path = f"/users/me/sessions/{other.session_id}"
    assert member("bruno@souk.example").door.delete(path).status == 404
    assert amina.door.delete(path).status == 204
    assert other.door.get("/users/me").status == 401
    assert amina.door.delete(path).status == 404
    assert len(amina.door.get("/users/me/sessions").body["items"]) == 1


def test_activity_comes_newest_first_and_page_by_page(amina: Member) -> None:
    """Types, times and actors; the cursor goes on where the page ended."""
    amina.door.patch("/users/me", {"name": "Amina O."})
    first = amina.door.get("/users/me/activity?limit=2").body
    assert [one["type"] for one in first["items"]] == ["ProfileUpdated", "EmailVerified"]
    assert set(first["items"][0]) == {"type", "at", "actor"}
    rest = amina.door.get(f"/users/me/activity?limit=2&cursor={first['next']}").body
    assert [one["type"] for one in rest["items"]] == ["UserRegistered"]
    bruno = member("bruno@souk.example")
    stolen = bruno.door.get(f"/users/me/activity?limit=2&cursor={first['next']}")
    assert stolen.code == "invalid_cursor"


def test_staff_see_customers_masked(amina: Member) -> None:
    """Name and a masked address, nothing else; nobody is None."""
    brief = people().customer_brief(amina.id)
    assert brief is not None
    assert (brief.name, brief.email) == ("Amina", "a***@souk.example")
    assert people().customer_brief("usr_00000000000000000000000000") is None


def test_no_event_holds_personal_data(amina: Member) -> None:
    """Name, address and phone appear in no event row."""
    amina.door.patch("/users/me", {"name": "Amina Zed", "phone": "+4930123456"})
    query = Query(keys.partition(amina.id), "begins_with(#sk, :p)", {"p": "EVT#"})
    written = json.dumps(core_table().query(query).items)
    assert not any(word in written for word in ("Zed", "amina@", "+4930123456"))
