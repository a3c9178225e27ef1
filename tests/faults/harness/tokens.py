"""`ClientRequestToken` as DynamoDB honours it, which the in-process emulator does not."""

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

REMEMBERED_S = 600


class RequestTokens:
    """Answers a repeated transaction from memory while its token lives."""

    def __init__(self, *, honoured: bool) -> None:
        self._honoured = honoured
        self._answers: dict[str, tuple[float, str, Any]] = {}

    def answer(
        self,
        operation: str,
        parameters: dict[str, Any] | None,
        through: Callable[[], Any],
        is_success: Callable[[Any], bool],
    ) -> Any:
        """The remembered reply of this token, or the reply of `through`, remembered if good."""
        token = (parameters or {}).get("ClientRequestToken")
        if not self._honoured or operation != "TransactWriteItems" or not token:
            return through()
        content = _fingerprint(parameters)
        known = self._answers.get(token)
        if known is not None and time.time() - known[0] < REMEMBERED_S:
            if known[1] != content:
                raise AssertionError(f"request token {token} was sent with different content")
            return known[2]
        reply = through()
        if is_success(reply):
            self._answers[token] = (time.time(), content, reply)
        return reply


def _fingerprint(parameters: dict[str, Any] | None) -> str:
    text = json.dumps(parameters, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()
