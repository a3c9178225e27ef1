"""B13: the login hash beside scrypt at OWASP's cost; this process stays small, for the RSS."""

from bench.measure import Figure, bytecode_folder, lambda_environment, process_cost, report

HASH = """
from chalicelib.users.hashing import PepperedPasswords
hashed = PepperedPasswords(lambda: b"p" * 32).hashed("a perfectly fine phrase")
assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$"), hashed
"""
NO_HASH = "from chalicelib.users.hashing import PepperedPasswords"
SCRYPT = """
import hashlib
hashlib.scrypt(b"a perfectly fine phrase", salt=b"s" * 16, n=2**17, r=8, p=1, maxmem=2**28)
"""


def hash_figures() -> list[Figure]:
    """The login hash beside scrypt at OWASP's cost, its parameters read from the string."""
    with bytecode_folder() as scratch:
        environment = lambda_environment(scratch)
        costs = {
            name: process_cost(code, environment)
            for _ in range(2)
            for name, code in (("hash", HASH), ("import", NO_HASH), ("scrypt", SCRYPT))
        }
    ratio = (costs["hash"].cpu_ms - costs["import"].cpu_ms) / costs["scrypt"].cpu_ms
    return [
        Figure("B13", "login hash / scrypt N=2^17", ratio, 0.65),
        Figure("B13", "RSS of a process that hashes", costs["hash"].rss_mb, 50, "MB"),
    ]


def main() -> int:
    """Print both figures; 1 if one is over its budget."""
    return report(hash_figures())


if __name__ == "__main__":
    raise SystemExit(main())
