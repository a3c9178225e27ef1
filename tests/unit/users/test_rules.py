"""Pure rules of users: codes, hints, masks, common passwords, key rings' permanent parts."""

import itertools

import pytest

from chalicelib.kernel.errors import Invalid
from chalicelib.users.codes import otpauth_uri, totp
from chalicelib.users.common_passwords import is_common, require_uncommon
from chalicelib.users.rules import ip_hint, masked_email

SEED = b"12345678901234567890"


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
    ],
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    """The test vectors of RFC 6238, in six digits."""
    assert totp(SEED, at // 30) == code


def test_an_authenticator_is_told_everything() -> None:
    """Issuer, account, secret and parameters, percent-encoded."""
    uri = otpauth_uri(SEED, "amina+shop@souk.example")
    assert uri == (
        "otpauth://totp/Souk%3Aamina%2Bshop%40souk.example"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Souk&algorithm=SHA1&digits=6&period=30"
    )


@pytest.mark.parametrize(
    ("address", "hint"),
    [("203.0.113.77", "203.0.113.0"), ("2001:db8:1:2::9", "2001:db8:1::"), ("unknown", "")],
)
def test_an_address_is_kept_without_its_last_part(address: str, hint: str) -> None:
    """Enough to recognise, too little to locate."""
    assert ip_hint(address) == hint


def test_staff_see_a_masked_address() -> None:
    """The first letter and the domain."""
    assert masked_email("amina@souk.example") == "a***@souk.example"


COMMON = [
    f"{first}{second}{tail}"
    for first, second, tail in itertools.product(
        "password qwerty welcome letmein admin iloveyou dragon monkey football sunshine".split(),
        "password qwerty welcome letmein admin iloveyou master shadow princess baseball".split(),
        ["1", "12", "123", "1234", "12345", "123456", "!", "2024", "2025", "!!", "007", "1!"]
        + [str(year) for year in range(1980, 2012)],
    )
    if len(f"{first}{second}{tail}") >= 15
]


def test_over_three_thousand_common_passwords_are_refused() -> None:
    """Two popular words and what people put behind them."""
    assert len(set(COMMON)) > 3_000
    assert [password for password in COMMON if not is_common(password)] == []


@pytest.mark.parametrize(
    "password",
    ["passwordpassword", "P@ssw0rdP@ssw0rd", "123456789012345", "987654321098765",
     "aaaaaaaaaaaaaaa", "abcabcabcabcabc", "qwertyuiopasdfgh", "1q2w3e4r5t6y7u8i9o",
     "iloveyouiloveyou", "correcthorsecorrecthorse"],
)  # fmt: skip
def test_repetitions_and_walks_are_refused(password: str) -> None:
    """Length alone is no strength."""
    with pytest.raises(Invalid) as refused:
        require_uncommon(password, "amina@souk.example")
    assert refused.value.fields[0].code == "password_common"


@pytest.mark.parametrize(
    "password",
    ["correct horse battery staple", "a perfectly fine phrase", "souk-demo-password-7",
     "xK9#mQ2$vL5&nR8", "837462839105728", "Zwölf Boxkämpfer jagen", "test account for mina"],
)  # fmt: skip
def test_other_passwords_pass(password: str) -> None:
    """What takes guessers long is welcome, in any language."""
    require_uncommon(password, "amina@souk.example")


@pytest.mark.parametrize("piece", ["x", "kT9 vw2 ", "Zq7-"])
def test_what_is_longer_than_any_list_passes(piece: str) -> None:
    """Of the allowed 128 characters none is refused as common; padding up to 64 is."""
    require_uncommon((piece * 128)[:128], "amina@souk.example")
    with pytest.raises(Invalid):
        require_uncommon((piece * 64)[:64], "amina@souk.example")


def test_the_own_address_is_no_password() -> None:
    """However it is written."""
    with pytest.raises(Invalid):
        require_uncommon("Amina@Souk.Example", "amina@souk.example")
