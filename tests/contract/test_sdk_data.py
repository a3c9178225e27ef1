"""The trimmed data that functions on AWS read is the SDK's own, for what Souk calls."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.model import ServiceModel

from chalicelib.aws.service_models import service_models
from tools.sdk_data import FOLDER, kept, rendered, services_in_use

REGIONS = ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1")
RESOLVED = """
import botocore.session, json, sys
from botocore.config import Config
session = botocore.session.get_session()
session.set_credentials("test", "test")
found = {
    f"{service} {region}": session.create_client(service, region_name=region).meta.endpoint_url
    for service in sys.argv[1].split(",") for region in sys.argv[2].split(",")
}
for region in sys.argv[2].split(","):
    # As chalicelib.aws.clients makes it.
    config = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    s3 = session.create_client("s3", region_name=region, config=config)
    found[f"form {region}"] = s3.generate_presigned_post("a-bucket", "a-key")["url"]
print(json.dumps(found))
"""


def members(shape: Any, seen: tuple[str, ...] = ()) -> Any:  # Any: botocore's shapes
    """Spell a shape out, with all below it, as far as it does not hold itself."""
    if shape is None or shape.name in seen:
        return getattr(shape, "name", None)
    below = (*seen, shape.name)
    parts: list[Any] = [shape.type_name, shape.serialization, shape.metadata]
    if shape.type_name == "structure":
        parts += [{name: members(one, below) for name, one in shape.members.items()}]
    if shape.type_name == "list":
        parts += [members(shape.member, below)]
    if shape.type_name == "map":
        parts += [members(shape.key, below), members(shape.value, below)]
    return parts


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


def test_the_trimmed_data_follow_the_pinned_sdk() -> None:
    """A new pin, service or operation writes them again: python -m tools.sdk_data."""
    assert kept() == rendered()


@pytest.mark.covers(104)
def test_the_trimmed_data_lead_to_the_same_endpoints() -> None:
    """Whatever region a stage stands in, each service is found where the SDK would find it."""
    assert resolved(FOLDER) == resolved(None)


def test_every_operation_and_shape_is_the_sdk_s_but_for_its_words() -> None:
    """What is kept of a model serialises and parses a call as the whole model does."""
    trimmed, whole = service_models(str(FOLDER)), service_models(None)
    for service in sorted(services_in_use()):
        ours = ServiceModel(trimmed.load_service_model(service, "service-2"), service)
        theirs = ServiceModel(whole.load_service_model(service, "service-2"), service)
        assert ours.metadata == theirs.metadata
        assert ours.operation_names
        for name in ours.operation_names:
            mine, original = ours.operation_model(name), theirs.operation_model(name)
            assert mine.http == original.http
            assert [one.name for one in mine.error_shapes] == [
                one.name for one in original.error_shapes
            ]
            for side in ("input_shape", "output_shape"):
                assert members(getattr(mine, side)) == members(getattr(original, side))
