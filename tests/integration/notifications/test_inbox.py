"""The inbox in the shop, over HTTP."""

from collections.abc import Iterator

import pytest

from chalicelib.aws.tables import core_table
from chalicelib.aws.writes import Put
from tests.cloud import cloud
from tests.front_door import FrontDoor, Member, member


@pytest.fixture(autouse=True)
def _cloud() -> Iterator[None]:
    with cloud():
        yield


def told(user: Member, count: int) -> list[str]:
    """Put notifications into the inbox of a user; their ids, oldest first."""
    ids = [f"ntf_{number:026d}" for number in range(count)]
    for one in ids:
        item = {
            "pk": f"USER#{user.id}",
            "sk": f"NTF#{one}",
            "id": one,
            "user_id": user.id,
            "kind": "order",
            "title": "Order confirmed",
            "body": "Your order is paid.",
            "ref": {"type": "order", "id": "ord_1"},
            "created_at": "2026-03-01T12:00:00.000Z",
            "gsi1pk": f"USER#{user.id}#UNREAD",
            "gsi1sk": one,
        }
        core_table().write(Put(item))
    return ids


@pytest.mark.covers(15)
def test_an_inbox_is_read_newest_first_and_marked() -> None:
    """Reading one lowers the count and takes it out of the unread list; again is fine."""
    amina = member()
    ids = told(amina, 3)
    reply = amina.door.get("/users/me/notifications")
    assert reply.status == 200
    assert [one["id"] for one in reply.body["items"]] == ids[::-1]
    assert (reply.body["unread"], reply.body["next"]) == (3, None)
    assert reply.body["items"][0] == {
        "id": ids[2],
        "kind": "order",
        "title": "Order confirmed",
        "body": "Your order is paid.",
        "ref": {"type": "order", "id": "ord_1"},
        "read": False,
        "created_at": "2026-03-01T12:00:00.000Z",
    }
    for _ in range(2):
        assert amina.door.post(f"/users/me/notifications/{ids[1]}/read").status == 204
    unread = amina.door.get("/users/me/notifications?unread=true").body
    assert ([one["id"] for one in unread["items"]], unread["unread"]) == ([ids[2], ids[0]], 2)
    assert amina.door.get("/users/me/notifications").body["items"][1]["read"] is True


def test_a_hundred_stands_for_more_and_all_can_be_read_at_once() -> None:
    """The count stops at 100; read-all leaves nothing unread."""
    amina = member()
    told(amina, 104)
    first = amina.door.get("/users/me/notifications?limit=100").body
    assert (len(first["items"]), first["unread"]) == (100, 100)
    rest = amina.door.get(f"/users/me/notifications?limit=100&cursor={first['next']}").body
    assert len(rest["items"]) == 4
    assert amina.door.post("/users/me/notifications/read-all").status == 204
    assert amina.door.get("/users/me/notifications?unread=true").body["unread"] == 0


def test_inboxes_are_their_owners() -> None:
    """A stranger is 401; somebody else's, an unknown and a malformed id are 404."""
    amina, bruno = member(), member("bruno@souk.example")
    (one,) = told(amina, 1)
    assert FrontDoor().get("/users/me/notifications").status == 401
    assert bruno.door.get("/users/me/notifications").body["items"] == []
    for path in (one, "ntf_01J00000000000000000000000", "nonsense"):
        assert bruno.door.post(f"/users/me/notifications/{path}/read").status == 404
    assert amina.door.get("/users/me/notifications").body["unread"] == 1
