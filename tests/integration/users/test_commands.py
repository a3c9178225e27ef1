"""Commands of whoever deploys: first administrator and rotation."""

from collections.abc import Iterator

import pytest

from chalicelib.aws.rotation import Rotation
from chalicelib.aws.secrets import secrets
from chalicelib.aws.settings import settings
from chalicelib.kernel.ids import Ids
from chalicelib.users import events, first_admin, rotate
from tests.cloud import bare_client, cloud
from tests.front_door import member, sign_in, verified


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
