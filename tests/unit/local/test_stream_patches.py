"""The stream patch by itself."""

from types import SimpleNamespace

import pytest

from local import stream_patches
from local.worker_patches import UnknownEngine


def test_positions_in_a_lost_stream_are_forgotten() -> None:
    """All that was saved comes back, but for how far a stream that is gone had been read."""
    loaded: list[dict[str, object]] = []
    service = SimpleNamespace(
        load_persisted_state=loaded.append, _dynamodb_stream_positions={"mapping": 538}
    )
    stream_patches.install(service)
    service.load_persisted_state({"esms": {"mapping": 1}, "dynamodb_stream_positions": {"a": 538}})
    assert loaded == [{"esms": {"mapping": 1}}]


def test_an_unknown_engine_is_refused() -> None:
    """Another release must be looked at before it is patched."""
    with pytest.raises(UnknownEngine, match="stream positions"):
        stream_patches.install(SimpleNamespace())
