"""Wire models of accounts; frozen requests double as commands."""

from typing import Annotated, Literal

from pydantic import Field, RootModel, StringConstraints, ValidationInfo, field_validator

from chalicelib.wire.models import (
    AddressFields,
    Email,
    PageParameters,
    Phone,
    Request,
    View,
    line,
)

PASSWORD_LENGTH_MIN = 15
PASSWORD_LENGTH_MAX = 128

Locale = Literal["en-GB", "de-DE", "fr-FR"]
RoleName = Literal["customer", "support", "warehouse", "merchant", "admin"]
StaffRoleName = Literal["support", "warehouse", "merchant", "admin"]
NewPassword = Annotated[str, line(PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX)]
GivenPassword = Annotated[str, line(1, PASSWORD_LENGTH_MAX)]
PersonName = Annotated[str, line(1, 100)]
DeviceName = Annotated[str, line(0, 120)]
OneTimeText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
TotpCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
AnyCode = Annotated[str, StringConstraints(pattern=r"^([0-9]{6}|[A-Z2-7]{5}-[A-Z2-7]{5})$")]


class Registration(Request):
    """A new account."""

    email: Email
    password: NewPassword
    name: PersonName
    locale: Locale = "en-GB"


class EmailOnly(Request):
    """An address that a mail may go to."""

    email: Email


class TokenOnly(Request):
    """The token of a mailed link."""

    token: OneTimeText


class PasswordReset(Request):
    """A new password, with the token of the mailed link."""

    token: OneTimeText
    password: NewPassword


class PasswordChange(Request):
    """A new password, with the present one."""

    current_password: GivenPassword
    new_password: NewPassword


class Login(Request):
    """An address and its password."""

    email: Email
    password: GivenPassword
    device: DeviceName = ""


class MfaLogin(Request):
    """The second step of a login."""

    challenge: OneTimeText
    code: AnyCode
    device: DeviceName = ""


class RefreshRequest(Request):
    """A refresh token to be exchanged."""

    refresh_token: Annotated[str, line(1, 200)]


class ProfilePatch(Request):
    """What to change; an absent field stays, a null phone is cleared."""

    NULLABLE = frozenset({"phone"})

    # Made by factories, so that the document shows no default: absent means unchanged.
    name: PersonName = Field(default_factory=str)
    phone: Phone | None = Field(default_factory=lambda: None)
    locale: Locale = Field(default_factory=lambda: "en-GB")


class PasswordProof(Request):
    """The password, to prove who asks."""

    password: GivenPassword


class TotpProof(Request):
    """The six digits of the authenticator."""

    code: TotpCode


class CodeProof(Request):
    """Six digits, or a recovery code."""

    code: AnyCode


class MfaRemoval(Request):
    """Both proofs, to give the second factor up."""

    password: GivenPassword
    code: AnyCode


class AddressRequest(AddressFields):
    """An address with its name in the book."""

    label: Annotated[str, line(1, 40)] = "Home"
    is_default: bool = False


class OrderUpdates(Request):
    """Ways by which order news may come."""

    email: bool
    sms: bool
    push: bool


class PreferencesRequest(Request):
    """What the user wants to be told."""

    order_updates: OrderUpdates
    marketing_email: bool


class DeviceRequest(Request):
    """A device that takes push messages."""

    platform: Literal["ios", "android", "web"]
    token: Annotated[str, line(8, 512)]


class RoleChange(Request):
    """Another role."""

    role: RoleName


class StaffParameters(PageParameters):
    """Exactly one of a staff role (paged) and an address."""

    role: StaffRoleName | None = None
    email: Annotated[Email | None, Field(validate_default=True)] = None

    @field_validator("email")
    @classmethod
    def _one_of_both(cls, email: str | None, others: ValidationInfo) -> str | None:
        # A role that is not allowed is missing here, and refused by itself.
        if "role" in others.data and (others.data["role"] is None) == (email is None):
            raise ValueError("give exactly one of role and email")
        return email


class MailSent(View):
    """The reply to whoever asks for a mail, known or unknown."""

    status: Literal["verification_sent", "reset_sent"]


class UserView(View):
    """A user as the user and scoped staff see it."""

    id: str
    email: str
    name: str
    phone: str | None
    locale: Locale
    role: RoleName
    status: Literal["UNVERIFIED", "ACTIVE", "DISABLED"]
    mfa_enabled: bool
    created_at: str
    updated_at: str
    version: int


class TokenPair(View):
    """An access token, and the token to get the next one with."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: Literal[900] = 900
    refresh_token: str
    session_id: str


class SignedInView(View):
    """A finished login."""

    status: Literal["ok"] = "ok"
    tokens: TokenPair
    user: UserView


class ChallengeView(View):
    """A login that waits for its second step."""

    status: Literal["mfa_required"] = "mfa_required"
    challenge: str
    expires_in: Literal[300] = 300


class LoginView(RootModel[Annotated[SignedInView | ChallengeView, Field(discriminator="status")]]):
    """A finished login, or one that waits for its second step; `status` tells which."""


class SessionView(View):
    """A signed-in device as its owner sees it."""

    id: str
    device: str
    ip_hint: str
    current: bool
    created_at: str
    last_used_at: str
    expires_at: str


class SessionsPage(View):
    """All live sessions."""

    items: list[SessionView]
    next: str | None


class ActivityView(View):
    """One thing that happened to the account."""

    type: str
    at: str
    actor: Literal["customer", "staff", "system"]


class ActivityPage(View):
    """What happened to the account, newest first."""

    items: list[ActivityView]
    next: str | None


class UsersPage(View):
    """People, newest first."""

    items: list[UserView]
    next: str | None


class AddressView(View):
    """An address in the book."""

    id: str
    label: str
    name: str
    line1: str
    line2: str | None
    city: str
    region: str | None
    postal_code: str
    country: str
    phone: str | None
    is_default: bool


class AddressesPage(View):
    """The whole address book."""

    items: list[AddressView]
    next: str | None


class OrderUpdatesView(View):
    """Ways by which order news may come."""

    email: bool
    sms: bool
    push: bool


class PreferencesView(View):
    """What the user wants to be told."""

    order_updates: OrderUpdatesView
    marketing_email: bool


class DeviceView(View):
    """A push device; its token stays with the shop."""

    id: str
    platform: Literal["ios", "android", "web"]
    created_at: str


class DevicesPage(View):
    """All push devices."""

    items: list[DeviceView]
    next: str | None


class TotpSetup(View):
    """What an authenticator needs."""

    secret: str
    otpauth_uri: str


class RecoveryCodes(View):
    """Codes for when the authenticator is lost; shown this once."""

    recovery_codes: list[str]


class MfaTurnedOn(RecoveryCodes):
    """Recovery codes, and tokens of the session that goes on."""

    tokens: TokenPair


class MfaTurnedOff(View):
    """Tokens of the session that goes on."""

    tokens: TokenPair
