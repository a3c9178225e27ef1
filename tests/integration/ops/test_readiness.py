"""Health and readiness over HTTP."""

import json
from collections.abc import Iterator

import pytest
from chalice.test import Client

from app import app
from tests.cloud import STAGE, bare_client, cloud, forget_caches


@pytest.fixture
def client() -> Iterator[Client]:
    """The app in front of an AWS in this process."""
    with cloud(), Client(app, stage_name=STAGE) as made:
        yield made


def test_ready_names_what_answers(client: Client) -> None:
    """With both tables and the secrets in place the shop is ready."""
    response = client.http.get("/ready")
    assert response.status_code == 200
    checks = {"core": "ok", "live": "ok", "secrets": "ok"}
    assert json.loads(response.body) == {"status": "ok", "checks": checks}


def test_not_ready_without_a_table(client: Client) -> None:
    """A missing table is 503 in the envelope, with Retry-After."""
    bare_client("dynamodb").delete_table(TableName=f"souk-{STAGE}-live")
    response = client.http.get("/ready")
    assert response.status_code == 503
    assert json.loads(response.body)["error"]["code"] == "unavailable"
    assert response.headers["Retry-After"] == "1"


def test_not_ready_with_a_broken_secret(client: Client) -> None:
    """A secret that is no key ring is 503, not a crash."""
    bare_client("secretsmanager").put_secret_value(
        SecretId=f"souk/{STAGE}/links", SecretString="short"
    )
    forget_caches()
    assert client.http.get("/ready").status_code == 503
