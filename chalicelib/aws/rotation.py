"""Rotation of key rings without a refused token: pending, then current, then previous.

A new version is first put into the ring as `pending`: everybody who reads the ring from then on
can verify with it, nobody makes anything with it. Only after a pause longer than readers keep
from asking again does it become `current`. Whoever then meets it with an older ring asks anew
and finds it. The version before stays as `previous` until the next rotation.

Two rotations at once cannot both win: the current stage of a secret is moved away from exactly
the version that was read.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from chalicelib.aws.secrets import CURRENT_STAGE, REFETCH_PAUSE_S, KeyRing
from chalicelib.kernel.errors import Conflict

PENDING_PAUSE_S: Final = REFETCH_PAUSE_S + 2
KEY_BYTES: Final = 48
PENDING_STAGE: Final = "AWSPENDING"


class RotatedMeanwhile(Conflict):
    """Somebody else rotated the same secret at the same time."""

    message = "The secret was rotated by somebody else."


@dataclass(frozen=True, slots=True)
class _Read:
    ring: KeyRing
    version_id: str
    created: datetime


class Rotation:
    """Rotates the rings of a deployment."""

    def __init__(
        self,
        manager: Any,  # Any: botocore builds classes at run time
        secret_id: Callable[[str], str],
        random_bytes: Callable[[int], bytes],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._manager = manager
        self._secret_id = secret_id
        self._random_bytes = random_bytes
        self._sleep = sleep

    def rotate(self, names: Mapping[str, bool]) -> None:
        """Rotate these secrets together; the value says whether every old version is kept.

        Safe to run again: a pending version left behind by a run that broke off is promoted.
        """
        for name in names:
            self._prepare(name)
        self._sleep(PENDING_PAUSE_S)
        for name, keeps_all in names.items():
            self._promote(name, keeps_all=keeps_all)

    def due(self, names: Mapping[str, bool], since: datetime) -> dict[str, bool]:
        """Those of them that were not rotated after `since`; one half rotated is due."""
        return {name: keeps_all for name, keeps_all in names.items() if self._is_due(name, since)}

    def _is_due(self, name: str, since: datetime) -> bool:
        read = self._read(name)
        # A ring that was never rotated is as new as its deployment, and due.
        is_done = read.ring.previous is not None and read.ring.pending is None
        return not is_done or read.created <= since

    def _prepare(self, name: str) -> None:
        read = self._read(name)
        if read.ring.pending is not None:
            return
        version = _next_version(read.ring)
        secret = base64.urlsafe_b64encode(self._random_bytes(KEY_BYTES)).decode()
        versions = {**read.ring.versions, version: secret}
        self._write(name, read, replace(read.ring, versions=versions, pending=version))

    def _promote(self, name: str, *, keeps_all: bool) -> None:
        read = self._read(name)
        ring = read.ring
        if ring.pending is None:
            raise RotatedMeanwhile
        live = {ring.pending, ring.current}
        kept = {
            version: secret
            for version, secret in ring.versions.items()
            if keeps_all or version in live
        }
        self._write(name, read, KeyRing(ring.pending, kept, previous=ring.current))

    def _read(self, name: str) -> _Read:
        reply = self._manager.get_secret_value(
            SecretId=self._secret_id(name), VersionStage=CURRENT_STAGE
        )
        ring = KeyRing.parse(reply["SecretString"])
        return _Read(ring, reply["VersionId"], reply["CreatedDate"])

    def _write(self, name: str, read: _Read, ring: KeyRing) -> None:
        written = ring.written()
        # The token makes a repeated call harmless: the same content is the same version.
        token = hashlib.sha256(f"{read.version_id}{written}".encode()).hexdigest()[:36]
        secret_id = self._secret_id(name)
        self._manager.put_secret_value(
            SecretId=secret_id,
            ClientRequestToken=token,
            SecretString=written,
            VersionStages=[PENDING_STAGE],
        )
        try:
            self._manager.update_secret_version_stage(
                SecretId=secret_id,
                VersionStage=CURRENT_STAGE,
                MoveToVersionId=token,
                RemoveFromVersionId=read.version_id,
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "InvalidParameterException":
                raise RotatedMeanwhile from error
            raise


def _next_version(ring: KeyRing) -> str:
    highest = max(int(version[1:]) for version in ring.versions)
    return f"k{highest + 1}"
