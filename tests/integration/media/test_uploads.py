"""Uploads through the front door, the bucket trigger and the steps of the pipeline."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from chalice.test import Client

from app import app
from chalicelib.aws.settings import settings
from chalicelib.media.sweeping import Deps, sweep_uploads, sweeping_deps
from tests.callers import ANYBODY, Answer, Caller, signed_in
from tests.cloud import ACCOUNT, STAGE, bare_client, cloud
from tests.pictures import a_photo, written

UPLOADS = f"souk-{STAGE}-uploads-{ACCOUNT}"
RENDITIONS = f"souk-{STAGE}-media-{ACCOUNT}"
PHOTO = {"purpose": "product", "filename": "vase.jpg", "content_type": "image/jpeg", "size": 9000}


@pytest.fixture
def merchant() -> Iterator[Caller]:
    """A merchant."""
    with cloud():
        settings()
        yield signed_in("merchant")


def requested(caller: Caller, **changes: object) -> dict[str, Any]:
    """A new upload that waits for its file."""
    answer = caller.post("/media/uploads", {**PHOTO, **changes})
    assert answer.status == 201, answer.body
    media: dict[str, Any] = answer.body["media"]
    return media


def arrive(media_id: str, content: bytes, media_type: str = "image/jpeg") -> None:
    """Put the file where the form puts it, and tell the trigger as S3 does."""
    key = f"raw/{media_id}"
    put = bare_client("s3").put_object(
        Bucket=UPLOADS, Key=key, Body=content, ContentType=media_type
    )
    tell(key, put["ETag"].strip('"'))


def tell(key: str, etag: str) -> None:
    """Invoke the trigger with an S3 event."""
    record = {"s3": {"bucket": {"name": UPLOADS}, "object": {"key": key, "eTag": etag}}}
    with Client(app) as client:
        client.lambda_.invoke("media_uploaded", {"Records": [record]})


def step(name: str, media_id: str, execution: str = "run-1", **more: object) -> dict[str, Any]:
    """One step of one run."""
    payload = {"step": name, "media_id": media_id, "execution": execution, **more}
    with Client(app) as client:
        answer = client.lambda_.invoke("media_steps", {**payload, "correlation_id": "corr-00001"})
    outcome: dict[str, Any] = json.loads(json.dumps(answer.payload))
    return outcome


def run(media_id: str, execution: str = "run-1") -> str:
    """All steps in the order of the workflow; the last outcome."""
    if step("claim", media_id, execution)["outcome"] != "claimed":
        return "skip"
    verdict = step("inspect", media_id, execution)
    if verdict["outcome"] == "rejected":
        return str(step("reject", media_id, execution, reason=verdict["reason"])["outcome"])
    parts = [step(part, media_id, execution) for part in ("render", "describe")]
    return str(step("publish", media_id, execution, parts=parts)["outcome"])


def processed(caller: Caller, **changes: object) -> dict[str, Any]:
    """A picture that is READY."""
    media = requested(caller, **changes)
    arrive(media["id"], written(a_photo(), "JPEG"))
    assert run(media["id"]) == "ready"
    found: dict[str, Any] = caller.get(f"/media/{media['id']}").body
    return found


def a_product(merchant: Caller) -> dict[str, Any]:
    """A product without pictures."""
    merchant.post("/admin/categories", {"title": "Tea"})
    variant = {"sku": "TEA-1", "title": "One", "price": 100}
    body = {"title": "Bowl", "category": "tea", "variants": [variant]}
    product: dict[str, Any] = merchant.post("/admin/products", body).body
    return product


def attach(caller: Caller, media_id: str, product_id: str, **more: object) -> Answer:
    """Hang a picture."""
    return caller.post(f"/media/{media_id}/attach", {"product_id": product_id, **more})


def events(media_id: str) -> list[str]:
    """The events of an upload in order."""
    reply = bare_client("dynamodb").query(
        TableName=f"souk-{STAGE}-core",
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": f"MEDIA#{media_id}"}, ":sk": {"S": "EVT#"}},
    )
    return [item["type"]["S"] for item in reply["Items"]]


def objects(name: str) -> list[str]:
    """All keys of a bucket."""
    reply = bare_client("s3").list_objects_v2(Bucket=name)
    return [entry["Key"] for entry in reply.get("Contents", [])]


def test_uploads_belong_to_somebody(merchant: Caller) -> None:
    """Anonymous 401, customers may not send product pictures, others' uploads are not there."""
    assert ANYBODY.post("/media/uploads", PHOTO).status == 401
    customer = signed_in()
    assert customer.post("/media/uploads", PHOTO).code == "forbidden"
    own = requested(customer, purpose="chat")
    assert customer.get(f"/media/{own['id']}").status == 200
    assert signed_in().get(f"/media/{own['id']}").code == "not_found"
    assert signed_in("support").call("DELETE", f"/media/{own['id']}").code == "not_found"
    assert merchant.get(f"/media/{own['id']}").status == 200
    assert customer.post(f"/media/{own['id']}/attach", {"product_id": "prd_1"}).status == 403
    assert customer.post(f"/media/{own['id']}/reprocess").status == 403


