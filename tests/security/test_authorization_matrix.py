"""The authorization matrix: every route of the live app x every kind of caller.

Callers send a body that no route accepts, so whoever is let in changes nothing; whoever is
refused must leave every row as it was and see no canary.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from moto.backends import get_backend

import app as shop
from chalicelib.aws.settings import settings
from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import PATH_IDS, ROUTES, Route
from chalicelib.kernel.errors import Unauthenticated
from chalicelib.kernel.ids import Ids
from chalicelib.users import changes
from chalicelib.users.authorizer import signed_in, written_context
from chalicelib.users.wiring import deps
from tests.cloud import ACCOUNT, REGION, cloud
from tests.front_door import Answer, FrontDoor
from tests.security.actors import CANARY, Person, ended, forged, person
from tests.security.marks import MARKS, SCOPES

STRANGE_BODY = b'{"no_such_field": 1}'
STAFF = ("support", "warehouse", "merchant", "admin")
ROLES = ("customer", *STAFF)


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who knocks: the owner of things, each role, and tokens that must not count."""

    owner: Person
    by_role: dict[str, Person]
    flawed: dict[str, str | None]


@pytest.fixture(scope="module", autouse=True)
def people() -> Iterator[People]:
    """One AWS for all cells: whoever is refused or sends nonsense leaves it as it is."""
    with cloud():
        owner = person()
        flawed = forged(owner) | ended(owner)
        yield People(owner, {role: person(role) for role in ROLES}, flawed)


def route_name(route: Route) -> str:
    """How a failing cell is called."""
    return f"{route.method} {route.path}"


def rows() -> str:
    """A hash over every row of both tables, counters left out; read below the SDK, for speed."""
    tables = get_backend("dynamodb")[ACCOUNT][REGION].tables
    found = [
        json.dumps(item.to_json()["Attributes"], sort_keys=True, default=str)
        for table in tables.values()
        for item in table.all_items()
        if not item.hash_key.value.startswith("RATE#")
    ]
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()


def path_of(route: Route, owner: Person) -> str:
    """The route's path about things of the owner, or about nothing that exists."""
    path = route.path
    own = {"user_id": owner.user.id, "session_id": owner.session.id}
    for name, prefix in PATH_IDS.items():
        path = path.replace(f"{{{name}}}", own.get(name) or Ids().new(prefix))
    for name in ("slug", "category_id", "number", "provider", "day", "name", "execution"):
        path = path.replace(f"{{{name}}}", "no-such-thing")
    return path


def call(route: Route, owner: Person, token: str | None) -> Answer:
    """One cell: the route, asked with a body that it cannot accept."""
    is_write = route.method not in {"GET", "HEAD"}
    body = STRANGE_BODY if is_write else None
    return FrontDoor(token).call(route.method, path_of(route, owner), body)


def mark_of(route: Route) -> str:
    """The mark of a route."""
    return MARKS[route.method, route.path]


@pytest.mark.covers(81)
def test_every_route_has_a_row() -> None:
    """Nobody adds a route without saying who may call it; the app is what is deployed."""
    deployed = {(method, path) for path, methods in shop.app.routes.items() for method in methods}
    declared = {(route.method, route.path) for route in ROUTES}
    assert declared == deployed
    assert deployed - set(MARKS) == set()


@pytest.mark.parametrize("route", ROUTES, ids=route_name)
def test_route_says_what_the_table_says(route: Route) -> None:
    """The app's own declaration and the table agree."""
    assert route.access.label == mark_of(route)
    assert (route.access.authorizer is None) == (mark_of(route) in {"P", "N", "H"})


@pytest.mark.parametrize("route", ROUTES, ids=route_name)
def test_flawed_callers(route: Route, people: People) -> None:
    """Anonymous, forged, expired and ended callers: 401 behind the mark, no matter to the rest."""
    before = rows()
    for kind, token in people.flawed.items():
        answer = call(route, people.owner, token)
        if mark_of(route) in {"P", "N", "H"}:
            assert answer.status not in {401, 403}, kind
        else:
            assert answer.status == 401, kind
            assert CANARY not in json.dumps(answer.body), kind
    assert rows() == before


@pytest.mark.parametrize("route", ROUTES, ids=route_name)
def test_signed_in_callers(route: Route, people: People) -> None:
    """Owner, another customer and each staff role: let in by mark and scope, else 403."""
    mark = mark_of(route)
    callers = {"owner": people.owner, **people.by_role}
    before = rows()
    for kind, caller in callers.items():
        answer = call(route, people.owner, caller.token())
        assert CANARY not in json.dumps(answer.body), kind
        if mark.startswith("S:"):
            scope = mark.removeprefix("S:").removesuffix(" U")
            is_let_in = scope in SCOPES[caller.user.role]
            assert (answer.status == 403) is not is_let_in, kind
            assert answer.status != 401, kind
        else:
            assert answer.status not in {401, 403}, kind
        if "{user_id}" in route.path and mark == "C":
            assert answer.status == (200 if kind in {"owner", "admin"} else 404), kind
    assert rows() == before


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if mark_of(route).startswith("S:")], ids=route_name
)
def test_staff_without_a_second_factor(
    route: Route, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the deployment requires it, staff without one are told mfa_required, no one else."""
    monkeypatch.setenv("SOUK_STAFF_MFA", "required")
    settings.cache_clear()
    admin, customer = people.by_role["admin"], people.owner
    assert call(route, admin, admin.token()).code == "mfa_required"
    assert call(route, admin, customer.token()).code == "forbidden"
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if mark_of(route).endswith(" U")], ids=route_name
)
def test_staff_whose_proof_is_old(route: Route) -> None:
    """Routes marked U ask staff with a second factor for a fresh proof; others pass them."""
    admin = person("admin", mfa_enabled=True)
    assert call(route, admin, admin.token()).code == "step_up_required"


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if mark_of(route)[0] in "CS" and route.method != "GET"],
    ids=route_name,
)
@pytest.mark.covers(77)
def test_a_cached_decision_does_not_outlive_the_session_on_writes(route: Route) -> None:
    """What the gateway remembers of a caller is looked at again before anything is changed."""
    admin = person("admin")
    remembered = written_context(signed_in(admin.user.id, admin.session.id, 1))
    asked = Call(
        route.method, route.path, {}, {}, b"", "192.0.2.1", "request-1", "cor-0001",
        remembered, cursors=None,  # type: ignore[arg-type]  # not read here
    )  # fmt: skip
    admitted = route.access.admit(asked)
    assert admitted is not None
    assert admitted.user_id == admin.user.id
    deps().store.commit(changes.RevokeSession(admin.session, admin.session.created_at))
    with pytest.raises(Unauthenticated):
        route.access.admit(asked)
