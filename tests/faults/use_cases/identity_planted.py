"""Deliberate mistakes with accounts; each must be condemned by some point or race."""

from tests.faults.harness.mutations import PlantedBug

USERS = "chalicelib.users"

IDENTITY_BUGS = (
    PlantedBug(
        "profile written after the closing",
        f"{USERS}.service",
        "        if not admitted.is_still(user):\n"
        "            # Closed or signed out everywhere since the caller was let in.\n"
        "            raise Unauthenticated\n",
        "",
        races=("disable x write",),
    ),
    PlantedBug(
        "belongings written after the closing",
        f"{USERS}.writing",
        "        return [_active_with(change.admitted.user_id, change.admitted.sv)]\n",
        "        return []\n",
        races=("disable x preferences", "disable x address", "disable x device"),
    ),
    PlantedBug(
        "administrators close each other's accounts",
        f"{USERS}.staffing",
        "        deps.store.commit(decided, *claims)\n",
        "        deps.store.commit(decided)\n",
        races=("disable x disable",),
    ),
    PlantedBug(
        "recovery codes renewed after the closing",
        f"{USERS}.second_factor",
        "        deps.store.commit(MoveMfa(mfa, renewed), StillAdmitted(admitted))\n",
        "        deps.store.commit(MoveMfa(mfa, renewed))\n",
        races=("disable x codes",),
    ),
    PlantedBug(
        "profile written after a sign-out everywhere",
        f"{USERS}.rules",
        " and user.sv == self.sv\n",
        "\n",
        races=("logout-all x profile",),
    ),
    PlantedBug(
        "login of a password just replaced",
        f"{USERS}.sessions",
        "        deps.store.commit(StillActive(user), OpenSession(session))\n",
        "        present = deps.store.user(user.id) or user\n"
        "        session = replace(session, sv=present.sv)\n"
        "        deps.store.commit(OpenSession(session))\n",
        races=("reset x login",),
    ),
    PlantedBug(
        "refresh without grace",
        f"{USERS}.rules",
        "    if generation == session.generation - 1 and now <= grace_ends:\n",
        "    if generation == session.generation - 1 and now > grace_ends:\n",
        ("refresh_again",),
    ),
    PlantedBug(
        "reuse taken for a slow client",
        f"{USERS}.rules",
        "    return Refresh.REUSE\n",
        "    return Refresh.REFUSE\n",
        ("refresh_reused",),
    ),
    PlantedBug(
        "refresh of whatever generation",
        f"{USERS}.writing",
        '        condition = "#generation = :generation AND #sv = :sv"\n',
        '        condition = ":generation = :generation AND #sv = :sv"\n',
        ("refresh_chain",),
        ("zombie_before",),
    ),
    PlantedBug(
        "reset keeps the sessions",
        f"{USERS}.passwords",
        "        after = user.signed_out(now, password_hash=password_hash)\n",
        "        after = user.changed(now, password_hash=password_hash)\n",
        ("password_reset",),
    ),
    PlantedBug(
        "reset token not redeemed",
        f"{USERS}.passwords",
        "        deps.store.commit(RedeemToken(found, now), Step(user, after, event))\n",
        "        deps.store.commit(Step(user, after, event))\n",
        ("password_reset",),
    ),
    PlantedBug(
        "code not used up",
        f"{USERS}.sessions",
        "        RedeemToken(found, now), MoveMfa(mfa, used), StillActive(user),",
        "        RedeemToken(found, now), StillActive(user),",
        ("login_totp",),
    ),
    PlantedBug(
        "second factor read but not guarded",
        f"{USERS}.writing",
        "                condition=_MFA_UNCHANGED,\n"
        "                values=_as_read(change.before),\n",
        '                condition="attribute_exists(#pk)",\n',
        races=("code x code",),
    ),
    PlantedBug(
        "recovery code stays",
        f"{USERS}.codes",
        "    return replace(mfa, recovery_hashes=left) if len(left)",
        "    return replace(mfa) if len(left)",
        ("login_recovery",),
    ),
    PlantedBug(
        "logout by the session alone",
        f"{USERS}.authorizer",
        '        and "revoked_at" not in session_row\n',
        "",
        ("logout",),
    ),
    PlantedBug(
        "disabled, still signed in",
        f"{USERS}.staffing",
        "        after = user.moved(now, Status.ACTIVE, Status.DISABLED, sv=user.sv + 1)\n",
        "        after = user.moved(now, Status.ACTIVE, Status.DISABLED)\n",
        ("account_disable",),
    ),
    PlantedBug(
        "old sessions wake up",
        f"{USERS}.staffing",
        "        after = user.moved(now, Status.DISABLED, Status.ACTIVE, sv=user.sv + 1)\n",
        "        after = user.moved(now, Status.DISABLED, Status.ACTIVE, sv=user.sv - 1)\n",
        ("account_enable",),
    ),
    PlantedBug(
        "address taken over",
        f"{USERS}.writing",
        '            Put(address, label="email"),\n',
        '            Put(address, label="email", condition=""),\n',
        races=("register x register",),
    ),
    PlantedBug(
        "two default addresses",
        f"{USERS}.contact_points",
        "            raise LimitReached\n        written = (new, *_demoted(book, new))\n",
        "            raise LimitReached\n        written = (new,)\n",
        ("address_default",),
    ),
    PlantedBug(
        "own redemption read as another's",
        f"{USERS}.service",
        "        if deps.store.one_time_token(token_hash) is None:\n            return\n",
        "",
        races=("verify x verify",),
    ),
)
