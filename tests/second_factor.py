"""An authenticator for tests: reads the secret once and tells codes."""

import base64
from datetime import UTC, datetime
from typing import Any

from chalicelib.users.codes import STEP_S, totp
from tests.front_door import PASSWORD, FrontDoor, Member


def secret_of(written: str) -> bytes:
    """The secret behind what people type."""
    return base64.b32decode(written)


def code_at(secret: bytes) -> str:
    """The code of this moment."""
    return totp(secret, int(datetime.now(UTC).timestamp()) // STEP_S)


def with_mfa(member: Member, clock: Any) -> tuple[Member, bytes, list[str]]:
    """The member with a second factor on, one unused step later; its secret and codes."""
    made = member.door.post("/users/me/mfa/totp", {"password": PASSWORD}).body
    secret = secret_of(made["secret"])
    reply = member.door.post("/users/me/mfa/totp/confirm", {"code": code_at(secret)})
    tokens = reply.body["tokens"]
    member.door = FrontDoor(tokens["access_token"])
    member.refresh_token = tokens["refresh_token"]
    clock.shift(2 * STEP_S)
    return member, secret, reply.body["recovery_codes"]
