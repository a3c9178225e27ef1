"""The second factor, what administrators do to accounts, and the address book."""

from __future__ import annotations

from tests.faults.use_cases.identity_rows import belongings, claims_of
from tests.faults.use_cases.identity_visit import STEP_S, Account, Ending, Person
from tests.faults.use_cases.journey import ADDRESS
from tests.faults.use_cases.shop import PASSWORD

NEXT_CODE_S = 2 * STEP_S
PHONE = {"platform": "ios", "token": "token-of-a-phone"}
WISHES = {
    "order_updates": {"email": False, "sms": True, "push": True},
    "marketing_email": True,
}


# --- what was before --------------------------------------------------------------------------
def signed_in(person: Person) -> None:
    """Somebody who has just signed in."""
    person.login()


def careful(person: Person) -> None:
    """Somebody whose second factor is on, with a fresh code at hand."""
    person.login()
    person.turn_mfa_on()
    person.later(NEXT_CODE_S)


def shut_out(person: Person) -> None:
    """Somebody whose account was closed."""
    person.login()
    person.staff("disable")


# --- the steps --------------------------------------------------------------------------------
def login_totp(person: Person) -> None:
    """Two steps, then the same code with another challenge."""
    code = person.code()
    for _ in range(2):
        person.login_mfa(person.login(), code)


def login_recovery(person: Person) -> None:
    """Two steps with a recovery code, then the same code with another challenge."""
    for _ in range(2):
        person.login_mfa(person.login(), person.held.recovery[0])


def mfa_on(person: Person) -> None:
    """Set up and confirmed."""
    person.turn_mfa_on()


def mfa_off(person: Person) -> None:
    """Given up with both proofs."""
    person.act("/me/mfa/totp/disable", {"password": PASSWORD, "code": person.code()})


def codes_renewed(person: Person) -> None:
    """New recovery codes."""
    person.act("/me/mfa/recovery-codes", {"code": person.code()})


def step_up(person: Person) -> None:
    """Proved again, and the same code once more."""
    code = person.code()
    for _ in range(2):
        person.act("/me/mfa/step-up", {"code": code})


def disable(person: Person) -> None:
    """An administrator closes the account; its owner tries to write, and to get in."""
    person.staff("disable")
    person.act("/me", {"name": "Mallory"}, method="PATCH")
    person.login()


def enable(person: Person) -> None:
    """An administrator opens the account; its owner comes back."""
    if person.staff("enable").is_accepted:
        person.login()


def change_role(person: Person) -> None:
    """An administrator appoints somebody."""
    person.staff("role", {"role": "support"})


def add_addresses(person: Person) -> None:
    """Two addresses, each to be the default one."""
    for label in ("Home", "Work"):
        asked = {**ADDRESS, "label": label, "is_default": True}
        person.act("/me/addresses", asked)


def change_devices(person: Person) -> None:
    """A phone twice, a tablet, and the phone given away."""
    for token in ("token-of-a-phone", "token-of-a-phone", "token-of-a-tablet"):
        added = person.act("/me/devices", {**PHONE, "token": token})
    if added.is_accepted:
        person.act(f"/me/devices/{added.body['id']}", method="DELETE")


def set_wishes(person: Person) -> None:
    """Other wishes."""
    person.act("/me/preferences", WISHES, method="PUT")


def patch_profile(person: Person) -> None:
    """Another name."""
    person.act("/me", {"name": "Nora"}, method="PATCH")


# --- what must be true ------------------------------------------------------------------------
def one_session_a_code(end: Ending) -> list[str]:
    """A code opened at most one session; nothing but a code did."""
    proved = [row for row in end.rows.sessions_of(end.me["id"]) if "mfa_at" in row]
    made = len(proved) - 1  # the one that turned the factor on
    found = [f"I14 one code, {made} sessions"] * (made > 1)
    bare = [
        reply for reply in end.replies("/login") if reply.is_accepted and "tokens" in reply.body
    ]
    found += ["I14 signed in without the second factor"] * bool(bare)
    return found + end.told("/login/mfa", holds=made == 1, what="signed in")


def one_recovery_code_less(end: Ending) -> list[str]:
    """As any code, and it is gone."""
    left = len(end.rows.factors[end.me["id"]]["recovery_hashes"])
    is_used = left == len(end.held.recovery) - 1
    found = one_session_a_code(end)
    return found + end.told("/login/mfa", holds=is_used, what=f"{left} codes are left")


def is_on(end: Ending) -> list[str]:
    """On, if that was promised; the tokens given then are good."""
    found = end.told("/totp/confirm", holds=bool(end.me.get("mfa_enabled")), what="on")
    if end.is_done("/totp/confirm"):
        kept = end.rows.factors[end.me["id"]]["recovery_hashes"]
        found += ["I8 recovery codes are missing"] * (len(kept) != len(end.held.recovery))
        found += _goes_on(end)
    return found


