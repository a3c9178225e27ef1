"""B7: CPU of a store call beside the raw client with boto3's own serialisers."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.measure import ROOT, ROUNDS, Figure, interleaved, ratio, report

CALLS = 300
KEY = ("ORDER#ord_01J80000000000000000000001", "META")
PLAIN = {
    "pk": KEY[0],
    "sk": KEY[1],
    "status": "PAID",
    "version": 5,
    "total": 6800,
    "currency": "EUR",
    "lines": [
        {
            "variant_id": f"var_01J8000000000000000000000{place}",
            "title": "Tagine, blue, glazed by hand",
            "quantity": 2,
            "unit_price": 3400,
        }
        for place in range(5)
    ],
}

Work = Callable[[], object]


@contextmanager
def stub() -> Iterator[str]:
    """Run the stub in its own process, so that its CPU is not counted."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.dynamodb_stub"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.stdin.close()
        process.wait(timeout=10)


def raw_work(client: Any) -> dict[str, Work]:  # Any: boto3 has no types
    """The three calls as the service's documentation shows them."""
    from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

    write, read = TypeSerializer(), TypeDeserializer()

    def serialised(plain: dict[str, Any]) -> dict[str, Any]:
        return {name: write.serialize(value) for name, value in plain.items()}

    def plain(item: dict[str, Any]) -> dict[str, Any]:
        return {name: read.deserialize(value) for name, value in item.items()}

    key = serialised({"pk": KEY[0], "sk": KEY[1]})
    condition = "pk = :pk"
    return {
        "GetItem": lambda: plain(
            client.get_item(TableName="bench", Key=key, ConsistentRead=True)["Item"]
        ),
        "Query of 25": lambda: [
            plain(item)
            for item in client.query(
                TableName="bench",
                KeyConditionExpression=condition,
                ExpressionAttributeValues=serialised({":pk": KEY[0]}),
                Limit=25,
            )["Items"]
        ],
        "PutItem": lambda: client.put_item(
            TableName="bench",
            Item=serialised(PLAIN),
            ConditionExpression="attribute_not_exists(pk)",
        ),
    }


def store_work() -> dict[str, Work]:
    """The same calls through chalicelib.aws.table with production settings."""
    from chalicelib.aws.clients import client
    from chalicelib.aws.table import Query, Table
    from chalicelib.aws.writes import Put

    table = Table(client("dynamodb"), "bench")
    return {
        "GetItem": lambda: table.get(KEY),
        "Query of 25": lambda: table.query(Query(KEY[0], limit=25)),
        "PutItem": lambda: table.write(Put(PLAIN)),
    }


def cpu_us(work: Work) -> Callable[[], float]:
    """Measure the CPU of one call, averaged over many."""

    def run() -> float:
        started = time.process_time()
        for _ in range(CALLS):
            work()
        return (time.process_time() - started) / CALLS * 1e6

    return run


def main() -> int:
    """Compare both ways, call by call, interleaved."""
    with stub() as endpoint:
        os.environ |= {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
        }
        import boto3

        raw, ours = raw_work(boto3.client("dynamodb")), store_work()
        figures = []
        for call in raw:
            taken = interleaved({"raw": cpu_us(raw[call]), "ours": cpu_us(ours[call])}, ROUNDS)
            spent = statistics.median(taken["ours"])
            figures += [
                Figure("B7", f"{call}, store", spent, None, "us"),
                Figure(
                    "B7", f"{call} beside the raw client", ratio(taken["ours"], taken["raw"]), 1.0
                ),
            ]
    return report(figures)


if __name__ == "__main__":
    sys.exit(main())