def test_form_allows_exactly_one_file(merchant: Caller) -> None:
    """Key, type and length range are signed, for five minutes."""
    answer = merchant.post("/media/uploads", PHOTO)
    media, upload = answer.body["media"], answer.body["upload"]
    assert (media["status"], media["version"], media["renditions"]) == ("AWAITING", 1, [])
    assert upload["fields"]["key"] == f"raw/{media['id']}"
    policy = json.loads(base64.b64decode(upload["fields"]["policy"]))
    assert {"Content-Type": "image/jpeg"} in policy["conditions"]
    assert ["content-length-range", 1, 20_971_520] in policy["conditions"]
    assert {"key": f"raw/{media['id']}"} in policy["conditions"]
    assert upload["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    left = datetime.fromisoformat(upload["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=4, seconds=50) < left <= timedelta(minutes=5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0},
        {"size": 20_971_521},
        {"size": "9000"},
        {"content_type": "image/svg+xml"},
        {"purpose": "avatar"},
        {"filename": ""},
        {"filename": "a\nb"},
        {"alt": None},
    ],
)
def test_upload_fields_are_strict(merchant: Caller, wrong: dict[str, object]) -> None:
    """Every field has its type and bounds."""
    assert merchant.post("/media/uploads", {**PHOTO, **wrong}).code == "validation_failed"


@pytest.mark.covers(21)
def test_picture_becomes_ready(merchant: Caller) -> None:
    """Trigger and steps lead to READY with twelve files that caches may keep for ever."""
    media = processed(merchant, alt="A vase")
    assert (media["status"], media["content_type"]) == ("READY", "image/jpeg")
    assert (media["width"], media["height"], media["alt"]) == (640, 480, "A vase")
    assert len(media["renditions"]) == 12
    assert events(media["id"]) == ["MediaUploaded", "MediaProcessing", "MediaReady"]
    for rendition in media["renditions"]:
        key = rendition["url"].removeprefix("https://cdn.example/")
        found = bare_client("s3").get_object(Bucket=RENDITIONS, Key=key)
        assert found["ContentLength"] == rendition["bytes"]
        assert found["CacheControl"] == "public, max-age=31536000, immutable"
        assert found["ContentType"] == f"image/{rendition['format']}"


def test_two_events_for_one_object_have_one_effect(merchant: Caller) -> None:
    """Repeated, late and foreign notifications change nothing."""
    media = requested(merchant)
    arrive(media["id"], written(a_photo(), "JPEG"))
    arrive(media["id"], written(a_photo(), "JPEG"))
    tell("raw/med_01J80000000000000000000000", "etag")
    tell("raw/somewhere else", "etag")
    assert events(media["id"]) == ["MediaUploaded"]
    assert run(media["id"]) == "ready"
    tell(f"raw/{media['id']}", "other")
    assert merchant.get(f"/media/{media['id']}").body["status"] == "READY"


def test_steps_may_run_twice_and_only_in_one_run(merchant: Caller) -> None:
    """Repeating a step changes nothing; another run is told to skip."""
    media = requested(merchant)
    assert step("claim", media["id"])["outcome"] == "skip"
    arrive(media["id"], written(a_photo(), "JPEG"))
    for _ in range(2):
        assert step("claim", media["id"])["outcome"] == "claimed"
    assert run(media["id"], "run-2") == "skip"
    assert step("inspect", media["id"], "run-2")["outcome"] == "skip"
    parts = [step(part, media["id"]) for part in ("render", "describe", "render", "describe")]
    assert parts[:2] == parts[2:]
    for _ in range(2):
        assert step("publish", media["id"], parts=parts[:2])["outcome"] == "ready"
    assert step("publish", media["id"], "run-2", parts=parts[:2])["outcome"] == "skip"
    assert step("fail", media["id"])["outcome"] == "skip"
    assert events(media["id"]) == ["MediaUploaded", "MediaProcessing", "MediaReady"]


