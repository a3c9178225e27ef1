"""Ten thousand notification messages, one in twenty of them poison, through the mail consumer.

    python -m bench.ten_thousand [COUNT]

The consumer is the deployed code; queue, table and mail provider stand in this process and the
queue behaves as SQS does: a failed message comes back, at most five times. Printed: effects,
dead letters with their causes, what was lost, and how often good messages were tried.
"""

import json
import os
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chalicelib.aws.queues import Queues
from chalicelib.edge.messages import Consumed, Message, consume
from chalicelib.notifications.service import Message as Mail
from chalicelib.notifications.service import take_mail
from chalicelib.notifications.wiring import email_deps
from tests.cloud import STAGE, bare_client, cloud
from tests.integration.notifications.shop import a_user, an_event

POISON_SHARE = 0.05
BATCH = 5
RECEIVES_MAX = 5


@dataclass
class Outside:
    """The mail provider and the queue's control plane, counted."""

    sent: Counter[str] = field(default_factory=Counter)
    parked: list[Mapping[str, str]] = field(default_factory=list)

    def may_send(self, now: datetime) -> bool:
        """Mail has no allowance."""
        del now
        return True

    def send(self, message: Mail, address: str | None) -> None:
        """Take a mail."""
        del address
        self.sent[message.delivery.event_id] += 1


class Queue(Queues):
    """The queue's control plane: parks poison, and need not delay anything."""

    def __init__(self, outside: Outside) -> None:
        super().__init__(None, str)
        self._outside = outside

    def send(
        self,
        queue: str,
        body: str | Mapping[str, Any],
        attributes: Mapping[str, str] | None = None,
        delay_s: int = 0,
    ) -> None:
        """Park a message."""
        del queue, body, delay_s
        self._outside.parked.append(attributes or {})

    def hide(self, queue: str, receipt: str, seconds: int) -> None:
        """Come back at once."""


def main() -> int:
    """Run and judge; 1 if a message was lost, told twice or died without a cause."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with cloud():
        # A transaction of the emulator copies the whole table, so no sandbox copies are kept.
        os.environ["SOUK_SANDBOX"] = "off"
        return _run(count, random.Random(4127))


def _run(count: int, seeded: random.Random) -> int:
    outside, bodies = Outside(), _messages(count, seeded)
    deps = replace(email_deps(), carrier=outside)

    def take(message: Message) -> None:
        take_mail(message.json(), message.event, deps)

    queue = deque((number, body, 1) for number, body in enumerate(bodies))
    tried: Counter[int] = Counter()
    started = time.perf_counter()
    while queue:
        batch = [queue.popleft() for _ in range(min(BATCH, len(queue)))]
        tried.update(number for number, _, _ in batch)
        records = {"Records": [_record(*one) for one in batch]}
        reply = consume(records, take, Consumed("email", RECEIVES_MAX), Queue(outside))
        failed = {one["itemIdentifier"] for one in reply["batchItemFailures"]}
        queue.extend((n, body, receives + 1) for n, body, receives in batch if f"m-{n}" in failed)
    return _judge(bodies, outside, tried, time.perf_counter() - started)


def _judge(bodies: list[str], outside: Outside, tried: Counter[int], seconds: float) -> int:
    poison = [number for number, body in enumerate(bodies) if "Invented" in body]
    good = [number for number in range(len(bodies)) if number not in set(poison)]
    causes = Counter(one["cause"].partition(":")[0] for one in outside.parked)
    effects = _effects()
    print(f"messages {len(bodies)}, poison {len(poison)}, {seconds:.0f} s")
    print(f"effects once {effects['SENT']} of {len(good)}, mails {outside.sent.total()}")
    print(f"dead letters {len(outside.parked)}, causes {dict(causes)}")
    lost = len(bodies) - effects["SENT"] - len(outside.parked)
    again = sum(tried[number] > 1 for number in good)
    print(f"lost {lost}, good messages tried more than once {again}")
    is_fine = effects["SENT"] == len(good) == outside.sent.total()
    is_fine &= len(outside.parked) == len(poison) and set(causes) == {"UnknownEvent"}
    return 0 if is_fine and lost == 0 and again == 0 else 1


def _effects() -> Counter[str]:
    pages = bare_client("dynamodb").get_paginator("scan").paginate(TableName=f"souk-{STAGE}-core")
    rows = (row for page in pages for row in page["Items"])
    return Counter(row["status"]["S"] for row in rows if row["pk"]["S"].startswith("NLOG#"))


def _messages(count: int, seeded: random.Random) -> list[str]:
    a_user()
    poison = set(seeded.sample(range(count), round(count * POISON_SHARE)))
    bodies = []
    for number in range(count):
        event = an_event("PasswordChanged", version=number + 1)
        told = {"source": "souk.users", "detail-type": event.type.name, "detail": event.detail()}
        if number in poison:
            told["detail-type"] = seeded.choice(["Invented", "Invented2"])
        bodies.append(json.dumps(told))
    return bodies


def _record(number: int, body: str, receives: int) -> dict[str, Any]:
    return {
        "messageId": f"m-{number}",
        "receiptHandle": "r",
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(receives)},
        "messageAttributes": {},
    }


if __name__ == "__main__":
    sys.exit(main())
