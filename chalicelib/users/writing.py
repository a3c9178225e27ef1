"""Changes as conditional writes: what domain rule 3.5 lists under T1 to T7."""

from collections.abc import Iterable
from functools import singledispatchmethod
from typing import Any, Final

from chalicelib.aws.event_rows import event_put, step
from chalicelib.aws.writes import ABSENT, EXISTS, Check, Delete, Put, Update, Write
from chalicelib.users import changes, keys
from chalicelib.users import plain_rows as rows
from chalicelib.users.possessions import Mfa, Preferences
from chalicelib.users.rules import Session
from chalicelib.users.sealed_rows import SealedRows

ONCE: Final = "once"
_MFA_UNCHANGED = "#serial = :serial AND #state = :state AND #last_step = :last_step"
_MFA_UNCHANGED += " AND #recovery_hashes = :recovery_hashes"


class Writing:
    """Turns one change into the writes that carry it."""

    def __init__(self, sealed: SealedRows) -> None:
        self._sealed = sealed

    def all_of(self, several: Iterable[changes.Change]) -> list[Write]:
        """The writes of several changes, in their order."""
        return [write for change in several for write in self.of(change)]

    @singledispatchmethod
    def of(self, change: Any) -> list[Write]:  # Any: dispatched on it
        """The writes of one change."""
        raise TypeError(f"{type(change).__name__} is no change of this slice")

    @of.register
    def _(self, change: changes.NewUser) -> list[Write]:
        user = change.user
        address = rows.row(keys.email_key_key(user.email_key), {"user_id": user.id})
        profile = rows.row(keys.profile_key(user.id), rows.user_values(user))
        wishes = rows.preferences_values(Preferences())
        return [
            Put(address, label="email"),
            Put(profile, label="profile"),
            Put(rows.row(keys.preferences_key(user.id), wishes), label="preferences"),
            event_put(keys.partition(user.id), change.event),
        ]

    @of.register
    def _(self, change: changes.ClaimOnce) -> list[Write]:
        return [Put(rows.row(keys.once_key(change.name), {"at": change.at}), label=ONCE)]

    @of.register
    def _(self, change: changes.Step) -> list[Write]:
        before, after = rows.user_values(change.before), rows.user_values(change.after)
        changed = {name: value for name, value in after.items() if before[name] != value}
        root = keys.profile_key(change.after.id)
        values = {"status_before": change.before.status}
        return step(root, change.event, changed, "#status = :status_before", values)

    @of.register
    def _(self, change: changes.Rehash) -> list[Write]:
        return [
            Update(
                keys.profile_key(change.user.id),
                set={"password_hash": change.password_hash},
                condition="#password_hash = :outdated",
                values={"outdated": change.user.password_hash},
                label="password_hash",
            )
        ]

    @of.register
    def _(self, change: changes.StillActive) -> list[Write]:
        return [_active_with(change.user.id, change.user.sv)]

    @of.register
    def _(self, change: changes.StillAdmitted) -> list[Write]:
        return [_active_with(change.admitted.user_id, change.admitted.sv)]

    @of.register
    def _(self, change: changes.IssueToken) -> list[Write]:
        return [Put(rows.token_row(change.token), label="token")]

    @of.register
    def _(self, change: changes.RedeemToken) -> list[Write]:
        values = {"purpose": change.token.purpose, "now": change.now}
        condition = "#purpose = :purpose AND #expires_at > :now"
        key = keys.one_time_key(change.token.token_hash)
        return [Delete(key, condition, values, label="token")]

    @of.register
    def _(self, change: changes.CountFailure) -> list[Write]:
        return [
            Update(
                keys.one_time_key(change.token.token_hash),
                add={"failures": 1},
                condition="#failures < :failures_max AND #expires_at > :now",
                values={"failures_max": change.failures_max, "now": change.now},
                label="token",
            )
        ]

    @of.register
    def _(self, change: changes.OpenSession) -> list[Write]:
        return [Put(rows.session_row(change.session), label="session")]

    @of.register
    def _(self, change: changes.MoveSession) -> list[Write]:
        before, after = change.before, change.after
        moved = ("generation", "sv", "rotated_at", "last_used_at", "mfa_at")
        condition = "#generation = :generation AND #sv = :sv"
        condition += " AND attribute_not_exists(#revoked_at) AND #expires_at > :now"
        return [
            Update(
                keys.session_key(before.user_id, before.id),
                set={name: getattr(after, name) for name in moved},
                condition=condition,
                values={
                    "generation": before.generation,
                    "sv": before.sv,
                    "now": after.last_used_at,
                },
                label="session",
            )
        ]

    @of.register
    def _(self, change: changes.RevokeSession) -> list[Write]:
        return [
            Update(
                _session_key(change.session),
                set={"revoked_at": change.at},
                condition="attribute_exists(#pk) AND attribute_not_exists(#revoked_at)",
                label="session",
            )
        ]

    @of.register
    def _(self, change: changes.SetUpMfa) -> list[Write]:
        waiting = f"{ABSENT} OR #state = :pending"
        row = self._sealed.mfa_row(change.mfa)
        return [Put(row, label="mfa", condition=waiting, values={"pending": "PENDING"})]

    @of.register
    def _(self, change: changes.MoveMfa) -> list[Write]:
        moved = {
            "state": change.after.state,
            "last_step": change.after.last_step,
            "recovery_hashes": list(change.after.recovery_hashes),
        }
        return [
            Update(
                keys.mfa_key(change.before.user_id),
                set=moved,
                condition=_MFA_UNCHANGED,
                values=_as_read(change.before),
                label="mfa",
            )
        ]

    @of.register
    def _(self, change: changes.DropMfa) -> list[Write]:
        key = keys.mfa_key(change.mfa.user_id)
        return [Delete(key, _MFA_UNCHANGED, _as_read(change.mfa), label="mfa")]

    @of.register
    def _(self, change: changes.SetPreferences) -> list[Write]:
        key = keys.preferences_key(change.user_id)
        return [Update(key, set=rows.preferences_values(change.preferences), label="preferences")]

    @of.register
    def _(self, change: changes.ChangeAddresses) -> list[Write]:
        known = {one.id for one in change.book.addresses}
        written = [
            Put(
                self._sealed.address_row(change.user_id, one),
                label="address",
                condition=EXISTS if one.id in known else ABSENT,
            )
            for one in change.written
        ]
        return [
            _edition(change.user_id, "addresses_edition", change.book.edition),
            *written,
            *(Delete(keys.address_key(change.user_id, one)) for one in change.deleted),
        ]

    @of.register
    def _(self, change: changes.ChangeDevices) -> list[Write]:
        added = [rows.device_row(change.user_id, one) for one in change.added]
        return [
            _edition(change.user_id, "devices_edition", change.devices.edition),
            *(Put(row, label="device") for row in added),
            *(Delete(keys.device_key(change.user_id, one)) for one in change.deleted),
        ]


def _active_with(user_id: str, sv: int) -> Check:
    condition, values = "#status = :active AND #sv = :sv", {"active": "ACTIVE", "sv": sv}
    return Check(keys.profile_key(user_id), condition, values, label="user")


def _session_key(session: Session) -> tuple[str, str]:
    return keys.session_key(session.user_id, session.id)


def _as_read(mfa: Mfa) -> dict[str, Any]:  # Any: values of an item
    return {
        "serial": mfa.serial,
        "state": mfa.state,
        "last_step": mfa.last_step,
        "recovery_hashes": list(mfa.recovery_hashes),
    }


def _edition(user_id: str, name: str, edition: int) -> Update:
    """The short list is of the edition that was read, and gets the next one."""
    condition = f"#{name} = :edition" if edition else f"attribute_not_exists(#{name})"
    return Update(
        keys.preferences_key(user_id),
        set={name: edition + 1},
        condition=f"attribute_exists(#pk) AND {condition}",
        values={"edition": edition} if edition else {},
        label=name,
    )
