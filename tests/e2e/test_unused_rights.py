"""After everything else has run: no function has a right that nothing used.

`conftest.py` puts it last. It speaks of whole runs of the tier only.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pytest

from local.grants import FILE, given, unused
from local.instance import ROOT
from tests.e2e.conftest import RunningShop

PARKING: Final = "parks what it cannot read; tests/security sends mutants to every consumer"
LAST_FAILURE: Final = "the platform uses it once a call has failed for the last time"
MISSING: Final = "of what is missing S3 says 404 only to who may list, else 403"
EARLY: Final = "an answer that came before the token was kept: tests/faults, interleavings"
LARGE: Final = "a room of more than 500, `python -m bench.rooms` with 520 members"
GONE: Final = "a socket that went without a word: tests/faults/chat"
LATE: Final = "what the sweeper makes up for: tests/integration/orders/test_order_workers.py"
# What a right is for that this tier need not use, and where its use is shown.
NOT_HERE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "api_handler Originals s3:GetObject": "asks for the original before a reprocess",
        "api_handler TellMissing s3:ListBucket": MISSING,
        "chat_fanout Park sqs:SendMessage": PARKING,
        "chat_fanout Remainder sqs:SendMessage": LARGE,
        "daily_report Failed sqs:SendMessage": LAST_FAILURE,
        "media_steps TellMissing s3:ListBucket": MISSING,
        "media_uploaded DeadEnds sqs:SendMessage": LAST_FAILURE,
        "media_uploaded Originals s3:GetObject": "asks for the ETag where an event has none",
        "media_uploaded TellMissing s3:ListBucket": MISSING,
        "notify_email Park sqs:SendMessage": PARKING,
        "notify_live Live dynamodb:DeleteItem": GONE,
        "notify_live Live dynamodb:Query": GONE,
        "notify_live Park sqs:SendMessage": PARKING,
        "notify_live Pushes sqs:SendMessage": LARGE,
        "notify_push Park sqs:SendMessage": PARKING,
        "notify_sms Park sqs:SendMessage": PARKING,
        "ops_worker Core dynamodb:Query": "replays: tests/integration/ops/test_journal.py",
        "ops_worker InvokeAgain lambda:InvokeFunction": "redrives a failed call of a function",
        "ops_worker Park sqs:SendMessage": PARKING,
        "ops_worker Publish events:PutEvents": "replays: tests/integration/ops/test_journal.py",
        "order_payment AnswerWorkflows states:SendTaskSuccess": EARLY,
        "order_payment Secrets secretsmanager:GetSecretValue": "the key of a real provider",
        "order_signals Park sqs:SendMessage": PARKING,
        "order_status AnswerWorkflows states:SendTaskSuccess": EARLY,
        "outbox_relay Park sqs:SendMessage": PARKING,
        "payment_events Park sqs:SendMessage": PARKING,
        "rotate_secrets DeadEnds sqs:SendMessage": LAST_FAILURE,
        "sweeper Core dynamodb:BatchGetItem": LATE,
        "sweeper Core dynamodb:GetItem": LATE,
        "sweeper Core dynamodb:PutItem": LATE,
        "sweeper Core dynamodb:Query": LATE,
        "sweeper Core dynamodb:UpdateItem": LATE,
        "sweeper DeadEnds sqs:SendMessage": LATE,
        "sweeper Executions states:DescribeExecution": LATE,
        "sweeper ListRenditions s3:ListBucket": LATE,
        "sweeper Originals s3:DeleteObject": LATE,
        "sweeper Publish events:PutEvents": LATE,
        "sweeper Renditions s3:DeleteObject": LATE,
        "sweeper StartWorkflows states:StartExecution": LATE,
        "websocket_connect Live dynamodb:GetItem": GONE,
        "websocket_message Remainder sqs:SendMessage": LARGE,
    }
)
POLICIES: Final = ROOT / ".chalice" / "policies"


def test_reasons_are_of_rights_that_are_given() -> None:
    """A reason goes with its right."""
    assert NOT_HERE.keys() - {" ".join(grant) for grant in given(POLICIES)} == set()


@pytest.mark.covers(82)
def test_every_right_is_used_or_has_its_reason(
    shop: RunningShop, request: pytest.FixtureRequest
) -> None:
    """A right without use is one for an attacker alone."""
    ran = {item.path for item in request.session.items}
    if missing := set((ROOT / "tests" / "e2e").rglob("test_*.py")) - ran:
        pytest.skip(f"{len(missing)} files of the tier were left out")
    left = {" ".join(grant) for grant in unused(POLICIES, shop.home / "state" / FILE)}
    assert sorted(left - NOT_HERE.keys()) == []
