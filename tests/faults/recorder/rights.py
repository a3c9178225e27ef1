"""Rights that no use case of the recorder uses, and where their use is shown or what it is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

EARLY: Final = "an answer that came before its token was kept: test_interleavings.py"
LARGE: Final = "a room of more than 500: python -m bench.rooms --members 104 --sockets 5"
LAST_FAILURE: Final = "the platform's, once a call has failed for the last time"
MAILED: Final = "tests/e2e/test_every_message.py"
MISSING: Final = "of what is missing S3 says 404 only to who may list, else 403"
PARKING: Final = "what it cannot read: tests/security/test_event_mutants.py"
DESK: Final = "tests/e2e/acceptance/test_ops.py"
ROTATED: Final = "tests/e2e/test_identity.py"
SOCKETS: Final = "posts by itself, not by the SDK: tests/e2e/test_chat.py"
GONE: Final = "a socket that went without a word: tests/integration/live"
LATE: Final = "tests/integration/orders/test_order_workers.py"
REPLAYED: Final = "tests/integration/ops/test_journal.py"
PUSHED: Final = "tests/integration/notifications/test_short_messages.py"

UNUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "api_handler Executions states:DescribeExecution": DESK,
        "api_handler Executions states:GetExecutionHistory": DESK,
        "api_handler Originals s3:PutObject": "of the upload it signs: tests/e2e/test_media.py",
        "api_handler QueueDepths sqs:GetQueueAttributes": DESK,
        "api_handler TellMissing s3:ListBucket": MISSING,
        "api_handler Workflows states:ListExecutions": DESK,
        "chat_fanout Connections execute-api:ManageConnections": SOCKETS,
        "chat_fanout Live dynamodb:PutItem": LARGE,
        "chat_fanout Park sqs:SendMessage": PARKING,
        "chat_fanout Remainder sqs:SendMessage": LARGE,
        "daily_report Failed sqs:SendMessage": LAST_FAILURE,
        "media_steps TellMissing s3:ListBucket": MISSING,
        "media_uploaded DeadEnds sqs:SendMessage": LAST_FAILURE,
        "media_uploaded Originals s3:GetObject": "asks for the ETag where an event has none",
        "media_uploaded TellMissing s3:ListBucket": MISSING,
        "notify_email Secrets secretsmanager:GetSecretValue": MAILED,
        "notify_live Connections execute-api:ManageConnections": SOCKETS,
        "notify_live Live dynamodb:DeleteItem": GONE,
        "notify_live Live dynamodb:Query": GONE,
        "notify_live Park sqs:SendMessage": PARKING,
        "notify_live Pushes sqs:SendMessage": LARGE,
        "notify_push Core dynamodb:GetItem": PUSHED,
        "notify_push Core dynamodb:Query": PUSHED,
        "notify_push Core dynamodb:UpdateItem": PUSHED,
        "notify_push Park sqs:SendMessage": PARKING,
        "notify_push Push sns:CreatePlatformEndpoint": PUSHED,
        "notify_push Push sns:Publish": PUSHED,
        "notify_sms Core dynamodb:GetItem": PUSHED,
        "notify_sms Core dynamodb:UpdateItem": PUSHED,
        "notify_sms Park sqs:SendMessage": PARKING,
        "notify_sms Texts sns:Publish": PUSHED,
        "ops_worker Core dynamodb:Query": REPLAYED,
        "ops_worker CoreIndexes dynamodb:Query": REPLAYED,
        "ops_worker InvokeAgain lambda:InvokeFunction": "redrives a failed call of a function",
        "ops_worker Publish events:PutEvents": REPLAYED,
        "ops_worker StartWorkflows states:StartExecution": "tests/e2e/acceptance/test_gateway.py",
        "order_payment AnswerWorkflows states:SendTaskSuccess": EARLY,
        "order_payment Secrets secretsmanager:GetSecretValue": "the key of a real provider",
        "order_signals Park sqs:SendMessage": PARKING,
        "order_status AnswerWorkflows states:SendTaskSuccess": EARLY,
        "outbox_relay Park sqs:SendMessage": PARKING,
        "payment_events Core dynamodb:GetItem": "a webhook seen before: test_order_path.py",
        "rotate_secrets DeadEnds sqs:SendMessage": LAST_FAILURE,
        "rotate_secrets Secrets secretsmanager:GetSecretValue": ROTATED,
        "rotate_secrets Secrets secretsmanager:PutSecretValue": ROTATED,
        "rotate_secrets Secrets secretsmanager:UpdateSecretVersionStage": ROTATED,
        "sweeper Core dynamodb:BatchGetItem": LATE,
        "sweeper Core dynamodb:PutItem": "an upload that expires: tests/integration/media",
        "sweeper Publish events:PutEvents": LATE,
        "websocket_message Connections execute-api:ManageConnections": SOCKETS,
        "websocket_message Live dynamodb:DeleteItem": "tests/e2e/acceptance/test_sockets.py",
        "websocket_message Remainder sqs:SendMessage": LARGE,
    }
)
