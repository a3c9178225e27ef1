"""Rotation of key rings under traffic: many processes, old caches, and not one refusal."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from chalice.test import Client

from chalicelib.aws import rotation as rotation_module
from chalicelib.aws.encryption import Sealer
from chalicelib.aws.rotation import PENDING_PAUSE_S, RotatedMeanwhile, Rotation
from chalicelib.aws.secrets import CACHE_S, KeyRing, Secrets
from chalicelib.edge.tokens import RingKeys, Subject, TokenIssuer, TokenVerifier, own_issuer
from chalicelib.kernel.ids import Ids
from chalicelib.users.credentials import SessionCredentials
from chalicelib.users.rules import Session
from tests.cloud import STAGE, bare_client, cloud

SECRETS = {"tokens": False, "identity": True}
USER, SESSION, JTI = (Ids().new(prefix) for prefix in ("usr", "ses", "jti"))


def secret_id(name: str) -> str:
    """Where the cloud keeps a ring."""
    return f"souk/test/{name}"


class Process:
    """One Lambda sandbox: its own cache of the rings, on a clock that all share."""

    def __init__(self, manager: Any, monotonic: Callable[[], float]) -> None:
        held = Secrets(manager, secret_id, monotonic)

        def ring(name: str, *, is_fresh: bool = False) -> Callable[[], KeyRing]:
            return lambda: held.ring(name, is_fresh=is_fresh)

        keys = RingKeys(ring("tokens"), ring("tokens", is_fresh=True))
        self.issuer = TokenIssuer("test", ring("tokens"))
        self.verifier = TokenVerifier([own_issuer("test", keys)])
        fresh_identity = ring("identity", is_fresh=True)
        self.sealer = Sealer(ring("identity"), fresh_ring=fresh_identity)
        self.sessions = SessionCredentials(self.issuer, ring("identity"), fresh_identity, Ids())


class Traffic:
    """Every process reads what every other one has made."""

    def __init__(self) -> None:
        self.now = 0.0
        manager = bare_client("secretsmanager")
        self.processes = [Process(manager, lambda: self.now) for _ in range(4)]
        self.checked = 0
        self.stored: list[str] = []

    def flow(self) -> None:
        """Tokens, refresh tokens and sealed fields from each process to each other."""
        for maker, reader in itertools.product(self.processes, self.processes):
            token = maker.issuer.issue(Subject(USER, SESSION, 1, "customer"), JTI, NOON)
            assert reader.verifier.verify(token)["sub"] == USER
            refresh = maker.sessions.refresh(a_session())
            assert reader.sessions.read_refresh(refresh) == (USER, SESSION, 3)
            self.stored.append(maker.sealer.seal(b"secret", "place"))
            assert reader.sealer.open(self.stored[-1], "place") == b"secret"
            self.checked += 3

    def pass_time(self, seconds: float) -> None:
        """Let time go by in steps, with traffic at each."""
        for _ in range(6):
            self.now += seconds / 6
            self.flow()


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_session() -> Session:
    """A session in its third generation."""
    at = "2026-03-01T12:00:00.000Z"
    return Session(SESSION, USER, 1, 3, at, "", "", at, at, at)


class Interrupted:
    """Secrets Manager with something happening before and after each call."""

    def __init__(self, happening: Callable[[], None]) -> None:
        self._manager = bare_client("secretsmanager")
        self._happening = happening

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self._happening()
            reply = getattr(self._manager, operation)(**request)
            self._happening()
            return reply

        return call


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with cloud(), time_machine.travel(NOON, tick=False):
        yield


def ring_of(name: str) -> KeyRing:
    """The ring as stored."""
    written = bare_client("secretsmanager").get_secret_value(
        SecretId=secret_id(name), VersionStage="AWSCURRENT"
    )
    return KeyRing.parse(written["SecretString"])


@pytest.mark.covers(78)
def test_rotation_under_traffic_refuses_nothing() -> None:
    """Through five rotations, with caches of every age, no token and no field is refused."""
    traffic = Traffic()
    traffic.flow()
    rotation = Rotation(
        Interrupted(traffic.flow), secret_id, Ids().token_bytes, sleep=traffic.pass_time
    )
    for _ in range(5):
        # Old caches on purpose: some processes read the ring long before, some just now.
        traffic.pass_time(CACHE_S - PENDING_PAUSE_S)
        rotation.rotate(SECRETS)
        traffic.pass_time(CACHE_S)
    assert traffic.checked > 5_000
    assert ring_of("tokens").current == "k6"
    assert ring_of("tokens").previous == "k5"
    assert set(ring_of("tokens").versions) == {"k5", "k6"}
    assert set(ring_of("identity").versions) == {f"k{n}" for n in range(1, 7)}
    for sealed in traffic.stored:
        assert traffic.processes[0].sealer.open(sealed, "place") == b"secret"


def test_tokens_of_two_rotations_ago_are_refused() -> None:
    """The key before the previous one is gone from the ring of the tokens."""
    traffic = Traffic()
    token = traffic.processes[0].issuer.issue(Subject(USER, SESSION, 1, "customer"), JTI, NOON)
    rotation = Rotation(
        bare_client("secretsmanager"), secret_id, Ids().token_bytes, sleep=lambda _: None
    )
    rotation.rotate(SECRETS)
    assert RingKeys(lambda: ring_of("tokens"), lambda: ring_of("tokens")).key("k1") is not None
    rotation.rotate(SECRETS)
    assert RingKeys(lambda: ring_of("tokens"), lambda: ring_of("tokens")).key("k1") is None
    assert token


@pytest.mark.covers(85)
def test_a_run_that_broke_off_is_finished_by_the_next() -> None:
    """The pending version left behind becomes current; none is made beside it."""

    def die(_: float) -> None:
        raise TimeoutError

    manager = bare_client("secretsmanager")
    with pytest.raises(TimeoutError):
        Rotation(manager, secret_id, Ids().token_bytes, sleep=die).rotate(SECRETS)
    assert (ring_of("tokens").current, ring_of("tokens").pending) == ("k1", "k2")
    Rotation(manager, secret_id, Ids().token_bytes, sleep=lambda _: None).rotate(SECRETS)
    assert (ring_of("tokens").current, ring_of("tokens").pending) == ("k2", None)


def test_a_schedule_that_fires_twice_rotates_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second call finds what the first has just made; a month later it is due again."""
    import app

    monkeypatch.setattr(rotation_module, "PENDING_PAUSE_S", 0)
    with Client(app.app, stage_name=STAGE) as client:
        event = client.events.generate_cw_event("aws.events", "Scheduled Event", {}, [])
        for _ in range(2):
            client.lambda_.invoke("rotate_secrets", event)
            assert ring_of("tokens").current == "k2"
        with time_machine.travel(NOON + timedelta(days=30), tick=False):
            client.lambda_.invoke("rotate_secrets", event)
    assert (ring_of("tokens").current, ring_of("tokens").previous) == ("k3", "k2")


