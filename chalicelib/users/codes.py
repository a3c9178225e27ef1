"""Codes of the second factor: TOTP (RFC 6238) with each step once, and recovery codes."""

import base64
import hashlib
import hmac
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from chalicelib.kernel.clock import epoch_s
from chalicelib.users.ports import Deps
from chalicelib.users.possessions import Mfa

STEP_S: Final = 30
DIGITS: Final = 6
STEPS_AROUND: Final = (0, -1, 1)
SECRET_BYTES: Final = 20
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 7
_HALF: Final = 5
ISSUER: Final = "Souk"


def totp(secret: bytes, step: int) -> str:
    """The six digits of one 30-second step (RFC 4226 truncation, SHA-1)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def use_code(mfa: Mfa, code: str, deps: Deps) -> Mfa | None:
    """The second factor with this code used up; None if the code is wrong or used before."""
    if "-" in code:
        return _use_recovery(mfa, code, deps)
    return use_totp(mfa, code, deps)


def use_totp(mfa: Mfa, code: str, deps: Deps) -> Mfa | None:
    """The second factor with this step used up; None if the code is wrong or used before."""
    now = epoch_s(deps.clock.now()) // STEP_S
    right = [
        now + around
        for around in STEPS_AROUND
        if hmac.compare_digest(totp(mfa.secret, now + around), code)
    ]
    fresh = [step for step in right if step > mfa.last_step]
    return replace(mfa, last_step=fresh[0]) if fresh else None


def _use_recovery(mfa: Mfa, code: str, deps: Deps) -> Mfa | None:
    used = deps.lookups.recovery_hash(mfa.user_id, code)
    left = tuple(one for one in mfa.recovery_hashes if not hmac.compare_digest(one, used))
    return replace(mfa, recovery_hashes=left) if len(left) < len(mfa.recovery_hashes) else None


def recovery_codes(deps: Deps) -> list[str]:
    """Ten new codes such as ABCDE-23456."""
    drawn = (
        base64.b32encode(deps.ids.token_bytes(_RECOVERY_BYTES)).decode()
        for _ in range(RECOVERY_CODES)
    )
    return [f"{one[:_HALF]}-{one[_HALF : 2 * _HALF]}" for one in drawn]


def written_secret(secret: bytes) -> str:
    """The secret as people type it into an authenticator."""
    return base64.b32encode(secret).decode()


def otpauth_uri(secret: bytes, email: str) -> str:
    """The secret as an authenticator scans it."""
    label = quote(f"{ISSUER}:{email}", safe="")
    return (
        f"otpauth://totp/{label}?secret={written_secret(secret)}&issuer={ISSUER}"
        f"&algorithm=SHA1&digits={DIGITS}&period={STEP_S}"
    )
