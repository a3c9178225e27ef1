"""The trimmed endpoint list that functions on AWS read is the SDK's own, for what Souk calls."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.sdk_data import TARGET, render, services_in_use

REGIONS = ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1")
RESOLVED = """
import botocore.session, json, sys
session = botocore.session.get_session()
print(json.dumps({
    f"{service} {region}": session.create_client(service, region_name=region).meta.endpoint_url
    for service in sys.argv[1].split(",") for region in sys.argv[2].split(",")
}))
"""


def resolved(data_path: Path | None) -> dict[str, str]:
    """Resolve every endpoint in a fresh interpreter, with or without the trimmed list."""
    environment = {**os.environ, "AWS_DATA_PATH": str(data_path)} if data_path else dict(os.environ)
    arguments = [",".join(sorted(services_in_use())), ",".join(REGIONS)]
    finished = subprocess.run(
        [sys.executable, "-c", RESOLVED, *arguments],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, str] = json.loads(finished.stdout)
    return found


def test_the_trimmed_list_follows_the_pinned_sdk() -> None:
    """A new pin or a new service writes it again: python -m tools.sdk_data."""
    assert TARGET.read_text() == render()


@pytest.mark.covers(104)
def test_the_trimmed_list_leads_to_the_same_endpoints() -> None:
    """Whatever region a stage stands in, each service is found where the SDK would find it."""
    assert resolved(TARGET.parent) == resolved(None)
