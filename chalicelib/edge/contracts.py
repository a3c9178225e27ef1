"""What a route declares about itself; parsing, refusals and the OpenAPI document follow it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

from pydantic import BaseModel

from chalicelib.aws.rates import RateRule
from chalicelib.kernel.errors import DomainError

if TYPE_CHECKING:
    from chalicelib.edge.calls import Call, Caller

CONTRACT: Final = "__contract__"

PATH_IDS: Final = MappingProxyType(
    {
        "address_id": "adr",
        "conversation_id": "cnv",
        "dead_letter_id": "ded",
        "device_id": "dev",
        "media_id": "med",
        "notification_id": "ntf",
        "order_id": "ord",
        "product_id": "prd",
        "replay_id": "rpl",
        "session_id": "ses",
        "ticket_id": "tkt",
        "user_id": "usr",
        "variant_id": "var",
    }
)

Subject = Literal["user", "ip"]
View = TypeVar("View", bound=Callable[..., Any])  # Any: a view takes its own path parameters


class Access(Protocol):
    """Who may call a route.

    `label` is the mark of the contract (P, C, S:orders …); `authorizer` is Chalice's, or None
    for a route that the gateway lets anybody reach.
    """

    @property
    def label(self) -> str:
        """The mark of the contract."""
        ...

    @property
    def authorizer(self) -> Any:  # Any: Chalice has no types
        """Chalice's authorizer, or None."""
        ...

    def admit(self, call: "Call") -> "Caller | None":
        """Who calls; Unauthenticated, Forbidden or NotFound otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Contract:
    """The declaration of one route."""

    request: type[BaseModel] | None
    replies: Mapping[int, type[BaseModel] | None]
    errors: tuple[type[DomainError], ...]
    query: type[BaseModel] | None
    needs_key: bool
    needs_version: bool
    limits: tuple[tuple[RateRule, Subject], ...]
    takes_raw: bool
    is_public_cache: bool


def documented(  # noqa: PLR0913 - one declaration, all of it by name
    *,
    replies: Mapping[int, type[BaseModel] | None],
    request: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    errors: Sequence[type[DomainError]] = (),
    needs_key: bool = False,
    needs_version: bool = False,
    limits: Sequence[tuple[RateRule, Subject]] = (),
    takes_raw: bool = False,
    is_public_cache: bool = False,
) -> Callable[[View], View]:
    """Declare what a view takes and answers; stands under `@blueprint.route`.

    `needs_key` is the contract's K, `needs_version` its M. `takes_raw` leaves the body to the
    view (signed webhooks). `is_public_cache` marks catalogue reads with an ETag.
    """
    contract = Contract(
        request=request,
        replies=replies,
        errors=tuple(errors),
        query=query,
        needs_key=needs_key,
        needs_version=needs_version,
        limits=tuple(limits),
        takes_raw=takes_raw,
        is_public_cache=is_public_cache,
    )

    def declare(view: View) -> View:
        setattr(view, CONTRACT, contract)
        return view

    return declare


@dataclass(frozen=True, slots=True)
class Route:
    """A declared route, for the OpenAPI document, the map and the authorization matrix."""

    method: str
    path: str
    access: Access
    contract: Contract
    summary: str
    name: str
    module: str


ROUTES: Final[list[Route]] = []
"""Every route of the imported blueprints, in the order of declaration."""
