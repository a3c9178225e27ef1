"""Posts to connections over kept-alive HTTP, signed by hand.

An SDK call costs some 700 us of CPU for each message, mostly in building and signing a request
that is the same for every member but for its path. Here the body is hashed once for all, the
signing key once a day, and connections stay open. What the SDK would add (retries, endpoint
rules) the fan-out does itself or does not need.
"""

import hashlib
import hmac
import http.client
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from queue import Empty, LifoQueue
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

from chalicelib.aws.settings import settings
from chalicelib.kernel.clock import Clock
from chalicelib.live.fanout import Posted
from chalicelib.live.records import Payload

SERVICE: Final = "execute-api"
ALGORITHM: Final = "AWS4-HMAC-SHA256"
TIMEOUT_S: Final = 1.0
CONNECTIONS_MAX: Final = 32
LINE_MAX: Final = 8_192
_EMPTY: Final = Payload(b"", hashlib.sha256(b"").hexdigest())

logger: Final = logging.getLogger(__name__)


class Credentials(Protocol):
    """A key of this function's role."""

    access_key: str
    secret_key: str
    token: str | None


class Signer:
    """Signature Version 4 for one service in one region."""

    def __init__(self, credentials: Callable[[], Credentials], region: str, clock: Clock) -> None:
        """`credentials` gives those of the moment; the SDK renews them."""
        self._credentials = credentials
        self._region = region
        self._clock = clock

    def headers(self, method: str, host: str, path: str, digest: str) -> dict[str, str]:
        """The headers of a request whose body has this SHA-256; `path` is as it is sent."""
        credentials = self._credentials()
        stamp = f"{self._clock.now():%Y%m%dT%H%M%SZ}"
        signed = {"host": host, "x-amz-date": stamp}
        if credentials.token:
            signed["x-amz-security-token"] = credentials.token
        names = ";".join(signed)
        # The path is encoded once more than it is sent, as for every service but S3.
        canonical = "\n".join(
            [
                method,
                quote(path, safe="/~"),
                "",
                *(f"{name}:{value}" for name, value in signed.items()),
                "",
                names,
                digest,
            ]
        )
        scope = f"{stamp[:8]}/{self._region}/{SERVICE}/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashed}"
        key = signing_key(credentials.secret_key, stamp[:8], self._region)
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        credential = f"Credential={credentials.access_key}/{scope}"
        proof = f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
        return {**signed, "authorization": proof}


@lru_cache(maxsize=4)
def signing_key(secret: str, day: str, region: str) -> bytes:
    """The key of one day, region and service."""
    key = f"AWS4{secret}".encode()
    for word in (day, region, SERVICE, "aws4_request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return key


@dataclass(frozen=True, slots=True)
class _Address:
    """Where the connections of one endpoint are managed."""

    scheme: str
    host: str
    path: str


def management_url(endpoint: str) -> str:
    """The address under which the connections of `endpoint` (domain/stage) are managed."""
    domain, _, stage = endpoint.partition("/")
    if local := settings().endpoint_url:
        return f"{local}/_aws/execute-api/{domain.partition('.')[0]}/{stage}"
    return f"https://{domain}/{stage}"


@lru_cache(maxsize=8)
def _address(endpoint: str) -> _Address:
    url = urlsplit(management_url(endpoint))
    return _Address(url.scheme, url.netloc, url.path)


class SignedPoster:
    """Implements `fanout.Poster`; safe to use from many threads."""

    def __init__(self, signer: Signer, timeout_s: float = TIMEOUT_S) -> None:
        self._signer = signer
        self._timeout_s = timeout_s
        self._idle: dict[str, LifoQueue[_Line]] = {}

    def post(self, endpoint: str, connection_id: str, payload: Payload) -> Posted:
        """Send once."""
        return self._ask("POST", endpoint, connection_id, payload)

    def close(self, endpoint: str, connection_id: str) -> Posted:
        """Close; GONE if it was closed before."""
        return self._ask("DELETE", endpoint, connection_id, _EMPTY)

    def _ask(self, method: str, endpoint: str, connection_id: str, payload: Payload) -> Posted:
        address = _address(endpoint)
        path = f"{address.path}/@connections/{quote(connection_id, safe='')}"
        headers = self._signer.headers(method, address.host, path, payload.digest)
        try:
            status = self._status(address, (method, path, payload.body, headers))
        except (OSError, ValueError, http.client.HTTPException):
            logger.info("connection not reached", extra={"socket_id": connection_id})
            return Posted.FAILED
        if status == http.client.GONE:
            return Posted.GONE
        return Posted.DELIVERED if status < http.client.MULTIPLE_CHOICES else Posted.FAILED

    def _status(self, address: _Address, request: tuple[str, str, bytes, dict[str, str]]) -> int:
        pool = self._idle.setdefault(address.host, LifoQueue(CONNECTIONS_MAX))
        try:
            kept = pool.get_nowait()
        except Empty:
            return self._exchange(self._new(address), pool, request)
        try:
            return self._exchange(kept, pool, request)
        except ConnectionError:
            # The other side closed it while it was idle: this request was never looked at.
            return self._exchange(self._new(address), pool, request)

    def _exchange(
        self,
        line: "_Line",
        pool: "LifoQueue[_Line]",
        request: tuple[str, str, bytes, dict[str, str]],
    ) -> int:
        try:
            status = line.ask(*request)
        except BaseException:
            line.close()
            raise
        if pool.full() or not line.is_open:
            line.close()
        else:
            pool.put_nowait(line)
        return status

    def _new(self, address: _Address) -> "_Line":
        if address.scheme == "http":
            return _Line(http.client.HTTPConnection(address.host, timeout=self._timeout_s))
        connection = http.client.HTTPSConnection(
            address.host, timeout=self._timeout_s, context=_tls_context()
        )
        return _Line(connection)


class _Line:
    """One kept connection that asks small things and wants to know a status only.

    http.client opens it; its reading of replies, which builds a mail message of the headers,
    would cost more than everything else together.
    """

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        connection.connect()
        self._connection = connection
        self._replies = connection.sock.makefile("rb")
        self.is_open = True

    def ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> int:
        """Send one request; the status of its reply, which is read to its end."""
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{method} {path} HTTP/1.1\r\n{told}content-length: {len(body)}\r\n\r\n"
        self._connection.sock.sendall(head.encode("latin-1") + body)
        first = self._replies.readline(LINE_MAX).split(None, 2)
        if len(first) < 2:  # noqa: PLR2004 - version and status
            raise http.client.RemoteDisconnected("no reply")
        self._replies.read(self._length())
        return int(first[1])

    def _length(self) -> int:
        length = 0
        while (line := self._replies.readline(LINE_MAX)) not in {b"\r\n", b"\n", b""}:
            name, _, value = line.lower().partition(b":")
            if name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding" or (name == b"connection" and b"close" in value):
                # Not what this service sends; what follows is left unread with the connection.
                self.is_open = False
        return length

    def close(self) -> None:
        """Hang up."""
        self.is_open = False
        self._replies.close()
        self._connection.close()


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    """One for all connections: reading the bundle costs more than a hundred messages."""
    return ssl.create_default_context(cafile=settings().ca_bundle or None)
