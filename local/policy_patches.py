"""P4, the resource of a mail: AWS checks ses:SendEmail on the sender's identity, MiniStack on `*`.

Without it a policy that names identities, as least privilege asks, would be refused here and pass
on AWS. It replaces one function of MiniStack and quotes none of its code.
"""

import inspect
import json
from email.utils import parseaddr
from functools import wraps
from typing import Any

from local.worker_patches import UnknownEngine

SEND_PATHS = ("/v2/email/outbound-emails", "/v2/email/outbound-bulk-emails")
SIGNATURE = "(method: str, path: str, body: bytes, region: str, account_id: str) -> str"


def install(actions: Any) -> None:
    """Put P4 into MiniStack's module of IAM actions, or raise UnknownEngine."""
    original = getattr(actions, "_ses_v2_resource_arn", None)
    found = str(inspect.signature(original)) if callable(original) else "nothing"
    if original is None or found != SIGNATURE:
        raise UnknownEngine(f"MiniStack's _ses_v2_resource_arn is {found}, expected {SIGNATURE}")

    @wraps(original)
    def resource_arn(method: str, path: str, body: bytes, region: str, account_id: str) -> str:
        if method == "POST" and path.rstrip("/") in SEND_PATHS and (address := sender(body)):
            return f"arn:aws:ses:{region}:{account_id}:identity/{address}"
        return str(original(method, path, body, region, account_id))

    actions._ses_v2_resource_arn = resource_arn  # noqa: SLF001


def sender(body: bytes) -> str:
    """The address in FromEmailAddress of a send request; nothing if there is none."""
    try:
        written = json.loads(body).get("FromEmailAddress")
    except (ValueError, AttributeError):
        return ""
    return parseaddr(written)[1] if isinstance(written, str) else ""
