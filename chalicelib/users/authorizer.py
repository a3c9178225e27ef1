"""Who calls: the gateway's authorizer, and the access rules that routes declare.

The authorizer checks the token, then reads user and session. The gateway keeps its answer for
`AuthorizerTtlSeconds`, so the policy it returns allows every route and each route decides by
itself. Writes read user and session again: there revocation and a changed role bite at once.
No pydantic here: this module is the authorizer's whole function.
"""

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from chalice import AuthResponse
from chalice.app import AuthRequest

from chalicelib.aws.items import Item
from chalicelib.aws.observability import bound, configure_logging
from chalicelib.aws.secrets import secrets
from chalicelib.aws.settings import settings
from chalicelib.aws.tables import core_table
from chalicelib.edge.blueprints import EventBlueprint
from chalicelib.edge.callers import Caller
from chalicelib.edge.tokens import RingKeys, TokenVerifier, bearer, own_issuer
from chalicelib.kernel.clock import SystemClock, instant, later
from chalicelib.kernel.errors import Forbidden, Unauthenticated
from chalicelib.kernel.roles import scopes_of
from chalicelib.users.keys import profile_key, session_key

if TYPE_CHECKING:
    from chalicelib.edge.calls import Call

STEP_UP_VALID_S: Final = 900

blueprint: Final = EventBlueprint(__name__)
logger: Final = logging.getLogger(__name__)
_clock: Final = SystemClock()


class MfaRequired(Forbidden):
    """Staff of this deployment need a second factor."""

    code = "mfa_required"
    message = "Set up a second factor first."


class StepUpRequired(Forbidden):
    """The second factor was proved too long ago for this."""

    code = "step_up_required"
    message = "Prove your second factor again."


class Unauthorized(Exception):
    """The one word by which the gateway answers 401 instead of 500."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@blueprint.authorizer(
    name="jwt_authorizer", ttl_seconds=settings().authorizer_ttl_s, header="Authorization"
)
def jwt_authorizer(request: AuthRequest) -> AuthResponse:
    """Let in whoever carries a valid token of a live session of an active user.

    A dependency that does not answer is no refusal: it escapes, and the gateway answers 5xx.
    """
    configure_logging()
    with bound(trigger="authorizer"):
        try:
            claims = verifier().verify(bearer(request.token))
            caller = signed_in(claims["sub"], claims["sid"], claims["sv"])
            if claims["role"] != caller.role:
                raise Unauthenticated  # noqa: TRY301 - one place turns refusals into the word
        except Unauthenticated as refusal:
            logger.info("token refused")
            raise Unauthorized from refusal
    return AuthResponse(routes=["*"], principal_id=caller.user_id, context=written_context(caller))


@lru_cache(maxsize=1)
def verifier() -> TokenVerifier:
    """Believes the issuers this deployment trusts: the shop itself."""
    keys = RingKeys(
        lambda: secrets().ring("tokens"), lambda: secrets().ring("tokens", is_fresh=True)
    )
    return TokenVerifier([own_issuer(settings().stage, keys)])


def signed_in(user_id: str, session_id: str, sv: int) -> Caller:
    """The caller as stored this moment; Unauthenticated unless user and session are live."""
    profile, session = profile_key(user_id), session_key(user_id, session_id)
    rows = core_table().batch_get([profile, session], is_consistent=True)
    user_row, session_row = rows.get(profile), rows.get(session)
    if user_row is None or session_row is None or not _is_live(user_row, session_row, sv):
        raise Unauthenticated
    return Caller(
        user_id=user_id,
        session_id=session_id,
        role=user_row["role"],
        scopes=scopes_of(user_row["role"]),
        sv=sv,
        mfa_at=session_row.get("mfa_at"),
        is_mfa_on=bool(user_row.get("mfa_enabled")),
    )


def _is_live(user_row: Item, session_row: Item, sv: int) -> bool:
    return (
        user_row["status"] == "ACTIVE"
        and user_row["sv"] == session_row["sv"] == sv
        and "revoked_at" not in session_row
        and session_row["expires_at"] > instant(_clock.now())
    )


def written_context(caller: Caller) -> dict[str, str]:
    """What the gateway hands on to the API's function; it carries text only."""
    context = {
        "user_id": caller.user_id,
        "session_id": caller.session_id,
        "role": caller.role,
        "sv": str(caller.sv),
        "mfa": "on" if caller.is_mfa_on else "off",
    }
    return context | ({"mfa_at": caller.mfa_at} if caller.mfa_at else {})


def read_context(context: Mapping[str, Any]) -> Caller:
    """The caller whom the authorizer let in; Unauthenticated if it did not run."""
    try:
        return Caller(
            user_id=context["user_id"],
            session_id=context["session_id"],
            role=context["role"],
            scopes=scopes_of(context["role"]),
            sv=int(context["sv"]),
            mfa_at=context.get("mfa_at"),
            is_mfa_on=context["mfa"] == "on",
        )
    except (KeyError, ValueError, TypeError) as error:
        raise Unauthenticated from error


class SignedIn:
    """Any signed-in user (mark C); views see to it that the object is the caller's own."""

    label = "C"
    authorizer = jwt_authorizer

    def admit(self, call: "Call") -> Caller:
        """The caller; read afresh before anything is changed."""
        caller = read_context(call.claims)
        if not call.is_write:
            return caller
        return signed_in(caller.user_id, caller.session_id, caller.sv)


class StaffOnly(SignedIn):
    """Staff whose role grants a scope (mark S:x), with a fresh second factor where asked (U)."""

    def __init__(self, scope: str, *, step_up: bool) -> None:
        self.scope = scope
        self.step_up = step_up
        self.label = f"S:{scope} U" if step_up else f"S:{scope}"

    def admit(self, call: "Call") -> Caller:
        """The caller; Forbidden without the scope or the second factor."""
        caller = super().admit(call)
        require_scope(caller, self.scope)
        if self.step_up:
            require_fresh_mfa(caller)
        return caller


def require_scope(caller: Caller, scope: str) -> None:
    """Forbidden unless the caller's role grants `scope`; MfaRequired where staff need it."""
    if scope not in caller.scopes:
        raise Forbidden
    if settings().staff_mfa_required and not caller.is_mfa_on:
        raise MfaRequired


def require_fresh_mfa(caller: Caller) -> None:
    """StepUpRequired if the caller has a second factor and proved it over 15 minutes ago."""
    if not caller.is_mfa_on:
        return
    oldest = instant(later(_clock.now(), -STEP_UP_VALID_S))
    if caller.mfa_at is None or caller.mfa_at < oldest:
        raise StepUpRequired


CUSTOMER: Final = SignedIn()


def staff(scope: str, *, step_up: bool = False) -> StaffOnly:
    """Access for staff with `scope`; `step_up` is the contract's U."""
    return StaffOnly(scope, step_up=step_up)
