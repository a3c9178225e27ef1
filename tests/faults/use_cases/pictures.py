"""Pictures: sent, refused, hung, taken down, made anew, with the bucket played from here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import boto3

from tests.faults.harness.clients import ClientModel, ClientSession, Reply, Request
from tests.faults.harness.substrate import ACCOUNT, REGION
from tests.faults.harness.world import World
from tests.faults.use_cases.shop import CORE, FRONT, STAGE
from tests.pictures import a_photo, written

UPLOADS = f"souk-{STAGE}-uploads-{ACCOUNT}"
RENDITIONS = f"souk-{STAGE}-media-{ACCOUNT}"
WANTED = {"purpose": "product", "filename": "a.png", "content_type": "image/png", "size": 99}
SETTLED = {"READY", "REJECTED", "FAILED", "EXPIRED", "DELETED"}


@lru_cache(maxsize=1)
def photograph() -> bytes:
    """A small picture, so that thousands of runs stay cheap."""
    return written(a_photo(40, 30), "PNG")


def empty_buckets() -> None:
    """Both buckets, made if need be, with nothing in them."""
    s3 = boto3.client("s3", region_name=REGION)
    known = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for name in (UPLOADS, RENDITIONS):
        if name not in known:
            place = {"LocationConstraint": REGION}
            s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
        for entry in s3.list_objects_v2(Bucket=name).get("Contents", []):
            s3.delete_object(Bucket=name, Key=entry["Key"])


@dataclass(slots=True)
class Visit:
    """What a merchant does in one run."""

    session: ClientSession

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        """One request of the merchant."""
        return self.session.send(Request(method, path, body, FRONT.staff))

    def upload(self, content: bytes, *, notified: int = 1) -> str | None:
        """Ask for a form, post the file, and let the bucket tell of it so many times."""
        reply = self.send("POST", "/media/uploads", WANTED)
        if not reply.is_accepted:
            return None
        media_id = str(reply.body["media"]["id"])
        key = f"raw/{media_id}"
        put = boto3.client("s3", region_name=REGION).put_object(
            Bucket=UPLOADS, Key=key, Body=content
        )
        record = {"s3": {"object": {"key": key, "eTag": put["ETag"].strip('"')}}}
        for _ in range(notified):
            self.session.world.deliveries.invoke_later("media_uploaded", {"Records": [record]})
        return media_id

    def product(self) -> str:
        """Any product."""
        rows = self.session.world.substrate.rows(CORE)
        found = (row for row in rows if row["pk"].startswith("PROD#") and row["sk"] == "META")
        return str(next(found)["id"])


@dataclass(frozen=True, slots=True)
class Picture:
    """One use case: what is there, what is done, and the states in which uploads may end."""

    name: str
    steps: Callable[[Visit], None]
    ends: frozenset[str]
    prepare: Callable[[Visit], None] | None = None

    def set_up(self, world: World) -> None:
        """Steps that are not under test, run without faults."""
        empty_buckets()
        if self.prepare is not None:
            self.prepare(Visit(FRONT.session(world, ClientModel.RETRIES)))
            world.drain(120)
            world.clock.advance(1)

    def play(self, session: ClientSession) -> None:
        """The steps under test, from the same objects each time."""
        empty_buckets()
        put_originals(session.world)
        self.steps(Visit(session))

    def expected(self, session: ClientSession) -> list[str]:
        """Every upload is settled, tells one event a version, and agrees with buckets and pages."""
        rows = session.world.substrate.rows(CORE)
        uploads = [row for row in rows if row["pk"].startswith("MEDIA#") and row["sk"] == "META"]
        found = []
        for upload in uploads:
            found += [f"I12 {upload['id']}: {told}" for told in _wrongs(upload, rows, self.ends)]
        return found


def put_originals(world: World) -> None:
    """The originals of uploads that a use case starts from."""
    s3 = boto3.client("s3", region_name=REGION)
    for row in world.substrate.rows(CORE):
        if row["pk"].startswith("MEDIA#") and row["sk"] == "META":
            s3.put_object(Bucket=UPLOADS, Key=f"raw/{row['id']}", Body=photograph())


def _wrongs(upload: dict[str, Any], rows: list[dict[str, Any]], ends: frozenset[str]) -> list[str]:
    found = []
    status, partition = upload["status"], upload["pk"]
    if status not in ends | {"EXPIRED", "FAILED"}:
        found.append(f"ends {status}")
    told = [row for row in rows if row["pk"] == partition and row["sk"].startswith("EVT#")]
    if len(told) != upload["version"] - 1:
        found.append(f"{len(told)} events for version {upload['version']}")
    if status == "READY" and len(upload["renditions"]) != 12:
        found.append("READY without its renditions")
    if status in SETTLED - {"DELETED"} and "gsi3pk" in upload:
        found.append(f"{status} still has a deadline")
    hanging = {
        one["media_id"]: row["id"]
        for row in rows
        if row["pk"].startswith("PROD#") and row["sk"] == "META"
        for one in row["media"]
    }
    if hanging.get(upload["id"]) != upload.get("attached_to"):
        found.append(f"hangs at {hanging.get(upload['id'])}, not {upload.get('attached_to')}")
    return found


def _the_upload(visit: Visit) -> str:
    rows = visit.session.world.substrate.rows(CORE)
    return str(next(r["id"] for r in rows if r["pk"].startswith("MEDIA#") and r["sk"] == "META"))


def send_good(visit: Visit) -> None:
    """A photograph, told of twice."""
    visit.upload(photograph(), notified=2)


def send_bad(visit: Visit) -> None:
    """A text that calls itself a picture."""
    visit.upload(b"I am a text.")


def attach(visit: Visit) -> None:
    """Hang a picture."""
    body = {"product_id": visit.product()}
    visit.send("POST", f"/media/{_the_upload(visit)}/attach", body)


def attach_and_delete(visit: Visit) -> None:
    """Hang a picture and delete it."""
    attach(visit)
    visit.send("DELETE", f"/media/{_the_upload(visit)}")


def reprocess(visit: Visit) -> None:
    """Make the renditions anew."""
    visit.send("POST", f"/media/{_the_upload(visit)}/reprocess")


def one_ready(visit: Visit) -> None:
    """A picture that is ready."""
    visit.upload(photograph())


USE_CASES = (
    Picture("picture_ready", send_good, frozenset({"READY"})),
    Picture("picture_rejected", send_bad, frozenset({"REJECTED"})),
    Picture("picture_attached", attach, frozenset({"READY"}), one_ready),
    Picture("picture_deleted", attach_and_delete, frozenset({"READY", "DELETED"}), one_ready),
    Picture("picture_reprocessed", reprocess, frozenset({"READY"}), one_ready),
)
