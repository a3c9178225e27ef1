"""E-mail addresses at the edge: what may be lower-cased without becoming another one."""

import pytest
from pydantic import ValidationError

from chalicelib.wire.models import Email, Request


class Asked(Request):
    """A request with an address."""

    email: Email


def codes(email: str) -> list[str]:
    """What is wrong with an address."""
    try:
        Asked(email=email)
    except ValidationError as refused:
        return [error["type"] for error in refused.errors()]
    return []


@pytest.mark.parametrize("email", ["A@B.CH", "José@souk.example", "ß@souk.example", "a/b@x-y.zz"])
def test_ordinary_letters_of_any_language_pass(email: str) -> None:
    """Upper case too."""
    assert codes(email) == []


@pytest.mark.parametrize(
    "email",
    [
        "\u0130stanbul@souk.example",  # becomes two characters
        "\u212aarl@souk.example",  # the Kelvin sign becomes an ordinary k
        "\u212bngstrom@souk.example",
    ],
)
def test_letters_that_lower_case_turns_into_others_are_refused(email: str) -> None:
    """Such an address would be kept, and mailed, as somebody else's."""
    assert codes(email) == ["string_pattern_mismatch"]
