"""Identity on the embedded AWS: rotation under traffic, and how long an ended session reads."""

import base64
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.aws.secrets import CACHE_S
from local.functions import Functions, scheduled_event
from local.shop import Shop, wait_for
from tests.e2e.conftest import RunningShop

pytestmark = pytest.mark.timeout(240)

PASSWORD = "a perfectly fine phrase 26"
ROTATED = ("tokens", "identity", "links", "webhook")
HOME = {"name": "Amina", "line1": "1 Quay", "city": "Fes", "postal_code": "30000", "country": "MA"}
UNKNOWN_KEY = "/users/me/activity?cursor=" + base64.urlsafe_b64encode(
    bytes(16) + json.dumps(["k999999", 9_999_999_999, {}]).encode()
).decode().rstrip("=")
NEW_KEY_WITHIN_S = 60
READ_EVERY_S = 0.2
# The gateway's answer may arrive this much after the moment it was decided.
REPLY_MAX_S = 2.0


# --- people -----------------------------------------------------------------------------------
def newcomer(shop: RunningShop) -> str:
    """The address of a new account, verified by its mail."""
    email = registered(shop)
    verify(shop, email)
    return email


def registered(shop: RunningShop) -> str:
    """The address of a new account whose mail is under way."""
    email = f"e2e-{uuid.uuid4().hex[:12]}@souk.example"
    asked = {"email": email, "password": PASSWORD, "name": "Noor"}
    shop.anonymous.ask("POST", "/users/register", asked, expect=202)
    return email


def verify(shop: RunningShop, email: str) -> None:
    """Follow the link in the mail."""
    token = shop.anonymous.mail(email, "verify_email", within_s=30)["token"]
    shop.anonymous.ask("POST", "/users/verify-email", {"token": token}, expect=204)


