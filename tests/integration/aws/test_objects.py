"""Objects in buckets, read only as they were meant."""

from collections.abc import Iterator

import pytest

from chalicelib.aws.objects import FOREVER, Bucket, ObjectChanged, ObjectGone, bucket
from tests.cloud import ACCOUNT, STAGE, bare_client, cloud

UPLOADS = f"souk-{STAGE}-uploads-{ACCOUNT}"


@pytest.fixture
def uploads() -> Iterator[Bucket]:
    """The quarantine."""
    with cloud():
        yield bucket(UPLOADS)


def put(key: str, content: bytes) -> str:
    """Put an object; its ETag."""
    reply = bare_client("s3").put_object(Bucket=UPLOADS, Key=key, Body=content)
    return str(reply["ETag"]).strip('"')


def test_only_the_pinned_object_is_read(uploads: Bucket) -> None:
    """Another object under the key, one beyond the limit and none at all are told apart."""
    etag = put("raw/x", b"12345")
    assert uploads.etag("raw/x") == etag
    assert uploads.read("raw/x", etag, 5) == b"12345"
    with pytest.raises(ObjectChanged):
        uploads.read("raw/x", etag, 4)
    put("raw/x", b"54321")
    with pytest.raises(ObjectChanged):
        uploads.read("raw/x", etag, 5)
    with pytest.raises(ObjectGone):
        uploads.read("raw/y", etag, 5)
    assert uploads.etag("raw/y") is None


def test_published_objects_are_kept_for_ever(uploads: Bucket) -> None:
    """Type and cache rule go along; deleting what is not there is no fault."""
    uploads.publish("media/a", b"1", "image/webp")
    found = bare_client("s3").get_object(Bucket=UPLOADS, Key="media/a")
    assert (found["ContentType"], found["CacheControl"]) == ("image/webp", FOREVER)
    assert uploads.keys("media/") == ["media/a"]
    uploads.delete(["media/a", "media/b"])
    uploads.delete([])
    assert uploads.keys("media/") == []
