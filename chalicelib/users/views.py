"""Entities as the wire shows them."""

from dataclasses import asdict
from typing import Any

from chalicelib.users.ports import Activity
from chalicelib.users.possessions import Address, Device, Preferences
from chalicelib.users.rules import Session, User
from chalicelib.users.schemas import (
    ActivityView,
    AddressView,
    ChallengeView,
    DeviceView,
    OrderUpdatesView,
    PreferencesView,
    SessionView,
    SignedInView,
    TokenPair,
    UserView,
)
from chalicelib.users.sessions import Challenge, SignedIn, TokenGrant


def _shown(entity: Any, model: type[Any]) -> dict[str, Any]:  # Any: dataclasses and their models
    values = asdict(entity)
    return {name: values[name] for name in model.model_fields if name in values}


def user_view(user: User) -> UserView:
    """A user, without hashes and counters."""
    return UserView(**_shown(user, UserView))


def token_pair(granted: TokenGrant) -> TokenPair:
    """The tokens of a session."""
    return TokenPair(
        access_token=granted.access,
        refresh_token=granted.refresh,
        session_id=granted.session_id,
    )


def login_view(outcome: SignedIn | Challenge) -> SignedInView | ChallengeView:
    """A finished login, or one that waits for its second step."""
    match outcome:
        case SignedIn(user, tokens):
            return SignedInView(tokens=token_pair(tokens), user=user_view(user))
        case Challenge(token):
            return ChallengeView(challenge=token)


def session_view(session: Session, current_id: str) -> SessionView:
    """A signed-in device; `current` is the one that asks."""
    is_current = session.id == current_id
    return SessionView(**_shown(session, SessionView), current=is_current)


def activity_view(activity: Activity) -> dict[str, Any]:
    """One thing that happened."""
    return ActivityView(**asdict(activity)).model_dump()


def address_view(address: Address) -> AddressView:
    """An address in the book."""
    return AddressView(**asdict(address))


def preferences_view(preferences: Preferences) -> PreferencesView:
    """What the user wants to be told."""
    ways = OrderUpdatesView(email=preferences.email, sms=preferences.sms, push=preferences.push)
    return PreferencesView(order_updates=ways, marketing_email=preferences.marketing_email)


def device_view(device: Device) -> DeviceView:
    """A push device, without its token."""
    return DeviceView(**_shown(device, DeviceView))