def kid_of(token: str) -> str:
    """The key an access token was signed with."""
    head = token.split(".", maxsplit=1)[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=="))["kid"])


# --- rotation ---------------------------------------------------------------------------------
def ring_of(shop: RunningShop, name: str) -> dict[str, str]:
    """A key ring as stored."""
    secret = shop.client("secretsmanager").get_secret_value(
        SecretId=f"souk/{shop.info['stage']}/{name}", VersionStage="AWSCURRENT"
    )
    ring: dict[str, str] = json.loads(secret["SecretString"])
    return ring


def require_settled(shop: RunningShop) -> None:
    """Skip on a shop that was rotated a moment ago: two in a row end what the first key made."""
    secret = shop.client("secretsmanager").get_secret_value(
        SecretId=f"souk/{shop.info['stage']}/tokens", VersionStage="AWSCURRENT"
    )
    age_s = (datetime.now(UTC) - secret["CreatedDate"]).total_seconds()
    if "previous" in json.loads(secret["SecretString"]) and age_s < CACHE_S:
        pytest.skip(f"this shop was rotated {age_s:.0f} s ago: wait until it is {CACHE_S} s")


@dataclass
class Traffic:
    """Somebody who signs in, refreshes, reads and writes all the time, with every token so far."""

    shop: RunningShop
    email: str
    seen: Counter[tuple[str, int]] = field(default_factory=Counter)
    tokens: list[str] = field(default_factory=list)
    refresh: str = ""
    is_over: threading.Event = field(default_factory=threading.Event)

    def flow(self) -> None:
        """Until it is over."""
        while not self.is_over.is_set():
            self._sign_in()
            for _ in range(3):
                self._refresh()
                for token in {*self.tokens[-2:], self.tokens[0]}:
                    self._use(token)

    def _ask(self, method: str, path: str, body: object = None, token: str | None = None) -> Any:
        answer = Shop(self.shop.info["api_url"], token).call(method, path, body)
        self.seen[f"{method} {path.split('?', maxsplit=1)[0]}", answer.status] += 1
        return answer.body

    def _sign_in(self) -> None:
        asked = {"email": self.email, "password": PASSWORD}
        self._keep((self._ask("POST", "/users/login", asked) or {}).get("tokens", {}))

    def _refresh(self) -> None:
        self._keep(self._ask("POST", "/users/token/refresh", {"refresh_token": self.refresh}))

    def _keep(self, pair: dict[str, Any]) -> None:
        if "access_token" in pair:
            self.tokens.append(pair["access_token"])
            self.refresh = pair["refresh_token"]

    def _use(self, token: str) -> None:
        self._ask("GET", "/users/me", token=token)
        self._ask("PATCH", "/users/me", {}, token)
        self._ask("GET", "/users/me/addresses", token=token)
        # Whoever meets a key that is not known asks for the ring anew, so that this test need not
        # wait until all caches are five minutes old.
        answer = Shop(self.shop.info["api_url"], token).call("GET", UNKNOWN_KEY)
        self.seen["an unknown key", 200 if answer.status == 400 else answer.status] += 1


@pytest.fixture
def traffic(shop: RunningShop) -> Iterator[list[Traffic]]:
    """Three people at once."""
    people = [Traffic(shop, newcomer(shop)) for _ in range(3)]
    threads = [threading.Thread(target=one.flow, daemon=True) for one in people]
    for thread in threads:
        thread.start()
    yield people
    for one in people:
        one.is_over.set()
    for thread in threads:
        thread.join(60)


@pytest.mark.covers(78, 85)
def test_rotation_under_traffic_refuses_nobody(shop: RunningShop, traffic: list[Traffic]) -> None:
    """Pending, current, previous; tokens of both keys pass; not one 401 and not one 5xx."""
    before = {name: ring_of(shop, name) for name in ROTATED}
    require_settled(shop)
    waiting = registered(shop)
    owner = shop.anonymous.sign_in(traffic[0].email, PASSWORD)
    kept = owner.ask("POST", "/users/me/addresses", HOME, expect=201)
    wait_for(lambda: all(one.tokens for one in traffic) or None, "traffic", within_s=30)

    stages = _rotated(shop, before)

    assert stages == {name: ["stored", "pending", "current"] for name in ROTATED}
    for name, ring in before.items():
        now = ring_of(shop, name)
        assert (now["previous"], "pending" in now) == (ring["current"], False)
        assert now[now["previous"]] == ring[ring["current"]]
        assert now["current"] not in ring
    new_kid = ring_of(shop, "tokens")["current"]
    wait_for(
        lambda: all(kid_of(one.tokens[-1]) == new_kid for one in traffic) or None,
        f"tokens of {new_kid} for everybody",
        within_s=NEW_KEY_WITHIN_S,
    )
    time.sleep(3)
    seen = sum((one.seen for one in traffic), Counter[tuple[str, int]]())
    assert {kid_of(token) for one in traffic for token in one.tokens} == {
        before["tokens"]["current"],
        new_kid,
    }
    assert {asked: n for asked, n in seen.items() if asked[1] != 200} == {}
    assert sum(seen.values()) > 100
    # What the keys of before made is good as long as it would have been.
    assert [kid_of(one.tokens[0]) for one in traffic] == [before["tokens"]["current"]] * 3
    verify(shop, waiting)
    assert owner.get("/users/me/addresses")["items"] == [kept]


def _rotated(shop: RunningShop, before: dict[str, dict[str, str]]) -> dict[str, list[str]]:
    """Run the function of the schedule; the stages that the rings went through meanwhile."""
    stages: dict[str, list[str]] = {name: [] for name in before}
    ended: list[tuple[Any, bool, str]] = []

    def rotate() -> None:
        functions = Functions(shop.client)
        ended.append(functions.invoke("rotate_secrets", scheduled_event(datetime.now(UTC))))

    run = threading.Thread(target=rotate)
    _note(shop, before, stages)
    run.start()
    while run.is_alive():
        _note(shop, before, stages)
        time.sleep(READ_EVERY_S)
    _note(shop, before, stages)
    assert [failed for _, failed, _ in ended] == [False], ended
    return stages


def _note(
    shop: RunningShop, before: dict[str, dict[str, str]], stages: dict[str, list[str]]
) -> None:
    for name, ring in before.items():
        now = ring_of(shop, name)
        stage = "stored"
        if now["current"] != ring["current"]:
            stage = "current"
        elif "pending" in now:
            stage = "pending"
        if stages[name][-1:] != [stage]:
            stages[name].append(stage)


# --- the authorizer's cache -------------------------------------------------------------------
End = Callable[[RunningShop, Shop], None]


def logged_out(shop: RunningShop, caller: Shop) -> None:
    """Another device of theirs ends this session."""
    other = shop.anonymous.sign_in(caller.user["email"], PASSWORD)
    live = other.get("/users/me/sessions")["items"]
    (session_id,) = [one["id"] for one in live if not one["current"]]
    other.ask("DELETE", f"/users/me/sessions/{session_id}", expect=204)


def disabled(shop: RunningShop, caller: Shop) -> None:
    """An administrator closes the account."""
    path = f"/admin/users/{caller.user['id']}/disable"
    shop.signed_in("admin").ask("POST", path)


def demoted(shop: RunningShop, caller: Shop) -> None:
    """An administrator takes the role away."""
    path = f"/admin/users/{caller.user['id']}/role"
    shop.signed_in("admin").ask("POST", path, {"role": "customer"})


def ttl_of(shop: RunningShop) -> int:
    """How long the deployed gateway keeps an answer of the authorizer."""
    gateway = shop.client("apigateway")
    found = [
        one["authorizerResultTtlInSeconds"]
        for api in gateway.get_rest_apis()["items"]
        for one in gateway.get_authorizers(restApiId=api["id"])["items"]
    ]
    assert len(found) == 1
    return int(found[0])


@pytest.mark.covers(77)
@pytest.mark.parametrize(
    ("role", "end", "path"),
    [
        ("customer", logged_out, "/users/me"),
        ("customer", disabled, "/users/me"),
        ("support", demoted, "/admin/tickets"),
    ],
)
def test_an_ended_session_writes_no_more_and_reads_for_the_ttl_at_most(
    shop: RunningShop, role: str, end: End, path: str
) -> None:
    """Writes look again at once; a read that the gateway's cache lets in ends with its time."""
    ttl_s = ttl_of(shop)
    assert ttl_s == int(
        Functions(shop.client).environment("api_handler")["SOUK_AUTHORIZER_TTL_SECONDS"]
    )
    email = newcomer(shop)
    if role != "customer":
        user_id = shop.anonymous.sign_in(email, PASSWORD).user["id"]
        shop.signed_in("admin").ask("POST", f"/admin/users/{user_id}/role", {"role": role})
    caller = shop.anonymous.sign_in(email, PASSWORD)
    # The ending takes a few requests; the answer that is kept shall be a young one.
    end_at = time.monotonic()
    reading = _reading(caller, path)
    next(reading)
    end(shop, caller)
    ended_at = time.monotonic()
    writes = [caller.call("PATCH", "/users/me", {"name": "Mallory"}).status for _ in range(3)]
    assert writes == [401] * 3
    reads = list(reading)
    statuses = [status for _, status in reads]
    assert statuses == sorted(statuses)
    assert statuses[-1] == 401
    assert all(at - ended_at <= ttl_s + REPLY_MAX_S for at, status in reads if status == 200)
    if ended_at - end_at < ttl_s / 2:
        # This gateway caches: it is the bound that ended it, and not a look at the rows.
        assert statuses[0] == 200


def _reading(caller: Shop, path: str) -> Iterator[tuple[float, int]]:
    """When the caller read, with which status, up to the first refusal."""
    while True:
        asked_at = time.monotonic()
        status = caller.call("GET", path).status
        yield asked_at, status
        if status != 200:
            return
        time.sleep(READ_EVERY_S)
