"""Key rings from Secrets Manager, cached for five minutes, and keys derived from them."""

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.clients import client
from chalicelib.aws.settings import settings
from chalicelib.kernel.errors import Unavailable

CURRENT_STAGE: Final = "AWSCURRENT"
CACHE_S: Final = 300
REFETCH_PAUSE_S: Final = 10
SECRET_LENGTH_MIN: Final = 32
_VERSION: Final = re.compile(r"k[0-9]{1,6}")


class SecretInvalid(RuntimeError):
    """A secret is missing, too short or not a key ring."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Versions of one secret: the current one makes, the others still verify."""

    current: str
    versions: Mapping[str, str]
    previous: str | None = None
    pending: str | None = None

    @classmethod
    def parse(cls, written: str) -> "KeyRing":
        """The ring in {"current":"k1","k1":"…"}; SecretInvalid for anything else."""
        try:
            ring = json.loads(written)
            versions = {name: ring[name] for name in ring if _VERSION.fullmatch(name)}
            current = ring["current"]
        except (ValueError, TypeError, KeyError) as error:
            raise SecretInvalid("not a key ring") from error
        if current not in versions:
            raise SecretInvalid("the current version is missing")
        if any(
            not isinstance(value, str) or len(value) < SECRET_LENGTH_MIN
            for value in versions.values()
        ):
            raise SecretInvalid(f"a version has fewer than {SECRET_LENGTH_MIN} characters")
        return cls(current, versions, ring.get("previous"), ring.get("pending"))

    def written(self) -> str:
        """The ring as it is stored."""
        ring = {"current": self.current, **self.versions}
        marks = {"previous": self.previous, "pending": self.pending}
        return json.dumps(ring | {name: mark for name, mark in marks.items() if mark})

    def key(self, purpose: str, version: str | None = None) -> bytes:
        """32 bytes for one purpose, by HKDF-SHA256; KeyError for an unknown version."""
        return derive(self.versions[version or self.current].encode(), purpose)


@lru_cache(maxsize=128)
def derive(secret: bytes, purpose: str) -> bytes:
    """One HKDF-SHA256 block (RFC 5869) with the purpose as info."""
    extracted = hmac.digest(b"souk", secret, hashlib.sha256)
    return hmac.digest(extracted, purpose.encode() + b"\x01", hashlib.sha256)


def knowing(
    version: str, ring: Callable[[], KeyRing], fresh: Callable[[], KeyRing] | None
) -> KeyRing:
    """The ring, asked for anew if it does not know `version`, which may be younger than it."""
    known = ring()
    return known if version in known.versions or fresh is None else fresh()


class Secrets:
    """Reads rings by name and keeps them for a while; a reader may ask for a fresh one."""

    def __init__(
        self,
        manager: Any,  # Any: botocore builds classes at run time
        secret_id: Callable[[str], str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._manager = manager
        self._secret_id = secret_id
        self._monotonic = monotonic
        self._rings: dict[str, tuple[float, KeyRing]] = {}
        self._lock = threading.Lock()

    def ring(self, name: str, *, is_fresh: bool = False) -> KeyRing:
        """The ring of a secret, at most five minutes old.

        `is_fresh` asks again at most every ten seconds: an unknown key id may be one that was
        made since, but a stream of forged ones must not become a stream of calls.
        """
        age_max_s = REFETCH_PAUSE_S if is_fresh else CACHE_S
        with self._lock:
            kept = self._rings.get(name)
            if kept is not None and self._monotonic() - kept[0] < age_max_s:
                return kept[1]
            ring = KeyRing.parse(self._read(name))
            self._rings[name] = (self._monotonic(), ring)
            return ring

    def _read(self, name: str) -> str:
        try:
            reply = self._manager.get_secret_value(
                SecretId=self._secret_id(name), VersionStage=CURRENT_STAGE
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable from error
        return str(reply["SecretString"])


@lru_cache(maxsize=1)
def secrets() -> Secrets:
    """The secrets of this process."""
    return Secrets(client("secretsmanager"), settings().secret_id)
