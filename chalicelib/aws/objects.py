"""Objects in buckets: upload forms, reads pinned to an ETag, and writes that never change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.clients import client
from chalicelib.aws.faults import unavailable_on_failure
from chalicelib.kernel.errors import Unavailable

DELETES_MAX: Final = 1000
FOREVER: Final = "public, max-age=31536000, immutable"

_ABSENT: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_CHANGED: Final = frozenset({"412", "PreconditionFailed"})


class ObjectGone(Exception):
    """There is no object under this key."""


class ObjectChanged(Exception):
    """The object under this key is not the one that was meant."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a browser posts a file with."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Upload:
    """What may be posted: exactly this key and type, at most so many bytes, for so long."""

    key: str
    media_type: str
    bytes_max: int
    valid_s: int


class Bucket:
    """One bucket."""

    def __init__(self, connect: Callable[[], Any], name: str) -> None:
        """`connect` gives a botocore client (Any: botocore builds classes at run time).

        It is asked at the first call: who only passes a bucket on pays for no client.
        """
        self._connect = connect
        self._name = name

    @property
    def _s3(self) -> Any:
        return self._connect()

    def form(self, upload: Upload) -> Form:
        """A signed form by which anybody who holds it may put one object; no call is made."""
        made = self._s3.generate_presigned_post(
            self._name,
            upload.key,
            Fields={"Content-Type": upload.media_type},
            Conditions=[
                {"Content-Type": upload.media_type},
                ["content-length-range", 1, upload.bytes_max],
            ],
            ExpiresIn=upload.valid_s,
        )
        return Form(made["url"], made["fields"])

    def etag(self, key: str) -> str | None:
        """The ETag of the object, without quotation marks; None if there is none."""
        try:
            reply = self._s3.head_object(Bucket=self._name, Key=key)
        except ClientError as error:
            if _code(error) in _ABSENT:
                return None
            raise Unavailable from error
        except BotoCoreError as error:
            raise Unavailable from error
        return str(reply["ETag"]).strip('"')

    def read(self, key: str, etag: str, bytes_max: int) -> bytes:
        """The object, if it is still the one with this ETag; ObjectGone, ObjectChanged otherwise.

        More than `bytes_max` cannot have come by our form, so it is not the one that was meant.
        """
        try:
            reply = self._s3.get_object(Bucket=self._name, Key=key, IfMatch=f'"{etag}"')
            content: bytes = reply["Body"].read(bytes_max + 1)
        except ClientError as error:
            if _code(error) in _ABSENT:
                raise ObjectGone from error
            if _code(error) in _CHANGED:
                raise ObjectChanged from error
            raise Unavailable from error
        except BotoCoreError as error:
            raise Unavailable from error
        if str(reply["ETag"]).strip('"') != etag or len(content) > bytes_max:
            raise ObjectChanged
        return content

    def publish(self, key: str, content: bytes, media_type: str) -> None:
        """Put an object whose key names its content, so that caches may keep it for ever."""
        with unavailable_on_failure():
            self._s3.put_object(
                Bucket=self._name,
                Key=key,
                Body=content,
                ContentType=media_type,
                CacheControl=FOREVER,
            )

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there count as deleted."""
        for start in range(0, len(keys), DELETES_MAX):
            some = [{"Key": key} for key in keys[start : start + DELETES_MAX]]
            with unavailable_on_failure():
                reply = self._s3.delete_objects(
                    Bucket=self._name, Delete={"Objects": some, "Quiet": True}
                )
            if reply.get("Errors"):
                raise Unavailable

    def keys(self, prefix: str) -> list[str]:
        """The first thousand keys under a prefix."""
        with unavailable_on_failure():
            reply = self._s3.list_objects_v2(Bucket=self._name, Prefix=prefix)
        return [entry["Key"] for entry in reply.get("Contents", ())]


@lru_cache(maxsize=4)
def bucket(name: str) -> Bucket:
    """The bucket called `name`."""
    return Bucket(lambda: client("s3"), name)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