def test_run_that_went_silent_is_taken_over(merchant: Caller) -> None:
    """Fifteen minutes after its claim another run may claim; the first one can publish no more."""
    media = requested(merchant)
    arrive(media["id"], written(a_photo(), "JPEG"))
    assert step("claim", media["id"], "run-1")["outcome"] == "claimed"
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
        assert run(media["id"], "run-2") == "ready"
    assert step("publish", media["id"], "run-1", parts=[])["outcome"] == "skip"


def test_bad_file_is_rejected_and_deleted(merchant: Caller) -> None:
    """A text that calls itself a picture ends REJECTED; its original is gone."""
    media = requested(merchant, content_type="image/png")
    arrive(media["id"], b"I am a text.", "image/png")
    assert run(media["id"]) == "rejected"
    found = merchant.get(f"/media/{media['id']}").body
    assert (found["status"], found["reject_reason"]) == ("REJECTED", "unsupported_type")
    assert objects(UPLOADS) == []
    assert events(media["id"])[-1] == "MediaRejected"
    assert step("reject", media["id"], reason="corrupt")["outcome"] == "rejected"
    product = a_product(merchant)
    assert attach(merchant, media["id"], product["id"]).code == "invalid_state"


def test_file_swapped_after_upload_is_refused(merchant: Caller) -> None:
    """The ETag is pinned when the file comes: another file under the key is never rendered."""
    for swapped_after in ("claim", "inspect"):
        media = requested(merchant)
        arrive(media["id"], written(a_photo(), "JPEG"))
        step("claim", media["id"])
        if swapped_after == "inspect":
            assert step("inspect", media["id"])["outcome"] == "valid"
        bare_client("s3").put_object(Bucket=UPLOADS, Key=f"raw/{media['id']}", Body=b"other")
        if swapped_after == "claim":
            refused = step("inspect", media["id"])
        else:
            parts = [step(part, media["id"]) for part in ("render", "describe")]
            refused = step("publish", media["id"], parts=parts)
        assert (refused["outcome"], refused["reason"]) == ("rejected", "changed_after_upload")
        assert step("reject", media["id"], reason=refused["reason"])["outcome"] == "rejected"


def test_failed_run_can_be_tried_again(merchant: Caller) -> None:
    """A fault ends FAILED; staff send it through again while the original is there."""
    media = requested(merchant)
    arrive(media["id"], written(a_photo(), "JPEG"))
    step("claim", media["id"])
    for _ in range(2):
        assert step("fail", media["id"])["outcome"] == "failed"
    again = merchant.post(f"/media/{media['id']}/reprocess")
    assert (again.status, again.body["media"]["status"]) == (202, "UPLOADED")
    assert merchant.post(f"/media/{media['id']}/reprocess").code == "invalid_state"
    assert run(media["id"], "run-2") == "ready"


def test_reprocessing_keeps_the_old_pictures(merchant: Caller) -> None:
    """Until the new renditions are there the old ones are shown; without an original 409."""
    media = processed(merchant)
    product = a_product(merchant)
    attach(merchant, media["id"], product["id"])
    merchant.post(f"/admin/products/{product['id']}/publish")
    merchant.post(f"/media/{media['id']}/reprocess")
    assert len(ANYBODY.get(f"/products/{product['id']}").body["pictures"]) == 1
    step("claim", media["id"], "run-2")
    step("fail", media["id"], "run-2")
    assert len(ANYBODY.get(f"/products/{product['id']}").body["pictures"]) == 1
    bare_client("s3").delete_object(Bucket=UPLOADS, Key=f"raw/{media['id']}")
    gone = merchant.post(f"/media/{media['id']}/reprocess")
    assert (gone.status, gone.code) == (409, "original_gone")


