"""REST routes of the second factor."""

from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.replies import Reply
from chalicelib.kernel.errors import Conflict
from chalicelib.users import codes, schemas, second_factor
from chalicelib.users.authorizer import CUSTOMER
from chalicelib.users.mount import admitted, blueprint, signed_in
from chalicelib.users.passwords import WrongPassword
from chalicelib.users.sessions import MfaInvalid
from chalicelib.users.views import token_pair
from chalicelib.users.wiring import deps


@blueprint.route("/users/me/mfa/totp", methods=["POST"], access=CUSTOMER)
@documented(
    request=schemas.PasswordProof,
    replies={200: schemas.TotpSetup},
    errors=[WrongPassword, Conflict],
)
def set_up_totp(call: Call) -> Reply:
    """A secret for the authenticator; it counts once its first code is confirmed."""
    password = call.body(schemas.PasswordProof).password
    waiting, user = second_factor.set_up(admitted(call), password, deps())
    secret, uri = (
        codes.written_secret(waiting.secret),
        codes.otpauth_uri(waiting.secret, user.email),
    )
    return Reply(200, schemas.TotpSetup(secret=secret, otpauth_uri=uri))


@blueprint.route("/users/me/mfa/totp/confirm", methods=["POST"], access=CUSTOMER)
@documented(
    request=schemas.TotpProof, replies={200: schemas.MfaTurnedOn}, errors=[MfaInvalid, Conflict]
)
def confirm_totp(call: Call) -> Reply:
    """Turn the second factor on; other sessions end."""
    code = call.body(schemas.TotpProof).code
    on = second_factor.confirm(admitted(call), code, signed_in(call), deps())
    view = schemas.MfaTurnedOn(recovery_codes=on.recovery_codes, tokens=token_pair(on.tokens))
    return Reply(200, view)


@blueprint.route("/users/me/mfa/totp/disable", methods=["POST"], access=CUSTOMER)
@documented(
    request=schemas.MfaRemoval,
    replies={200: schemas.MfaTurnedOff},
    errors=[WrongPassword, MfaInvalid, Conflict],
)
def disable_totp(call: Call) -> Reply:
    """Give the second factor up; other sessions end."""
    asked = call.body(schemas.MfaRemoval)
    proofs = (asked.password, asked.code)
    granted = second_factor.turn_off(admitted(call), proofs, signed_in(call), deps())
    return Reply(200, schemas.MfaTurnedOff(tokens=token_pair(granted)))


@blueprint.route("/users/me/mfa/recovery-codes", methods=["POST"], access=CUSTOMER)
@documented(
    request=schemas.CodeProof, replies={200: schemas.RecoveryCodes}, errors=[MfaInvalid, Conflict]
)
def renew_recovery_codes(call: Call) -> Reply:
    """New recovery codes; the old ones are void."""
    code = call.body(schemas.CodeProof).code
    renewed = second_factor.renew_recovery_codes(admitted(call), code, deps())
    return Reply(200, schemas.RecoveryCodes(recovery_codes=renewed))


@blueprint.route("/users/me/mfa/step-up", methods=["POST"], access=CUSTOMER)
@documented(request=schemas.CodeProof, replies={204: None}, errors=[MfaInvalid, Conflict])
def step_up(call: Call) -> Reply:
    """Prove the second factor again, for what asks for a fresh proof."""
    second_factor.step_up(admitted(call), call.body(schemas.CodeProof).code, deps())
    return Reply(204)
