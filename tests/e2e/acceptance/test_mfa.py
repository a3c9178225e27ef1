"""Sections 1.6 and 4.3: the second factor over HTTP."""

import base64
import re
import time
from typing import Any

from chalicelib.users.codes import STEP_S, totp
from local.demo_data import PASSWORD
from local.shop import Shop
from tests.e2e.acceptance.conftest import Core, registered
from tests.e2e.acceptance.shapes import TOKEN_PAIR, USER, fits
from tests.e2e.acceptance.test_errors import refused

RECOVERY = re.compile(r"[A-Z2-7]{5}-[A-Z2-7]{5}")


def code(secret: str, later: int = 0) -> str:
    """The code now, or `later` steps on."""
    padded = secret + "=" * (-len(secret) % 8)
    return totp(base64.b32decode(padded), int(time.time()) // STEP_S + later)


def test_second_factor(anybody: Shop, core: Core) -> None:
    """Set up, proved, asked for at login, renewed, turned off."""
    me = registered(anybody)
    refused(me.call("POST", "/users/me/mfa/step-up", {"code": "000000"}), 409, "invalid_state")
    confirm = "/users/me/mfa/totp/confirm"
    refused(me.call("POST", confirm, {"code": "000000"}), 409, "invalid_state")
    setup = "/users/me/mfa/totp"
    refused(me.call("POST", setup, {"password": "wrong"}), 403, "wrong_password")
    made = me.ask("POST", setup, {"password": PASSWORD})
    fits(made, {"secret": str, "otpauth_uri": re.compile("otpauth://totp/.+")})
    row = core.row(f"USER#{me.user['id']}", "MFA")
    assert row
    assert row["state"] == "PENDING"
    assert made["secret"] not in str(row)
    bad = "000000" if code(made["secret"]) != "000000" else "111111"
    refused(me.call("POST", confirm, {"code": bad}), 403, "mfa_invalid")
    on = me.ask("POST", confirm, {"code": code(made["secret"], -1)})
    fits(on, {"recovery_codes": [RECOVERY], "tokens": TOKEN_PAIR})
    assert len(set(on["recovery_codes"])) == 10
    me = Shop(me.api_url, on["tokens"]["access_token"], me.user)
    assert me.get("/users/me")["mfa_enabled"] is True
    refused(me.call("POST", setup, {"password": PASSWORD}), 409, "invalid_state")

    challenge = asked(anybody, me)
    body = {"challenge": challenge, "code": bad}
    refused(anybody.call("POST", "/users/login/mfa", body), 403, "mfa_invalid")
    signed = anybody.ask("POST", "/users/login/mfa", body | {"code": code(made["secret"])})
    fits(signed, {"status": frozenset({"ok"}), "tokens": TOKEN_PAIR, "user": USER})
    used = body | {"code": code(made["secret"], 1)}
    refused(anybody.call("POST", "/users/login/mfa", used), 410, "token_expired")
    recovery = on["recovery_codes"][0]
    anybody.ask("POST", "/users/login/mfa", {"challenge": asked(anybody, me), "code": recovery})
    twice = {"challenge": asked(anybody, me), "code": recovery}
    refused(anybody.call("POST", "/users/login/mfa", twice), 403, "mfa_invalid")
    second = on["recovery_codes"][1]
    me.ask("POST", "/users/me/mfa/step-up", {"code": second}, expect=204)
    third = on["recovery_codes"][2]
    renewed = me.ask("POST", "/users/me/mfa/recovery-codes", {"code": third})
    fits(renewed, {"recovery_codes": [RECOVERY]})
    old = {"code": on["recovery_codes"][3]}
    refused(me.call("POST", "/users/me/mfa/step-up", old), 403, "mfa_invalid")
    off = {"password": PASSWORD, "code": renewed["recovery_codes"][0]}
    wrong = off | {"password": "wrong"}
    refused(me.call("POST", "/users/me/mfa/totp/disable", wrong), 403, "wrong_password")
    done = me.ask("POST", "/users/me/mfa/totp/disable", off)
    fits(done, {"tokens": TOKEN_PAIR})
    assert core.row(f"USER#{me.user['id']}", "MFA") is None
    login: dict[str, Any] = {"email": me.user["email"], "password": PASSWORD}
    assert anybody.ask("POST", "/users/login", login)["status"] == "ok"


def asked(anybody: Shop, me: Shop) -> str:
    """The challenge of a login that needs the second factor."""
    login = {"email": me.user["email"], "password": PASSWORD}
    reply = anybody.ask("POST", "/users/login", login)
    fits(
        reply,
        {
            "status": frozenset({"mfa_required"}),
            "challenge": re.compile("[A-Za-z0-9_-]{43}"),
            "expires_in": frozenset({300}),
        },
    )
    return str(reply["challenge"])