def is_off(end: Ending) -> list[str]:
    """Off, if that was promised; the tokens given then are good."""
    is_gone = end.me["id"] not in end.rows.factors
    found = end.told("/totp/disable", holds=is_gone, what="off")
    return found + (_goes_on(end) if end.is_done("/totp/disable") else [])


def _goes_on(end: Ending) -> list[str]:
    said = claims_of(end.held.access)
    is_good = end.rows.is_live(said["sid"], end.now) and said["sv"] == end.me["sv"]
    return [] if is_good else ["I8 the new tokens are worth nothing"]


def codes_are_new(end: Ending) -> list[str]:
    """Ten codes are kept."""
    kept = end.rows.factors[end.me["id"]]["recovery_hashes"]
    return end.told("/recovery-codes", holds=len(kept) == 10, what="ten codes")


def proved_once(end: Ending) -> list[str]:
    """A code proves once."""
    times = sum(reply.is_accepted for reply in end.replies("/step-up"))
    return [f"I14 one code proved {times} times"] * (times > 1)


def is_disabled(end: Ending) -> list[str]:
    """Closed, nothing written and nobody in after that was promised."""
    is_closed = end.me["status"] == "DISABLED"
    found = end.told("/disable", holds=is_closed, what="disabled")
    if end.is_done("/disable"):
        found += ["I14 written by a disabled user"] * (end.me["name"] == "Mallory")
        found += ["I14 a disabled user got in"] * end.is_done("/login")
        found += end.dead(end.held.access)
    return found


def is_enabled(end: Ending) -> list[str]:
    """Open; no session from before the closing came back."""
    found = end.told("/enable", holds=end.me["status"] == "ACTIVE", what="enabled")
    tokens = end.held.others if end.is_done("/login") else (end.held.access,)
    return found + end.dead(*tokens)


def is_support(end: Ending) -> list[str]:
    """The role, in the list of staff too, and no session with the old one."""
    is_role = end.me["role"] == "support" and end.me.get("gsi1pk") == "ROLE#support"
    found = end.told("/role", holds=is_role, what="support")
    return found + (end.dead(end.held.access) if is_role else [])


def addresses_are_there(end: Ending) -> list[str]:
    """Whatever was promised is there; the last promised one is the default."""
    book = {row["id"]: row for row in end.rows.addresses[end.me["id"]]}
    replies = end.replies("/me/addresses")
    given = [reply.body["id"] for reply in replies if reply.is_accepted]
    found = [f"I8 {one}: promised, not there" for one in given if one not in book]
    unsure = sum(not reply.is_accepted for reply in replies)
    if len(book) > len(given) + unsure:
        found.append(f"I8 {len(book)} addresses of {len(given)} promises")
    if given and not unsure and not book[given[-1]]["is_default"]:
        found.append("I8 the last address is not the default one")
    return found


def devices_are_there(end: Ending) -> list[str]:
    """Each token once; what was given away is gone."""
    rows = belongings(end.session.world, end.me["id"])
    tokens = [row["token"] for key, row in rows.items() if key.startswith("DEV#")]
    found = [f"I8 devices {tokens}"] * (len(tokens) != len(set(tokens)))
    gone = [e for e in end.session.history if e.request.method == "DELETE"]
    for exchange in gone:
        is_there = f"DEV#{exchange.request.path.rpartition('/')[2]}" in rows
        found += ["I8 given away, still there"] * (exchange.reply.is_accepted and is_there)
    for reply in end.replies("/me/devices"):
        is_kept = not reply.is_accepted or f"DEV#{reply.body['id']}" in rows
        found += ["I8 promised, not there"] * (not is_kept and not gone)
    return found


def wishes_are_kept(end: Ending) -> list[str]:
    """All of them or none."""
    row = belongings(end.session.world, end.me["id"])["PREFS"]
    kept = {name: row[name] for name in WISHES}
    return end.told("/me/preferences", holds=kept == WISHES, what="wishes")


def is_renamed(end: Ending) -> list[str]:
    """The name is the one that was promised."""
    return end.told("/me", holds=end.me["name"] == "Nora", what="renamed")


USE_CASES = (
    Account("login_totp", login_totp, one_session_a_code, careful),
    Account("login_recovery", login_recovery, one_recovery_code_less, careful),
    Account("mfa_on", mfa_on, is_on, signed_in),
    Account("mfa_off", mfa_off, is_off, careful),
    Account("recovery_codes_renewed", codes_renewed, codes_are_new, careful),
    Account("step_up", step_up, proved_once, careful),
    Account("account_disable", disable, is_disabled, signed_in),
    Account("account_enable", enable, is_enabled, shut_out),
    Account("role_change", change_role, is_support, signed_in),
    Account("address_default", add_addresses, addresses_are_there, signed_in),
    Account("devices", change_devices, devices_are_there, signed_in),
    Account("preferences", set_wishes, wishes_are_kept, signed_in),
    Account("profile_patch", patch_profile, is_renamed, signed_in),
)
