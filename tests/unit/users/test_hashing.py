"""Password hashes: their cost, their pepper, and when they are outdated."""

from argon2 import PasswordHasher, extract_parameters

from chalicelib.users.hashing import PepperedPasswords

PASSWORD = "a perfectly fine phrase"


def peppered(pepper: bytes = b"p" * 32) -> PepperedPasswords:
    """Hashes under one pepper."""
    return PepperedPasswords(lambda: pepper)


def test_parameters_are_at_least_the_floor() -> None:
    """Read back from the stored string: argon2id, 19 MiB, two passes, one lane."""
    hashed = peppered().hashed(PASSWORD)
    assert hashed.startswith("$argon2id$")
    found = extract_parameters(hashed)
    assert (found.memory_cost, found.time_cost, found.parallelism) == (19_456, 2, 1)
    assert peppered().is_right(PASSWORD, hashed)
    assert not peppered().is_right(f"{PASSWORD} ", hashed)
    assert peppered().hashed(PASSWORD) != hashed


def test_the_pepper_is_part_of_the_hash() -> None:
    """Whoever has the table and not the secret cannot even try passwords."""
    hashed = peppered().hashed(PASSWORD)
    assert not peppered(b"q" * 32).is_right(PASSWORD, hashed)
    assert not PasswordHasher().check_needs_rehash(hashed) or PASSWORD not in hashed


def test_nobodys_password_is_never_right() -> None:
    """Without a hash the work is done and the answer is no; a broken hash is no either."""
    assert not peppered().is_right(PASSWORD, None)
    assert not peppered().is_right(PASSWORD, "not a hash")


def test_other_parameters_are_outdated() -> None:
    """A hash of yesterday's cost is made anew at the next login."""
    weaker = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    assert peppered().is_outdated(weaker)
    assert not peppered().is_outdated(peppered().hashed(PASSWORD))
