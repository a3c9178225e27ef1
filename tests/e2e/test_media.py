"""Pictures on the running shop: browser to bucket to workflow to topic, policies enforced."""

import json
import time
import urllib.request
from typing import Any

import pytest

from local.demo_data import CATEGORIES
from local.demo_pictures import picture_of, send_picture
from tests.e2e.conftest import RunningShop

READY_MAX_S = 20


@pytest.mark.covers(55)
@pytest.mark.covers(63)
@pytest.mark.covers(16)
@pytest.mark.covers(19)
@pytest.mark.covers(20)
@pytest.mark.covers(35)
def test_photograph_becomes_ready_and_answers(shop: RunningShop) -> None:
    """Twelve renditions answer without credentials; the topic is told; the rows are settled."""
    queue_url = listening(shop)
    merchant = shop.signed_in("merchant")
    started = time.monotonic()
    media = send_picture(merchant, picture_of("an e2e picture"), "a.jpg", "A pattern")
    assert media["status"] == "READY"
    assert time.monotonic() - started < READY_MAX_S
    assert len(media["renditions"]) == 12
    for rendition in media["renditions"]:
        with urllib.request.urlopen(rendition["url"]) as reply:  # noqa: S310 - the stack's own URL
            assert len(reply.read()) == rendition["bytes"]
            assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert told(shop, queue_url, media["id"])["status"] == "READY"


def test_text_is_rejected(shop: RunningShop) -> None:
    """A text that calls itself a picture ends REJECTED with the reason."""
    media = send_picture(shop.signed_in("merchant"), b"I am a text.", "a.jpg", "")
    assert (media["status"], media["reject_reason"]) == ("REJECTED", "unsupported_type")


def test_demo_products_have_their_pictures(shop: RunningShop) -> None:
    """Every one shows its own, with an address for each size and format."""
    for product in (one for category in CATEGORIES for one in category.products):
        shown = shop.anonymous.get(f"/products/by-slug/{product.slug}")
        assert shown["pictures"], product.slug
    url = shown["pictures"][0]["urls"]["thumb"]["webp"]
    with urllib.request.urlopen(url) as reply:  # noqa: S310 - the stack's own URL
        assert reply.read(4) == b"RIFF"


def listening(shop: RunningShop) -> str:
    """A queue that hears the topic media-events."""
    topics = shop.client("sns").list_topics()["Topics"]
    topic = next(one["TopicArn"] for one in topics if one["TopicArn"].endswith("media-events"))
    sqs = shop.client("sqs")
    url: str = sqs.create_queue(QueueName="e2e-media-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn["QueueArn"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    shop.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    return url


def told(shop: RunningShop, queue_url: str, media_id: str) -> dict[str, Any]:
    """What the topic said of this picture."""
    ends = time.monotonic() + READY_MAX_S
    while time.monotonic() < ends:
        reply = shop.client("sqs").receive_message(QueueUrl=queue_url, WaitTimeSeconds=1)
        for message in reply.get("Messages", []):
            said: dict[str, Any] = json.loads(json.loads(message["Body"])["Message"])
            if said["media_id"] == media_id:
                return said
    raise AssertionError(f"the topic said nothing of {media_id}")
