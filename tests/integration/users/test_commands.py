"""Commands of whoever deploys: first administrator, rotation, re-sealing."""

from collections.abc import Iterator

import pytest
import time_machine

from chalicelib.aws.rotation import Rotation
from chalicelib.aws.secrets import secrets
from chalicelib.aws.settings import settings
from chalicelib.aws.tables import core_table
from chalicelib.kernel.ids import Ids
from chalicelib.users import events, first_admin, keys, resealing, rotate
from tests.cloud import bare_client, cloud
from tests.front_door import member, sign_in, verified
from tests.second_factor import code_at, with_mfa

HOME = {
    "name": "Amina", "line1": "12 Canal Street", "city": "Berlin", "postal_code": "10115",
    "country": "DE",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with cloud():
        yield


def rotated() -> None:
    """All rings one version on, without the pause."""
    manager = bare_client("secretsmanager")
    rotation = Rotation(manager, settings().secret_id, Ids().token_bytes, sleep=lambda _: None)
    rotation.rotate(events.ROTATED)
    secrets.cache_clear()


def test_the_first_administrator_is_a_verified_user(capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown: refused; once: done; again: the same; somebody else: refused."""
    assert first_admin.main(["amina@souk.example"]) == 1
    verified("amina@souk.example")
    verified("bruno@souk.example")
    assert first_admin.main(["amina@souk.example"]) == 0
    assert first_admin.main(["amina@souk.example"]) == 0
    assert first_admin.main(["bruno@souk.example"]) == 1
    assert first_admin.main([]) == 2
    assert sign_in("amina@souk.example").door.get("/admin/users?role=admin").status == 200
    assert "first administrator" in capsys.readouterr().err


def test_sessions_outlive_a_rotation_and_not_two() -> None:
    """Refresh tokens of the version before are good, older ones are not."""
    amina = member()
    rotated()
    assert amina.door.get("/users/me").status == 200
    once = amina.door.post("/users/token/refresh", {"refresh_token": amina.refresh_token})
    assert once.status == 200
    rotated()
    rotated()
    late = amina.door.post("/users/token/refresh", {"refresh_token": once.body["refresh_token"]})
    assert late.code == "refresh_invalid"
    assert sign_in(amina.email).door.get("/users/me").status == 200


def test_the_rotation_command_knows_its_rings(capsys: pytest.CaptureFixture[str]) -> None:
    """A ring that is none is named, with those that are."""
    assert rotate.main(["gateway"]) == 2
    assert "tokens, identity, links, webhook" in capsys.readouterr().err


@pytest.mark.covers(87)
def test_resealing_moves_every_sealed_field_to_the_current_key() -> None:
    """Addresses and seeds open as before, under the new key; a second run finds nothing."""
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        amina, secret, _ = with_mfa(member(), clock)
        home = amina.door.post("/users/me/addresses", HOME).body
        rotated()
        assert resealing.main([]) == 2
        assert resealing.main(["2026-03-01"]) == 0
        address_key = keys.address_key(amina.id, home["id"])
        for key in (address_key, keys.mfa_key(amina.id)):
            row = core_table().get(key) or {}
            assert row["sealed"].split(".")[1] == "k2"
        assert amina.door.get("/users/me/addresses").body["items"] == [home]
        stepped_up = amina.door.post("/users/me/mfa/step-up", {"code": code_at(secret)})
        assert stepped_up.status == 204
        again = resealing.Resealing(core_table(), secrets().ring("identity"))
        assert again.of_user(amina.id) == 0
