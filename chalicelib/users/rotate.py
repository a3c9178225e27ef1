"""The command that rotates key rings now: python -m chalicelib.users.rotate [SECRET ...].

Without names all rings are rotated, as the schedule does it every thirty days. Rotating a ring
twice ends everything its first key had made: that is how a leaked key is withdrawn. Leave five
minutes in between, for which functions keep a ring, or some go on making what is worth nothing.
"""

import sys

from chalicelib.kernel.errors import DomainError
from chalicelib.users.events import ROTATED, rotation


def main(arguments: list[str]) -> int:
    """Rotate the rings named, or all of them."""
    unknown = [name for name in arguments if name not in ROTATED]
    if unknown:
        sys.stderr.write(f"no such ring: {', '.join(unknown)}; there are {', '.join(ROTATED)}\n")
        return 2
    try:
        rotation().rotate({name: ROTATED[name] for name in arguments or ROTATED})
    except DomainError as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 1
    sys.stdout.write(f"rotated: {', '.join(arguments or ROTATED)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
