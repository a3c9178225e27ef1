"""REST routes of accounts: register, verify, sign in, refresh, passwords."""

from chalicelib.edge.calls import Call
from chalicelib.edge.contracts import documented
from chalicelib.edge.http import PUBLIC
from chalicelib.edge.replies import Reply
from chalicelib.kernel.errors import TokenExpired
from chalicelib.users import ending, passwords, schemas, service, sessions
from chalicelib.users.authorizer import CUSTOMER
from chalicelib.users.limits import FORGOT_PER_IP, REGISTER_PER_IP, RESEND_PER_IP
from chalicelib.users.mount import admitted, blueprint, signed_in, stranger
from chalicelib.users.sessions import (
    AccountDisabled,
    EmailUnverified,
    InvalidCredentials,
    MfaInvalid,
    RefreshInvalid,
)
from chalicelib.users.views import login_view, token_pair
from chalicelib.users.wiring import deps

VERIFICATION_SENT = schemas.MailSent(status="verification_sent")
RESET_SENT = schemas.MailSent(status="reset_sent")


@blueprint.route("/users/register", methods=["POST"], access=PUBLIC)
@documented(
    request=schemas.Registration,
    replies={202: schemas.MailSent},
    limits=[(REGISTER_PER_IP, "ip")],
)
def register(call: Call) -> Reply:
    """Make an account; the same reply for an address that has one."""
    service.register(call.body(schemas.Registration), stranger(call), deps())
    return Reply(202, VERIFICATION_SENT)


@blueprint.route("/users/verify-email", methods=["POST"], access=PUBLIC)
@documented(request=schemas.TokenOnly, replies={204: None}, errors=[TokenExpired])
def verify_email(call: Call) -> Reply:
    """Count an address as verified, by the token that was mailed to it."""
    service.verify_email(call.body(schemas.TokenOnly).token, stranger(call), deps())
    return Reply(204)


@blueprint.route("/users/verify-email/resend", methods=["POST"], access=PUBLIC)
@documented(
    request=schemas.EmailOnly, replies={202: schemas.MailSent}, limits=[(RESEND_PER_IP, "ip")]
)
def resend_verification(call: Call) -> Reply:
    """Send the verification mail again, if somebody waits for it."""
    service.resend_verification(call.body(schemas.EmailOnly).email, stranger(call), deps())
    return Reply(202, VERIFICATION_SENT)


@blueprint.route("/users/login", methods=["POST"], access=PUBLIC)
@documented(
    request=schemas.Login,
    replies={200: schemas.LoginView},
    errors=[InvalidCredentials, EmailUnverified, AccountDisabled],
)
def login(call: Call) -> Reply:
    """Sign in, or get the challenge of the second step."""
    outcome = sessions.login(call.body(schemas.Login), stranger(call), deps())
    return Reply(200, login_view(outcome))


@blueprint.route("/users/login/mfa", methods=["POST"], access=PUBLIC)
@documented(
    request=schemas.MfaLogin,
    replies={200: schemas.SignedInView},
    errors=[MfaInvalid, TokenExpired],
)
def login_mfa(call: Call) -> Reply:
    """Finish a login with a code of the second factor."""
    outcome = sessions.login_mfa(call.body(schemas.MfaLogin), stranger(call), deps())
    return Reply(200, login_view(outcome))


@blueprint.route("/users/token/refresh", methods=["POST"], access=PUBLIC)
@documented(
    request=schemas.RefreshRequest, replies={200: schemas.TokenPair}, errors=[RefreshInvalid]
)
def refresh(call: Call) -> Reply:
    """Exchange a refresh token for the next pair."""
    token = call.body(schemas.RefreshRequest).refresh_token
    return Reply(200, token_pair(sessions.refresh(token, stranger(call), deps())))


@blueprint.route("/users/logout", methods=["POST"], access=CUSTOMER)
@documented(replies={204: None})
def logout(call: Call) -> Reply:
    """End this session."""
    caller = call.caller
    ending.logout(caller.user_id, caller.session_id, signed_in(call), deps())
    return Reply(204)


@blueprint.route("/users/logout-all", methods=["POST"], access=CUSTOMER)
@documented(replies={204: None})
def logout_all(call: Call) -> Reply:
    """End every session of this user."""
    ending.logout_all(call.caller.user_id, signed_in(call), deps())
    return Reply(204)


@blueprint.route("/users/password/forgot", methods=["POST"], access=PUBLIC)
@documented(
    request=schemas.EmailOnly, replies={202: schemas.MailSent}, limits=[(FORGOT_PER_IP, "ip")]
)
def forgot_password(call: Call) -> Reply:
    """Send a reset mail, if somebody has this address."""
    passwords.forgot(call.body(schemas.EmailOnly).email, stranger(call), deps())
    return Reply(202, RESET_SENT)


@blueprint.route("/users/password/reset", methods=["POST"], access=PUBLIC)
@documented(request=schemas.PasswordReset, replies={204: None}, errors=[TokenExpired])
def reset_password(call: Call) -> Reply:
    """Set a new password by the token of a reset mail; all sessions end."""
    passwords.reset(call.body(schemas.PasswordReset), stranger(call), deps())
    return Reply(204)


@blueprint.route("/users/password/change", methods=["POST"], access=CUSTOMER)
@documented(
    request=schemas.PasswordChange,
    replies={200: schemas.TokenPair},
    errors=[passwords.WrongPassword],
)
def change_password(call: Call) -> Reply:
    """Set a new password; other sessions end."""
    asked = call.body(schemas.PasswordChange)
    return Reply(200, token_pair(passwords.change(asked, admitted(call), signed_in(call), deps())))
