"""The local stage: the parameter values that differ from production, and the demo logins."""

from __future__ import annotations

import json
from pathlib import Path

from local import demo_data
from local.gateway import api_url, socket_base_url
from local.instance import Instance

ACCOUNT = "000000000000"


def parameters(instance: Instance, source: Path) -> dict[str, str]:
    """Template parameters: the stage's own file, and the URLs that only a start knows."""
    written = json.loads((source / "infra" / "parameters" / "local.json").read_text())
    of_the_stage: dict[str, str] = written["Parameters"]
    return of_the_stage | {
        "PublicBaseUrl": api_url(instance),
        "SocketBaseUrl": socket_base_url(instance),
        "AllowedOrigins": instance.endpoint,
        "MediaBaseUrl": f"{instance.endpoint}/souk-local-media-{ACCOUNT}",
    }


def logins() -> dict[str, dict[str, str]]:
    """A login for each role, as stack.json shows them."""
    shown = (*demo_data.STAFF, demo_data.AMINA)
    return {
        person.role: {"email": person.email, "password": demo_data.PASSWORD} for person in shown
    }
