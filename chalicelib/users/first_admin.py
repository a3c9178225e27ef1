"""The command that appoints the first administrator: python -m chalicelib.users.first_admin EMAIL.

Run it once, with AWS credentials and the environment of the deployment (SOUK_STAGE, AWS_REGION),
after the person has registered and verified the address. Further staff are appointed through
the API.
"""

import sys
from typing import Final

from chalicelib.edge.blueprints import new_correlation_id
from chalicelib.kernel.domain_events import Actor
from chalicelib.kernel.errors import DomainError
from chalicelib.users import service
from chalicelib.users.rules import Origin
from chalicelib.users.wiring import deps

USAGE: Final = "usage: python -m chalicelib.users.first_admin EMAIL\n"


def main(arguments: list[str]) -> int:
    """Appoint whoever has the address given; 0 if that person is an administrator now."""
    if len(arguments) != 1:
        sys.stderr.write(USAGE)
        return 2
    origin = Origin(Actor("system", "first_admin"), new_correlation_id())
    try:
        user = service.appoint_first_admin(arguments[0], origin, deps())
    except DomainError as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 1
    sys.stdout.write(f"{user.id} is an administrator.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
