"""Accounts: register, verify, sign in, refresh, sign out, passwords."""

from __future__ import annotations

from tests.faults.use_cases.identity_rows import claims_of
from tests.faults.use_cases.identity_visit import (
    NEW_PASSWORD,
    NEWCOMER,
    Account,
    Ending,
    Person,
)
from tests.faults.use_cases.shop import PASSWORD

GRACE_S = 10


# --- what was before --------------------------------------------------------------------------
def signed_in(person: Person) -> None:
    """Somebody who has just signed in."""
    person.login()


def twice_signed_in(person: Person) -> None:
    """Somebody with two devices."""
    person.login()
    person.login()


def newcomer(person: Person) -> None:
    """An account that waits for its address to be verified."""
    person.held.email = NEWCOMER
    person.register()
    person.held.mailed = person.read_mail() or ""


def forgetful(person: Person) -> None:
    """Somebody signed in who has a reset mail."""
    person.login()
    person.post("/password/forgot", {"email": person.held.email})
    person.held.mailed = person.read_mail() or ""


# --- the steps --------------------------------------------------------------------------------
def register_new(person: Person) -> None:
    """Nobody has the address."""
    person.held.email = NEWCOMER
    person.register()


def register_again(person: Person) -> None:
    """The address is written otherwise, and waits for its verification."""
    person.held.email = NEWCOMER.upper()
    person.register(NEW_PASSWORD)


def register_taken(person: Person) -> None:
    """Somebody else wants an address that is in use, with a password of their own."""
    person.register(NEW_PASSWORD)
    person.login(NEW_PASSWORD)


def verify(person: Person) -> None:
    """The mailed token comes back, and once more."""
    for _ in range(2):
        person.post("/verify-email", {"token": person.held.mailed})


def resend_and_verify(person: Person) -> None:
    """A second mail; both tokens come back."""
    person.post("/verify-email/resend", {"email": person.held.email})
    newest = person.read_mail()
    for token in (newest, person.held.mailed):
        if token is not None:
            person.post("/verify-email", {"token": token})


def login(person: Person) -> None:
    """Signed in, and shown who one is."""
    if person.login().is_accepted:
        person.act("/me", method="GET")


def login_wrong(person: Person) -> None:
    """A wrong password."""
    person.login(NEW_PASSWORD)


def login_unverified(person: Person) -> None:
    """The right password of an address that was never verified."""
    person.login()


def refresh_chain(person: Person) -> None:
    """One refresh after the other."""
    for _ in range(2):
        person.refresh()
        person.later(60)


def refresh_again(person: Person) -> None:
    """The reply was lost on its way: the same token within the grace."""
    asked = {"refresh_token": person.held.refresh}
    person.post("/token/refresh", asked)
    person.later(GRACE_S - 3)
    person.post("/token/refresh", asked)


def refresh_reused(person: Person) -> None:
    """The same token after the grace: somebody has a copy."""
    asked = {"refresh_token": person.held.refresh}
    person.post("/token/refresh", asked)
    person.later(GRACE_S + 1)
    person.post("/token/refresh", asked)


def logout(person: Person) -> None:
    """This device signs out."""
    person.act("/logout")


def logout_all(person: Person) -> None:
    """Every device signs out."""
    person.act("/logout-all")


def revoke_other(person: Person) -> None:
    """One of one's other devices is signed out."""
    other = claims_of(person.held.others[0])["sid"]
    person.act(f"/me/sessions/{other}", method="DELETE")


def forgot_and_reset(person: Person) -> None:
    """The whole way of a forgotten password, with the token tried twice."""
    person.post("/password/forgot", {"email": person.held.email})
    token = person.read_mail()
    for password in (NEW_PASSWORD, PASSWORD):
        if token is not None:
            person.post("/password/reset", {"token": token, "password": password})


def reset(person: Person) -> None:
    """A new password by the mailed token, and a login with it."""
    asked = {"token": person.held.mailed, "password": NEW_PASSWORD}
    if person.post("/password/reset", asked).is_accepted:
        person.login(NEW_PASSWORD)


def change_password(person: Person) -> None:
    """A new password with the old one."""
    person.act("/password/change", {"current_password": PASSWORD, "new_password": NEW_PASSWORD})


# --- what must be true ------------------------------------------------------------------------
def registered(end: Ending) -> list[str]:
    """One account that waits, with its address in lower case."""
    holds = end.me.get("status") == "UNVERIFIED" and bool(end.rows.tokens)
    return end.told("/register", holds=holds, what="an account waits")


def left_alone(end: Ending) -> list[str]:
    """The account is whose it was, and its owner was told."""
    found = ["I14 a stranger signed in"] * end.is_done("/login")
    found += ["I14 no longer active"] * (end.me["status"] != "ACTIVE")
    told = end.count("RegistrationRepeated")
    return found + end.told("/register", holds=told > 0, what="the owner is told")


