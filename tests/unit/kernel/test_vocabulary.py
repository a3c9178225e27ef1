"""The words every slice shares: instants, ids, money, pages, roles, facts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from chalicelib.kernel.clock import SystemClock, epoch_s, instant, later, moment
from chalicelib.kernel.errors import DomainError, Forbidden, Invalid, RateLimited, Unavailable
from chalicelib.kernel.idempotency import AlreadyAnswered, RecordedReply
from chalicelib.kernel.ids import Ids, body_of, bucket_of, is_id
from chalicelib.kernel.money import total_of
from chalicelib.kernel.pagination import Page
from chalicelib.kernel.roles import SCOPES, STAFF, Role, scopes_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    """Whatever zone it came in, an instant has one written form."""
    berlin = timezone(timedelta(hours=1))
    assert (
        instant(datetime(2026, 3, 1, 13, 0, 0, 7999, tzinfo=berlin)) == "2026-03-01T12:00:00.007Z"
    )


def test_a_written_instant_is_read_back() -> None:
    """Reading what was written gives the same instant."""
    assert moment(instant(NOON)) == NOON


@pytest.mark.parametrize("written", ["2026-03-01", "2026-03-01T12:00:00Z", "", "yesterday"])
def test_another_form_of_an_instant_is_refused(written: str) -> None:
    """Only the one written form is an instant."""
    with pytest.raises(ValueError, match=r"does not match|unconverted"):
        moment(written)


def test_later_adds_seconds() -> None:
    """A deadline is an instant some seconds on."""
    assert instant(later(NOON, 90.5)) == "2026-03-01T12:01:30.500Z"


def test_epoch_seconds_are_whole() -> None:
    """TTLs and token claims are whole seconds."""
    assert epoch_s(NOON + timedelta(milliseconds=999)) == 1772366400


def test_the_machine_clock_is_aware_and_in_utc() -> None:
    """Nobody ever gets a naive instant."""
    assert SystemClock().now().tzinfo is UTC


def test_an_id_holds_its_prefix_time_and_randomness() -> None:
    """An id is made of what it is given, and nothing else."""
    ids = Ids(random_bytes=lambda size: b"\x00" * size, now_ms=lambda: 1)
    assert ids.new("ord") == "ord_00000000010000000000000000"


def test_an_order_number_is_eight_characters_for_people() -> None:
    """Order numbers come from randomness alone and are short enough to read out."""
    ids = Ids(random_bytes=lambda size: b"\xff" * size)
    assert ids.order_number() == "SK-ZZZZZZZZ"


def test_token_bytes_come_from_the_given_source() -> None:
    """Secrets that leave the shop come from the same seam as ids."""
    assert Ids(random_bytes=lambda size: b"s" * size).token_bytes(3) == b"sss"


@pytest.mark.parametrize(
    "text",
    [
        "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "ord_01ARZ3NDEKTSV4RRFFQ69G5FA",
        "ord_01ARZ3NDEKTSV4RRFFQ69G5FAVX",
        "ord_01ARZ3NDEKTSV4RRFFQ69G5FAI",
        "ord_01arz3ndektsv4rrffq69g5fav",
        "ord",
        "",
    ],
)
def test_a_foreign_or_malformed_id_is_no_id(text: str) -> None:
    """Another prefix, length or alphabet is not an id of this kind."""
    assert not is_id(text, "ord")


def test_the_body_of_an_id_is_what_follows_its_prefix() -> None:
    """Keys that carry their own kind use the body alone."""
    assert body_of("ord_01ARZ3NDEKTSV4RRFFQ69G5FAV") == "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def test_a_bucket_is_stable() -> None:
    """The same id always falls into the same index partition."""
    assert bucket_of("ord_01ARZ3NDEKTSV4RRFFQ69G5FAV", 8) == bucket_of(
        "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV", 8
    )


def test_a_total_is_a_sum_of_minor_units() -> None:
    """Money is added as integers."""
    assert total_of(3400, 3400, 500) == 7300


def test_a_page_is_mapped_entry_by_entry() -> None:
    """Presenting a page keeps where the next one begins."""
    assert Page((1, 2), {"pk": "a"}).map(str) == Page(("1", "2"), {"pk": "a"})


def test_customers_have_no_scopes() -> None:
    """A customer may do nothing that needs a scope."""
    assert scopes_of("customer") == frozenset()


def test_an_unknown_role_grants_nothing() -> None:
    """A role nobody declared opens no door."""
    assert scopes_of("owner") == frozenset()


def test_admin_has_every_scope_of_all_staff() -> None:
    """No staff role can do what admin cannot."""
    assert all(SCOPES[role] <= SCOPES[Role.ADMIN] for role in STAFF)


def test_a_fact_has_a_stable_code_and_a_message() -> None:
    """An error carries its own code unless the caller names a closer one."""
    assert (Forbidden().code, Forbidden(code="email_unverified").code) == (
        "forbidden",
        "email_unverified",
    )


def test_a_message_may_be_given() -> None:
    """The sentence for people can be made closer too."""
    assert str(Unavailable("The gateway is slow.")) == "The gateway is slow."


def test_a_refused_field_names_its_path() -> None:
    """A field that is not allowed is told with path, code and sentence."""
    (field,) = Invalid.field("lines.0.quantity", "less_than_equal", "At most 99.").fields
    assert (field.path, field.code) == ("lines.0.quantity", "less_than_equal")


def test_a_limit_says_when_to_come_back() -> None:
    """Whoever is limited learns how long to wait."""
    assert RateLimited(30).retry_after_s == 30


def test_every_fact_describes_itself() -> None:
    """Each kind of error has its own code and a sentence for people."""

    def kinds(of: type[DomainError]) -> list[type[DomainError]]:
        return [of, *(below for kind in of.__subclasses__() for below in kinds(kind))]

    assert all(kind.code and kind.message.endswith(".") for kind in kinds(DomainError))


def test_an_answered_key_carries_the_first_reply() -> None:
    """The edge repeats exactly what was recorded."""
    reply = RecordedReply(202, b"{}", {})
    assert AlreadyAnswered(reply).reply is reply
