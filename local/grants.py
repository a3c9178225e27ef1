"""Which grants are really used: the engine notes every statement that let a function's call pass.

A grant that nothing uses is a right that an attacker may use; `python -m local grants` lists them
for what the running shop was asked so far.
"""

from __future__ import annotations

import inspect
import json
import re
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

from local.worker_patches import UnknownEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "grants.jsonl"
SIGNATURE = ["ctx", "policies", "limits"]
ROLE = re.compile(r"assumed-role/souk-[a-z]+-([A-Za-z]+)Role-[0-9A-F]+(?:/|$)")


# What the platform does on a function's behalf: write its logs and traces, read its trigger.
PLATFORM = re.compile(
    r"logs:|xray:|sqs:(ReceiveMessage|DeleteMessage|ChangeMessageVisibility)$"
    r"|dynamodb:(DescribeStream|GetRecords|GetShardIterator|ListStreams)$"
)
POLLS = "sqs:ReceiveMessage"


class Grant(NamedTuple):
    """One action of one statement of one function's policy."""

    function: str
    sid: str
    action: str


def install(evaluator: Any, file: Path) -> None:
    """Note each grant once, in `file`, as it is first used; or raise UnknownEngine."""
    original = getattr(evaluator, "evaluate", None)
    found = list(inspect.signature(original).parameters) if callable(original) else []
    if original is None or found != SIGNATURE:
        raise UnknownEngine(f"MiniStack's evaluate takes {found}, expected {SIGNATURE}")
    file.parent.mkdir(parents=True, exist_ok=True)
    known = set(used(file))

    @wraps(original)
    def evaluate(ctx: Any, policies: Any, *limits: Any) -> Any:
        result = original(ctx, policies, *limits)
        role = ROLE.search(ctx.principal_arn)
        if role and result.decision == "Allow" and result.matched_sid:
            grant = Grant(_snake(role[1]), result.matched_sid, ctx.action)
            if grant not in known:
                known.add(grant)
                with file.open("a") as written:
                    written.write(json.dumps(grant) + "\n")
        return result

    evaluator.evaluate = evaluate


def used(file: Path) -> Iterator[Grant]:
    """The grants noted so far; a line that a crash cut short is passed over."""
    if not file.exists():
        return
    for line in file.read_text().splitlines():
        try:
            yield Grant(*json.loads(line))
        except ValueError:
            continue


def given(policies: Path) -> Iterator[Grant]:
    """Every grant of the policy files, one a function, but for what the platform uses."""
    for file in sorted(policies.glob("*.json")):
        for statement in json.loads(file.read_text())["Statement"]:
            polled = {"sqs:GetQueueAttributes"} if POLLS in statement["Action"] else set()
            for action in statement["Action"]:
                if not PLATFORM.match(action) and action not in polled:
                    yield Grant(file.stem, statement["Sid"], action)


def unused(policies: Path, file: Path) -> list[Grant]:
    """What is given and was not used so far."""
    return sorted(set(given(policies)) - set(used(file)))


def _snake(pascal: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", pascal).lower()
