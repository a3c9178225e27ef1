"""What may be written in a query."""

import pytest
from pydantic import ValidationError

from chalicelib.notifications.schemas import NotificationParameters
from chalicelib.users.schemas import StaffParameters
from chalicelib.wire.models import PageParameters


@pytest.mark.parametrize(
    "written", ["1.0", "+5", "1_0", " 5", "5 ", "05", "\u0661", "1e1", "0x1", ""]
)
def test_only_plain_integers_are_read(written: str) -> None:
    """What pydantic would read as an integer out of kindness is refused."""
    with pytest.raises(ValidationError):
        PageParameters.model_validate_strings({"limit": written})


def test_plain_integers_are_read() -> None:
    """Digits are an integer."""
    assert PageParameters.model_validate_strings({"limit": "100"}).limit == 100


@pytest.mark.parametrize("written", ["1", "0", "yes", "on", "True", "t", ""])
def test_only_true_and_false_are_booleans(written: str) -> None:
    """As in JSON."""
    with pytest.raises(ValidationError):
        NotificationParameters.model_validate_strings({"unread": written})


def test_true_and_false_are_read() -> None:
    """The two words of JSON."""
    assert NotificationParameters.model_validate_strings({"unread": "true"}).unread is True
    assert NotificationParameters.model_validate_strings({"unread": "false"}).unread is False


def test_exactly_one_way_to_look_for_users() -> None:
    """Neither and both are refused under the name of a parameter."""
    for given in ({}, {"role": "admin", "email": "a@souk.example"}):
        with pytest.raises(ValidationError) as refused:
            StaffParameters.model_validate_strings(given)
        assert [error["loc"] for error in refused.value.errors()] == [("email",)]
    with pytest.raises(ValidationError) as refused:
        StaffParameters.model_validate_strings({"role": "boss"})
    assert [error["loc"] for error in refused.value.errors()] == [("role",)]
