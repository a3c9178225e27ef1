"""B11: a message to a room of 1,000, hand-signed and kept alive, against the SDK with 32 threads.

A stub of the management API on the loopback answers each post after 5 ms. Both sides send the same
frame to the same connections in the same run, interleaved; wall time and CPU of this process count.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import boto3
from botocore.config import Config

from bench.measure import Figure, ratio, report

MEMBERS: Final = 1_000
THREADS: Final = 32
ROUNDS: Final = 5
FRAME: Final = {"v": 1, "type": "chat.message", "topic": "conv:x", "seq": 1, "data": "x" * 300}
STUB: Final = """
import asyncio, sys

REPLY = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: 0\\r\\n\\r\\n"

async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            lines = head.lower().split(b"\\r\\n")
            length = next((int(one[15:]) for one in lines if one.startswith(b"content-length:")), 0)
            if length:
                await reader.readexactly(length)
            await asyncio.sleep(0.005)
            writer.write(REPLY)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "SOUK_STAGE": "local",
}

Run = Callable[[], None]


def our_way(pool: ThreadPoolExecutor) -> Run:
    """The fan-out's own poster: hashed once, signed for each connection."""
    from chalicelib.live.front import poster
    from chalicelib.live.records import Payload

    sender = poster()

    def run() -> None:
        payload = Payload.of(FRAME)
        outcomes = pool.map(
            lambda n: sender.post("api.example/v1", f"conn{n:06d}=", payload), range(MEMBERS)
        )
        assert {str(outcome) for outcome in outcomes} == {"delivered"}

    return run


def the_sdk_way(pool: ThreadPoolExecutor, endpoint: str) -> Run:
    """boto3 with as many kept connections as threads."""
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=f"{endpoint}/_aws/execute-api/api/v1",
        config=Config(max_pool_connections=THREADS),
    )
    import json

    def run() -> None:
        body = json.dumps(FRAME).encode()
        list(
            pool.map(
                lambda n: client.post_to_connection(ConnectionId=f"conn{n:06d}=", Data=body),
                range(MEMBERS),
            )
        )

    return run


def taken(run: Run) -> tuple[float, float]:
    """Wall milliseconds and CPU microseconds a message."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    run()
    wall_ms = (time.perf_counter() - started) * 1_000
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return wall_ms, cpu_s * 1e6 / MEMBERS


def main() -> int:
    """Measure both, interleaved."""
    stub = subprocess.Popen([sys.executable, "-c", STUB], stdout=subprocess.PIPE, text=True)
    try:
        assert stub.stdout is not None
        endpoint = f"http://127.0.0.1:{int(stub.stdout.readline())}"
        os.environ.update(CREDENTIALS, AWS_ENDPOINT_URL=endpoint)
        with ThreadPoolExecutor(THREADS) as pool:
            ways = {"ours": our_way(pool), "sdk": the_sdk_way(pool, endpoint)}
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
            for run in ways.values():
                run()
            for _ in range(ROUNDS):
                for name, run in ways.items():
                    found[name].append(taken(run))
    finally:
        stub.terminate()
        stub.wait()
    walls, cpus = ({name: [one[part] for one in found[name]] for name in found} for part in (0, 1))
    return report(
        [
            Figure("", "SDK, 32 threads, wall", statistics.median(walls["sdk"]), None, "ms"),
            Figure(
                "", "SDK, 32 threads, CPU a message", statistics.median(cpus["sdk"]), None, "us"
            ),
            Figure("", "ours, CPU a message", statistics.median(cpus["ours"]), None, "us"),
            Figure(
                "B11", "fan-out of 1,000, wall", ratio(walls["ours"], walls["sdk"]), 0.5, "x SDK"
            ),
            Figure("B11", "CPU a message", ratio(cpus["ours"], cpus["sdk"]), 0.25, "x SDK"),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
