"""The mailbox in the browser: a page that shows what the embedded AWS has mailed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BUCKET = "souk-local-mail"
KEY = "index.html"
PATH = f"/{BUCKET}/{KEY}"
SOURCE = Path(__file__).with_name("mail.html")


def publish(s3: Any, endpoint: str) -> str:
    """Put the page where a browser on this machine reads it, and tell its URL.

    It stands on the origin of the API and of the inbox, so it needs no CORS.
    """
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET)
    s3.delete_public_access_block(Bucket=BUCKET)
    readable = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [readable]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    s3.put_object(
        Bucket=BUCKET,
        Key=KEY,
        Body=SOURCE.read_bytes(),
        ContentType="text/html; charset=utf-8",
        CacheControl="no-store",
    )
    return f"{endpoint}{PATH}"
