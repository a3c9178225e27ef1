"""HTTP: a blueprint whose routes are parsed, guarded, counted and answered by their contract."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Final, TypeVar

from chalice import Blueprint, Response
from chalice.app import MultiDict, Request

from chalicelib.aws.observability import bind, bound, configure_logging
from chalicelib.edge import gateway, replies
from chalicelib.edge.blueprints import Stopwatch, new_correlation_id
from chalicelib.edge.bodies import parse_json, parse_model, parse_query, raw_body, require_json
from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import CONTRACT, PATH_IDS, ROUTES, Access, Contract, Route
from chalicelib.edge.replies import Reply
from chalicelib.kernel.errors import DomainError, FieldError, Invalid, NotFound
from chalicelib.kernel.idempotency import AlreadyAnswered
from chalicelib.kernel.ids import is_id
from chalicelib.wire.models import Empty

CORRELATION: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_PATH_WORD: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")
# Checked before they are logged, so no words of a caller's own; a line's user is who asks.
_LOGGED_IDS: Final = PATH_IDS.keys() - {"user_id"}
_WRITES_JSON: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

logger: Final = logging.getLogger(__name__)
View = TypeVar("View", bound=Callable[..., Reply])


class HttpBlueprint(Blueprint):
    """A blueprint of REST routes.

    A view takes the `Call` and its path parameters and returns a `Reply`; everything that can
    be said by its contract is done before it runs.
    """

    def route(  # type: ignore[override]  # narrower on purpose: no option passes by the contract
        self, path: str, *, methods: Sequence[str], access: Access
    ) -> Callable[[View], View]:
        """Declare a route; stands above `@documented`. `access` also brings the authorizer."""

        def declare(view: View) -> View:
            contract: Contract = getattr(view, CONTRACT)
            for method in methods:
                summary = (view.__doc__ or "").strip().partition("\n")[0]
                ROUTES.append(
                    Route(method, path, access, contract, summary, view.__name__, view.__module__)
                )
            served = self._served(view, path, access, contract)
            register = super(HttpBlueprint, self).route
            # An empty list: the media type is checked by `require_json`, in our envelope.
            register(path, methods=list(methods), authorizer=access.authorizer, content_types=[])(
                served
            )
            return view

        return declare

    def _served(
        self, view: Callable[..., Reply], path: str, access: Access, contract: Contract
    ) -> Callable[..., Response]:
        @wraps(view)
        def served(**path_values: str) -> Response:
            return answer(self.current_request, path, path_values, (view, access, contract))

        return served


Served = tuple[Callable[..., Reply], Access, Contract]


def answer(request: Request, route: str, path: Mapping[str, str], served: Served) -> Response:
    """Carry out one request and make its response; nothing escapes from here."""
    configure_logging()
    watch = Stopwatch()
    call = _call(request, route, path)
    ids = {"request_id": call.request_id, "correlation_id": call.correlation_id}
    with bound(**ids, method=call.method, route=route):
        reply = _reply(call, request, served)
        fields = {"status": reply.status, "duration_ms": watch.elapsed_ms()}
        logger.info("request", extra=fields)
        return _response(call, reply, served[2])


def _call(request: Request, route: str, path: Mapping[str, str]) -> Call:
    context = request.context or {}
    headers = {name.lower(): value for name, value in (request.headers or {}).items()}
    correlation_id = headers.get("x-correlation-id", "")
    if not CORRELATION.fullmatch(correlation_id):
        correlation_id = new_correlation_id()
    return Call(
        method=request.method,
        route=route,
        path=dict(path),
        headers=headers,
        raw_body=b"",
        client_ip=str(context.get("identity", {}).get("sourceIp") or "unknown"),
        request_id=str(context.get("requestId") or new_correlation_id()),
        correlation_id=correlation_id,
        claims=context.get("authorizer") or {},
        cursors=gateway.cursors(),
    )


def _reply(call: Call, request: Request, served: Served) -> Reply:
    try:
        return _carried_out(call, request, served)
    except AlreadyAnswered as answered:
        headers = {**answered.reply.headers, "Idempotency-Replayed": "true"}
        return Reply(answered.reply.status, answered.reply.body, headers)
    except DomainError as error:
        bind(code=error.code)
        if replies.status_of(type(error)) >= 500:  # noqa: PLR2004 - server-side statuses
            logger.exception("request refused")
        return replies.error_reply(error, call.request_id)
    except Exception:
        logger.exception("request failed")
        return replies.envelope(500, *replies.INTERNAL, call.request_id)


def _carried_out(call: Call, request: Request, served: Served) -> Reply:
    view, access, contract = served
    call.caller_ = access.admit(call)
    if call.caller_ is not None:
        bind(user_id=call.caller_.user_id)
    _check_path(call.path)
    bind(**{name: value for name, value in call.path.items() if name in _LOGGED_IDS})
    for rule, subject in contract.limits:
        gateway.limit(rule, call.caller.user_id if subject == "user" else call.client_ip)
    _read_query(call, request, contract)
    _read_body(call, request, contract)
    if contract.needs_version:
        call.version()
    if contract.needs_key:
        gateway.idempotency_records().answer_again(call.once(_no_reply))
    return view(call, **call.path)


def _no_reply(_entity: object) -> Reply:
    raise AssertionError("only looked up, never recorded")


def _check_path(path: Mapping[str, str]) -> None:
    for name, value in path.items():
        prefix = PATH_IDS.get(name)
        well_formed = is_id(value, prefix) if prefix else _PATH_WORD.fullmatch(value)
        if not well_formed:
            raise NotFound


def _read_query(call: Call, request: Request, contract: Contract) -> None:
    given: MultiDict = request.query_params or MultiDict({})
    call.query_text = {name: given[name] for name in given}
    repeated = [name for name in given if len(given.getlist(name)) > 1]
    if repeated:
        raise Invalid(
            [FieldError(f"query.{name}", "repeated", "Give it once.") for name in repeated]
        )
    call.query_ = parse_query(contract.query or Empty, call.query_text)


def _read_body(call: Call, request: Request, contract: Contract) -> None:
    call.raw_body = raw_body(request.to_original_event())
    if contract.takes_raw or call.method not in _WRITES_JSON:
        return
    model = contract.request or Empty
    if not call.raw_body.strip() and model is Empty:
        call.body_ = Empty()
        return
    require_json(call.headers.get("content-type"))
    call.plain_body = parse_json(call.raw_body)
    call.body_ = parse_model(model, call.raw_body)


def _response(call: Call, reply: Reply, contract: Contract) -> Response:
    body = reply.written()
    headers: dict[str, str] = {
        **replies.SECURITY_HEADERS,
        "Cache-Control": replies.NO_STORE,
        "X-Request-Id": call.request_id,
        "X-Correlation-Id": call.correlation_id,
        **gateway.cors_headers(call.headers.get("origin")),
        **reply.headers,
    }
    status = reply.status
    if body:
        headers.setdefault("Content-Type", replies.JSON_TYPE)
    if contract.is_public_cache and status == 200:  # noqa: PLR2004 - OK
        headers |= gateway.public_cache_headers(body)
        if gateway.is_known(headers["ETag"], call.headers.get("if-none-match")):
            status, body = 304, b""
            del headers["Content-Type"]
    return Response(body=body.decode(), headers=dict(headers), status_code=status)


def enveloped(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Chalice middleware: put the framework's own refusals into our envelope (Any: its events)."""
    response = get_response(event)
    if "X-Request-Id" in response.headers or response.status_code < 400:  # noqa: PLR2004
        return response
    context = getattr(event, "context", None) or {}
    request_id = str(context.get("requestId") or new_correlation_id())
    code, message = replies.FRAMEWORK_ERRORS.get(response.status_code, replies.INTERNAL)
    reply = replies.envelope(response.status_code, code, message, request_id)
    headers = {
        **response.headers,
        **replies.SECURITY_HEADERS,
        "Content-Type": replies.JSON_TYPE,
        "Cache-Control": replies.NO_STORE,
        "X-Request-Id": request_id,
    }
    return Response(
        body=reply.written().decode(), headers=headers, status_code=response.status_code
    )


class Public:
    """Anybody may call (mark P)."""

    label = "P"
    authorizer = None

    def admit(self, call: Call) -> None:
        """Everybody is let in; a token that came along is not looked at."""


class SandboxOnly:
    """Anybody may call, where the sandbox is on (mark N); elsewhere the route is not there."""

    label = "N"
    authorizer = None

    def admit(self, call: Call) -> None:  # noqa: ARG002 - the port's signature
        """NotFound unless the deployment runs the sandbox."""
        if not gateway.is_sandbox():
            raise NotFound


PUBLIC: Final = Public()
SANDBOX_ONLY: Final = SandboxOnly()
