"""The hand-made signature is the SDK's, byte for byte."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import time_machine
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from chalicelib.kernel.clock import SystemClock
from chalicelib.live.posting import Signer
from chalicelib.live.records import Payload


@pytest.mark.parametrize("token", [None, "session-token"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/v1/@connections/L0SM9cOFvHcCIhw%3D", "/_aws/execute-api/abc/v1/@connections/x"]
)
def test_signature_is_that_of_the_sdk(path: str, method: str, token: str | None) -> None:
    """Same headers, same scope, same signature, for ids with signs that must be encoded."""
    payload = Payload.of({"type": "chat.message", "data": {"text": "Grüße"}})
    keys = SimpleNamespace(access_key="AKID", secret_key="secret", token=token)
    with time_machine.travel(datetime(2026, 3, 1, 12, 0, tzinfo=UTC), tick=False):
        ours = Signer(lambda: keys, "eu-west-1", SystemClock()).headers(
            method, "api.example", path, payload.digest
        )
        request = AWSRequest(method, f"https://api.example{path}", data=payload.body)
        SigV4Auth(Credentials("AKID", "secret", token), "execute-api", "eu-west-1").add_auth(
            request
        )
    assert ours["authorization"] == request.headers["Authorization"]
    assert ours["x-amz-date"] == request.headers["X-Amz-Date"]
    assert ours.get("x-amz-security-token") == request.headers.get("X-Amz-Security-Token")
