"""Writes vendor/aws_data/endpoints.json: the SDK's endpoint list, cut to the services in use.

The SDK reads the whole list (1.2 MB of JSON) before it makes its first client, which is a fifth of
a cold start. `AWS_DATA_PATH` points functions on AWS to this folder first; everything that is not
here the SDK finds where it always is. A test writes the file again and compares.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

import botocore.session

ROOT: Final = Path(__file__).parents[1]
TARGET: Final = ROOT / "vendor" / "aws_data" / "endpoints.json"
PARTITIONS: Final = ("aws", "aws-cn", "aws-us-gov")
CLIENT: Final = re.compile(r"""\bclient\(\s*["']([a-z0-9-]+)["']""")


def services_in_use() -> set[str]:
    """List the services for which chalicelib makes a client."""
    texts = (path.read_text() for path in (ROOT / "chalicelib").rglob("*.py"))
    return {service for text in texts for service in CLIENT.findall(text)}


def endpoint_prefixes(services: set[str]) -> set[str]:
    """Translate service names to the names that the endpoint list uses."""
    session = botocore.session.get_session()
    return {session.get_service_model(service).metadata["endpointPrefix"] for service in services}


def trimmed(endpoints: dict[str, Any], prefixes: set[str]) -> dict[str, Any]:
    """Keep the partitions that Souk deploys to and the services it calls."""
    kept = [
        partition
        | {"services": {name: it for name, it in partition["services"].items() if name in prefixes}}
        for partition in endpoints["partitions"]
        if partition["partition"] in PARTITIONS
    ]
    return endpoints | {"partitions": kept}


def render() -> str:
    """Write the list as the pinned SDK has it today."""
    whole = botocore.session.get_session().get_data("endpoints")
    return json.dumps(trimmed(whole, endpoint_prefixes(services_in_use())), indent=1) + "\n"


def main() -> int:
    """Write the file, or with --check say whether it is up to date."""
    if "--check" in sys.argv:
        return 0 if TARGET.exists() and TARGET.read_text() == render() else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(render())
    print(f"wrote {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