def test_two_rotations_at_once_do_not_both_win() -> None:
    """The second one to promote finds nothing pending, and the ring as the first left it."""
    manager = bare_client("secretsmanager")
    first = Rotation(manager, secret_id, Ids().token_bytes, sleep=lambda _: None)

    def meanwhile(_: float) -> None:
        first.rotate(SECRETS)

    with pytest.raises(RotatedMeanwhile):
        Rotation(manager, secret_id, Ids().token_bytes, sleep=meanwhile).rotate(SECRETS)
    assert ring_of("tokens").current == "k2"


def test_an_unknown_key_is_asked_for_once_in_ten_seconds() -> None:
    """A stream of forged key ids is not a stream of calls to Secrets Manager."""
    calls = []

    class Counting:
        def get_secret_value(self, **request: Any) -> Any:
            calls.append(request)
            return bare_client("secretsmanager").get_secret_value(**request)

    now = [0.0]
    held = Secrets(Counting(), secret_id, lambda: now[0])
    keys = RingKeys(lambda: held.ring("tokens"), lambda: held.ring("tokens", is_fresh=True))
    for _ in range(50):
        assert keys.key("k99") is None
    assert len(calls) == 1
    now[0] = 11.0
    for _ in range(50):
        assert keys.key("k99") is None
    assert len(calls) == 2