def test_picture_hangs_at_one_product(merchant: Caller) -> None:
    """Attached it is on page and card; again it replaces its entry; elsewhere it is refused."""
    media = processed(merchant, alt="A vase")
    product = a_product(merchant)
    hung = attach(merchant, media["id"], product["id"], position=3)
    assert hung.status == 200, hung.body
    picture = hung.body["product"]["pictures"][0]
    assert (picture["media_id"], picture["alt"], picture["position"]) == (media["id"], "A vase", 3)
    assert sorted(picture["urls"]) == ["large", "medium", "small", "thumb"]
    assert sorted(picture["urls"]["thumb"]) == ["avif", "jpeg", "webp"]
    assert hung.body["product"]["version"] == 2
    again = attach(merchant, media["id"], product["id"], alt="The vase")
    assert [(p["alt"], p["position"]) for p in again.body["product"]["pictures"]] == [
        ("The vase", 0)
    ]
    listed = merchant.get("/admin/products?status=DRAFT").body["items"][0]
    assert listed["picture"]["media_id"] == media["id"]
    variant = {"sku": "TEA-2", "title": "One", "price": 100}
    body = {"title": "Cup", "category": "tea", "variants": [variant]}
    other = merchant.post("/admin/products", body).body
    assert attach(merchant, media["id"], other["id"]).code == "invalid_state"
    fresh = processed(merchant)
    unknown = attach(merchant, fresh["id"], "prd_01J80000000000000000000000")
    assert (unknown.status, unknown.body["error"]["fields"][0]["path"]) == (422, "product_id")


def test_chat_pictures_do_not_hang_in_the_shop(merchant: Caller) -> None:
    """A picture that a customer sent in a conversation stays there."""
    media = processed(signed_in(), purpose="chat")
    assert attach(merchant, media["id"], a_product(merchant)["id"]).code == "invalid_state"


def test_deleting_takes_the_picture_down(merchant: Caller) -> None:
    """The product loses it at once, the sweeper removes the files, the upload is not found."""
    media = processed(merchant)
    product = a_product(merchant)
    attach(merchant, media["id"], product["id"])
    assert merchant.call("DELETE", f"/media/{media['id']}").status == 204
    assert merchant.get(f"/media/{media['id']}").status == 404
    found = merchant.get(f"/admin/products/{product['id']}").body
    assert (found["pictures"], found["version"]) == ([], 3)
    assert sweep_uploads(sweeping_deps()) == {"removed": 1}
    assert objects(UPLOADS) == objects(RENDITIONS) == []
    assert sweep_uploads(sweeping_deps()) == {}
    assert merchant.call("DELETE", f"/media/{media['id']}").status == 404


def test_deleting_waits_for_the_pipeline(merchant: Caller) -> None:
    """While the picture is in hand it cannot be deleted."""
    media = requested(merchant)
    arrive(media["id"], written(a_photo(), "JPEG"))
    assert merchant.call("DELETE", f"/media/{media['id']}").code == "invalid_state"
    step("claim", media["id"])
    assert merchant.call("DELETE", f"/media/{media['id']}").code == "invalid_state"


class Recorder:
    """Runs that are only noted."""

    def __init__(self, *, is_running: bool | None = None) -> None:
        self.started: list[str] = []
        self._is_running = is_running

    def start(self, _workflow: str, name: str, given: object) -> bool:
        """Note the name."""
        assert isinstance(given, dict)
        assert set(given) == {"media_id", "correlation_id"}
        self.started.append(name)
        return True

    def is_running(self, _workflow: str, _name: str) -> bool | None:
        """As told."""
        return self._is_running


def sweep_after(minutes: int, runs: Recorder) -> dict[str, int]:
    """Sweep some minutes from now."""
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes), tick=False):
        real = sweeping_deps()
        return sweep_uploads(Deps(real.uploads, runs, real.remove, real.clock))


def test_file_that_never_came_expires(merchant: Caller) -> None:
    """After an hour the upload is EXPIRED, and a late file changes nothing."""
    media = requested(merchant)
    assert sweep_after(59, Recorder()) == {}
    assert sweep_after(61, Recorder()) == {"expired": 1}
    arrive(media["id"], written(a_photo(), "JPEG"))
    assert events(media["id"]) == ["MediaExpired"]


def test_stuck_pipeline_is_started_again_five_times(merchant: Caller) -> None:
    """Every fifteen minutes under another name; after five looks the upload is FAILED."""
    media = requested(merchant)
    arrive(media["id"], written(a_photo(), "JPEG"))
    runs = Recorder()
    for look in range(1, 6):
        assert sweep_after(16 * look, runs) == {"started": 1}
    assert len(set(runs.started)) == 5
    assert runs.started[0].startswith(f"{media['id']}-2")
    assert sweep_after(16 * 6, runs) == {"failed": 1}
    assert merchant.get(f"/media/{media['id']}").body["status"] == "FAILED"


def test_run_that_goes_on_is_left_alone(merchant: Caller) -> None:
    """A run that is still at work is not doubled."""
    media = requested(merchant)
    arrive(media["id"], written(a_photo(), "JPEG"))
    step("claim", media["id"])
    runs = Recorder(is_running=True)
    assert sweep_after(16, runs) == {"running": 1}
    assert runs.started == []
