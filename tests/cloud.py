"""An AWS in this process (moto) with the tables, queues, bus and secrets of one stage."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import botocore.session
from moto import mock_aws

STAGE: Final = "test"
REGION: Final = "us-east-1"
ACCOUNT: Final = "123456789012"
QUEUES: Final = (
    "order-signals",
    "payments-inbox",
    "email",
    "sms",
    "push",
    "live",
    "ops-commands",
    "order-signals-dlq",
    "payments-inbox-dlq",
    "email-dlq",
    "sms-dlq",
    "push-dlq",
    "live-dlq",
    "ops-commands-dlq",
    "workflow-dlq",
    "streams-dlq",
    "async-dlq",
    "bus-dlq",
)
SECRETS: Final = ("tokens", "identity", "links", "webhook", "gateway")
ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "SOUK_STAGE": STAGE,
    "SOUK_ACCOUNT": ACCOUNT,
    "SOUK_QUEUE_URL_PREFIX": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/",
    "SOUK_SANDBOX": "on",
    "SOUK_STAFF_MFA": "optional",
    "SOUK_RATE_SCALE": "100",
    "SOUK_RESOLVE_WAIT_SECONDS": "1",
    "SOUK_PUBLIC_BASE_URL": "http://127.0.0.1:8000",
    "SOUK_MEDIA_BASE_URL": "https://cdn.example",
    "SOUK_SOCKET_BASE_URL": "wss://sockets.example/v1",
    "SOUK_MAIL_FROM": "shop@souk.example",
    "SOUK_REPORT_RECIPIENTS": "admin@souk.example",
    "SOUK_ALLOWED_ORIGINS": "https://shop.example",
    "SOUK_VALIDATE_CALLS": "on",
    "SOUK_LOG_LEVEL": "ERROR",
    "S3_WIRING": "template",
}


_CLIENTS: Final = "chalicelib.aws.clients"


def forget_caches() -> None:
    """Empty every cache of the app's modules, as a cold start would.

    Service clients stay: making one costs more than a test, and they hold no state.
    """
    for name, module in list(sys.modules.items()):
        if name == "app" or (name.startswith("chalicelib") and name != _CLIENTS):
            for member in list(vars(module).values()):
                is_ours = getattr(member, "__module__", "") != _CLIENTS
                if is_ours and callable(getattr(member, "cache_clear", None)):
                    member.cache_clear()


@lru_cache(maxsize=16)
def bare_client(service: str) -> Any:
    """A client that is not the app's, for set-up and for reading raw rows."""
    return botocore.session.get_session().create_client(service, region_name=REGION)


def key_schema(name: str) -> dict[str, Any]:
    """The definition of a table: pk, sk, and three indexes of which the third has keys only."""
    attributes = ["pk", "sk", *(f"gsi{n}{part}" for n in (1, 2, 3) for part in ("pk", "sk"))]
    return {
        "TableName": f"souk-{STAGE}-{name}",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": "S"} for attribute in attributes
        ],
        "KeySchema": _keys("pk", "sk"),
        "GlobalSecondaryIndexes": [
            {
                "IndexName": f"gsi{n}",
                "KeySchema": _keys(f"gsi{n}pk", f"gsi{n}sk"),
                "Projection": {"ProjectionType": "KEYS_ONLY" if n == 3 else "ALL"},
            }
            for n in (1, 2, 3)
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    }


def _keys(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_key, "KeyType": "HASH"},
        {"AttributeName": range_key, "KeyType": "RANGE"},
    ]


def build() -> None:
    """Create what the stack would have created."""
    dynamodb, sqs = bare_client("dynamodb"), bare_client("sqs")
    for table in ("core", "live"):
        dynamodb.create_table(**key_schema(table))
    for queue in QUEUES:
        sqs.create_queue(QueueName=f"souk-{STAGE}-{queue}")
    for name in ("uploads", "media"):
        bare_client("s3").create_bucket(Bucket=f"souk-{STAGE}-{name}-{ACCOUNT}")
    bare_client("events").create_event_bus(Name=f"souk-{STAGE}")
    manager = bare_client("secretsmanager")
    for number, secret in enumerate(SECRETS):
        ring = {"current": "k1", "k1": f"{number}{secret}".ljust(64, "x")}
        manager.create_secret(Name=f"souk/{STAGE}/{secret}", SecretString=json.dumps(ring))
    ses = bare_client("ses")
    ses.verify_email_identity(EmailAddress="shop@souk.example")


@contextmanager
def cloud() -> Iterator[None]:
    """The whole AWS for one test: fresh, and the app's caches empty before and after."""
    before = dict(os.environ)
    os.environ.update(ENVIRONMENT)
    forget_caches()
    try:
        with mock_aws():
            build()
            yield
    finally:
        forget_caches()
        os.environ.clear()
        os.environ.update(before)
