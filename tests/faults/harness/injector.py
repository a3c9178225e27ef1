"""The two hook points under every SDK client, and the faults they inject.

The logical hook sits above the SDK's own retries and numbers the calls; the attempt hook sits
below them and loses requests or replies. Both act only on threads marked as inside a handler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import botocore.client
import botocore.endpoint
import botocore.exceptions

from tests.faults.harness import replies
from tests.faults.harness.calls import (
    OUTSIDE,
    TABLE_WRITES,
    Call,
    Kind,
    is_stale_possible,
    resource_of,
)
from tests.faults.harness.fault_plan import Crash, FaultPlan, Freezer, Images, Mark
from tests.faults.harness.tokens import RequestTokens

T = TypeVar("T")
COMMUTING = frozenset({"secretsmanager"})
Emulation = Callable[[Any, str, dict[str, Any]], dict[str, Any]]
Listener = Callable[[dict[str, Any], dict[str, Any]], None]


class Injector:
    """Numbers the calls of one run, injects its planned faults, and remembers what happened."""

    def __init__(self) -> None:
        self.mark = Mark()
        self.images: Images | None = None
        self.turn: Callable[[], None] | None = None
        self.emulated: dict[str, Emulation] = {}
        self.direct: dict[tuple[str, str], Emulation] = {}
        self.applied: dict[tuple[str, str], Listener] = {}
        self.observers: list[Callable[[Any, Call, dict[str, Any]], None]] = []
        self.begin(FaultPlan())
        self._originals: tuple[Any, Any] | None = None

    def begin(self, plan: FaultPlan) -> None:
        """Start a new run: numbering from 1, nothing fired."""
        self.plan = plan
        self.calls: list[Call] = []
        self.fired: set[int] = set()
        self.attempts_seen = 0
        self.tokens = RequestTokens(honoured=plan.tokens_honoured)
        self._keeps_images = Kind.STALE in plan.faults.values()

    def install(self) -> None:
        """Put both hooks under botocore; once a process."""
        api = botocore.client.BaseClient._make_api_call
        get = botocore.endpoint.Endpoint._do_get_response
        self._originals = (api, get)

        def logical(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            return self._logical(client, operation, parameters, api)

        def attempt(endpoint: Any, request: Any, model: Any, context: Any) -> Any:
            return self._attempt(request, model, lambda: get(endpoint, request, model, context))

        botocore.client.BaseClient._make_api_call = logical
        botocore.endpoint.Endpoint._do_get_response = attempt

    def uninstall(self) -> None:
        """Take the hooks out again."""
        if self._originals is not None:
            api, get = self._originals
            botocore.client.BaseClient._make_api_call = api
            botocore.endpoint.Endpoint._do_get_response = get
            self._originals = None

    @contextmanager
    def inside(
        self,
        function: str,
        *,
        freezer: Freezer | None = None,
        in_request: bool = False,
        trigger: str = "",
    ) -> Iterator[None]:
        """Mark this thread as running a handler."""
        mark = self.mark
        mark.inside, mark.function = True, function
        mark.trigger, mark.ordinal = trigger, 0
        mark.freezer, mark.in_request = freezer, in_request
        try:
            yield
        finally:
            mark.inside, mark.freezer, mark.function, mark.kind = False, None, "", None

    def outside(self, operation: str, resource: str, do: Callable[[], T]) -> T:
        """Let a call to an outside party share the numbering and the faults."""
        if not self.mark.inside:
            return do()
        return self._numbered(
            self._call(OUTSIDE, operation, resource), None, lambda: self._unreliably(do, retries=0)
        )

    def _logical(
        self, client: Any, operation: str, parameters: dict[str, Any], through: Callable[..., Any]
    ) -> Any:
        service = client.meta.service_model.service_name
        if not self.mark.inside:
            if service in self.emulated:
                return self.emulated[service](client, operation, parameters)
            self._remember(service, operation)
            return through(client, operation, parameters)
        call = self._call(
            service,
            operation,
            resource_of(service, parameters),
            stale=is_stale_possible(service, operation, parameters),
        )
        for observe in self.observers:
            observe(client, call, parameters)

        def do() -> Any:
            if service in self.emulated:
                return self._unreliably(
                    lambda: self.emulated[service](client, operation, parameters), retries=1
                )
            way = self._directly if (service, operation) in self.direct else through
            return self._through_sdk(client, operation, parameters, way)

        return self._numbered(call, client, do)

    def _call(self, service: str, operation: str, resource: str, *, stale: bool = False) -> Call:
        # Sandboxes share no locks, threads do: whoever fetches secrets may hold one.
        if self.turn is not None and service not in COMMUTING:
            self.turn()
        mark = self.mark
        mark.ordinal += 1
        call = Call(
            index=len(self.calls) + 1,
            service=service,
            operation=operation,
            resource=resource,
            is_stale_possible=stale,
            function=mark.function,
            in_request=mark.in_request,
            trigger=mark.trigger,
            ordinal=mark.ordinal,
        )
        self.calls.append(call)
        return call

    def _numbered(self, call: Call, client: Any, do: Callable[[], T]) -> T:
        """Run one logical call with the fault that is planned for its number."""
        kind = self.plan.faults.get(call.index)
        mark = self.mark
        outer = (mark.kind, mark.attempts, mark.parameters)
        mark.kind, mark.attempts = kind, 0
        if kind is not None:
            self.fired.add(call.index)
        try:
            self._before(kind, client, call)
            answer = do()
        finally:
            mark.kind, mark.attempts, mark.parameters = outer
        if kind is Kind.CRASH_AFTER:
            raise Crash
        if kind is Kind.ZOMBIE_AFTER:
            self._freeze()
        return answer

    def _before(self, kind: Kind | None, client: Any, call: Call) -> None:
        match kind:
            case Kind.CRASH_BEFORE:
                raise Crash
            case Kind.ZOMBIE_BEFORE:
                self._freeze()
            case Kind.THROTTLE if client is not None:
                raise replies.throttled(client, call)

    def _freeze(self) -> None:
        if self.mark.freezer is None:
            raise RuntimeError("a freezing fault was planned for a thread that cannot freeze")
        self.mark.freezer.freeze()

    def _through_sdk(
        self, client: Any, operation: str, parameters: dict[str, Any], through: Callable[..., Any]
    ) -> Any:
        mark = self.mark
        kind, mark.parameters = mark.kind, parameters
        if kind is Kind.TX_CONFLICT:
            raise replies.conflicting(client, operation, parameters)
        if kind is Kind.STALE and self.images is not None:
            with self.images.one_write_behind():
                return through(client, operation, parameters)
        if kind is Kind.PARTIAL:
            accepted, complete = replies.refuse_some(operation, parameters)
            mark.parameters = accepted
            through_reply = through(client, operation, accepted) if accepted else {}
            return complete(through_reply)
        self._remember(client.meta.service_model.service_name, operation)
        return through(client, operation, parameters)

    def _remember(self, service: str, operation: str) -> None:
        if not self._keeps_images or self.images is None or service != "dynamodb":
            return
        if operation in TABLE_WRITES:
            self.images.before_write()

    def _unreliably(self, do: Callable[[], T], *, retries: int) -> T:
        """The attempt faults for calls that never pass the SDK's transport."""
        match self.mark.kind:
            case Kind.CONN_ERROR | Kind.THROTTLE | Kind.TX_CONFLICT | Kind.PARTIAL:
                raise botocore.exceptions.ConnectionClosedError(endpoint_url=OUTSIDE)
            case Kind.LOST:
                do()
                raise botocore.exceptions.ReadTimeoutError(endpoint_url=OUTSIDE)
            case Kind.LOST_ONCE:
                do()
                if not retries:
                    raise botocore.exceptions.ReadTimeoutError(endpoint_url=OUTSIDE)
                return do()
            case _:
                return do()

    def _directly(self, client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        """The attempts of the SDK without the SDK: two of them, each of which may be lost."""
        mark = self.mark
        call = self.direct[client.meta.service_model.service_name, operation]

        def attempt() -> Any:
            return self.tokens.answer(
                operation, parameters, lambda: call(client, operation, parameters), bool
            )

        if mark.kind in {Kind.CONN_ERROR, Kind.LOST, Kind.LOST_ONCE}:
            return self._unreliably(attempt, retries=1)
        return attempt()

    def _attempt(self, request: Any, model: Any, through: Callable[[], Any]) -> Any:
        mark = self.mark
        if not mark.inside:
            return through()
        mark.attempts += 1
        self.attempts_seen += 1
        if mark.kind is Kind.CONN_ERROR:
            return None, botocore.exceptions.ConnectionClosedError(endpoint_url=request.url)
        pair = self.tokens.answer(model.name, mark.parameters, through, _is_accepted)
        self._announce(model, pair)
        is_lost = mark.kind is Kind.LOST or (mark.kind is Kind.LOST_ONCE and mark.attempts == 1)
        if is_lost:
            return None, botocore.exceptions.ReadTimeoutError(endpoint_url=request.url)
        return pair

    def _announce(self, model: Any, pair: Any) -> None:
        """Tell the delivery model what AWS has accepted, whether or not the caller learns it."""
        listener = self.applied.get((model.service_model.service_name, model.name))
        if listener is None or not _is_accepted(pair):
            return
        listener(self.mark.parameters or {}, pair[0][1])


def _is_accepted(pair: Any) -> bool:
    """Whether AWS has carried out the request of this (reply, exception) pair."""
    return pair[0] is not None and pair[0][0].status_code < 300