def told_again(end: Ending) -> list[str]:
    """Still one account, with another verification mail."""
    told = end.count("EmailVerificationRequested")
    return end.told("/register", holds=told > 0, what="mailed again")


def verified(end: Ending) -> list[str]:
    """Active, by one event."""
    is_active = end.me["status"] == "ACTIVE"
    return end.told("/verify-email", holds=is_active, what="active")


def is_in(end: Ending) -> list[str]:
    """A session for each promise, and no more than were asked for."""
    sessions = len(end.rows.sessions_of(end.me["id"]))
    replies = end.replies("/login")
    first = sessions - 1  # the demo account has signed in once before
    promised = sum(reply.is_accepted for reply in replies)
    found = end.told("/login", holds=first >= promised > 0, what="signed in")
    return found + [f"I14 {first} sessions of {len(replies)} tries"] * (first > len(replies))


def is_out(end: Ending) -> list[str]:
    """Nobody got in."""
    return ["I14 signed in"] * end.is_done("/login")


def refreshed(end: Ending) -> list[str]:
    """The session goes on; only a client left waiting too long may have lost it."""
    if end.is_late() or end.rows.is_live(claims_of(end.held.access)["sid"], end.now):
        return end.told("/token/refresh", holds=True, what="") if end.is_late() else []
    return ["I14 the session was ended under an honest client"]


def caught(end: Ending) -> list[str]:
    """The copied token ended the session."""
    last = end.replies("/token/refresh")[-1]
    found = [f"I14 a copied token got {last.status}"] * last.is_accepted
    session = end.rows.sessions[claims_of(end.held.access)["sid"]]
    is_ended = "revoked_at" in session
    if last.status == 401 and not is_ended:
        found.append("I14 a copied token was noticed, the session goes on")
    return found


def signed_out(end: Ending) -> list[str]:
    """This session is over, others are not."""
    is_over = not end.dead(end.held.access)
    found = end.told("/logout", holds=is_over, what="signed out")
    return found + ["I14 the other device was signed out too"] * any(
        not end.rows.is_live(claims_of(one)["sid"], end.now) for one in end.held.others
    )


def all_signed_out(end: Ending) -> list[str]:
    """Every session is over."""
    live = [
        row["id"]
        for row in end.rows.sessions_of(end.me["id"])
        if end.rows.is_live(row["id"], end.now)
    ]
    return end.told("/logout-all", holds=not live, what=f"{live} live on")


def other_signed_out(end: Ending) -> list[str]:
    """The other session is over, this one is not."""
    other = end.held.others[0]
    path = f"/me/sessions/{claims_of(other)['sid']}"
    found = end.told(path, holds=not end.dead(other), what="the other device is out")
    is_in = end.rows.is_live(claims_of(end.held.access)["sid"], end.now)
    return found + ["I14 signed out oneself"] * (not is_in)


def was_reset(end: Ending) -> list[str]:
    """The password was changed once, and no session from before lives on."""
    changes = end.count("PasswordChanged")
    found = end.told("/password/reset", holds=changes > 0, what="a new password")
    found += [f"I14 one token, {changes} new passwords"] * (changes > 1)
    before = [*end.held.others, *([] if end.is_done("/login") else [end.held.access])]
    return found + (end.dead(*before) if changes else [])


def was_changed(end: Ending) -> list[str]:
    """The password was changed, other devices are out, this one is in if it was told so."""
    changes = end.count("PasswordChanged")
    found = end.told("/password/change", holds=changes > 0, what="a new password")
    if changes:
        me = claims_of(end.held.access)["sid"]
        others = [one for one in end.held.others if claims_of(one)["sid"] != me]
        found += end.dead(*others)
    if end.is_done("/password/change") and end.dead(end.held.access) == []:
        found.append("I8 the new tokens are worth nothing")
    return found


USE_CASES = (
    Account("register_new", register_new, registered),
    Account("register_again", register_again, told_again, newcomer),
    Account("register_taken", register_taken, left_alone),
    Account("verify_email", verify, verified, newcomer),
    Account("verify_resent", resend_and_verify, verified, newcomer),
    Account("login", login, is_in),
    Account("login_wrong", login_wrong, is_out),
    Account("login_unverified", login_unverified, is_out, newcomer),
    Account("refresh_chain", refresh_chain, refreshed, signed_in),
    Account("refresh_again", refresh_again, refreshed, signed_in),
    Account("refresh_reused", refresh_reused, caught, signed_in),
    Account("logout", logout, signed_out, twice_signed_in),
    Account("logout_all", logout_all, all_signed_out, twice_signed_in),
    Account("session_revoked", revoke_other, other_signed_out, twice_signed_in),
    Account("password_reset", reset, was_reset, forgetful),
    Account("password_forgotten_and_reset", forgot_and_reset, was_reset, signed_in),
    Account("password_change", change_password, was_changed, twice_signed_in),
)
