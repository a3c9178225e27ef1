"""P5, streams after a restart: MiniStack keeps how far a function has read, but not the stream.

A table's records are gone when the engine ends, and the next ones are counted from zero. With the
old position the function would hear nothing until as many records have been written again. Without
it reading starts at the oldest record there is, as the stream's TRIM_HORIZON asks.
"""

from functools import wraps
from typing import Any

from local.worker_patches import UnknownEngine

POSITIONS = "dynamodb_stream_positions"


def install(lambda_service: Any) -> None:
    """Put P5 into MiniStack's module of Lambda, or raise UnknownEngine."""
    original = getattr(lambda_service, "load_persisted_state", None)
    if original is None or not hasattr(lambda_service, f"_{POSITIONS}"):
        raise UnknownEngine("MiniStack no longer keeps stream positions where it did")

    @wraps(original)
    def load_persisted_state(saved: dict[str, Any]) -> None:
        original({name: kept for name, kept in saved.items() if name != POSITIONS})

    lambda_service.load_persisted_state = load_persisted_state
