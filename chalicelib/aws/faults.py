"""Turns a failing AWS call into `Unavailable`, the one fact every caller understands."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.kernel.errors import Unavailable


@contextmanager
def unavailable_on_failure() -> Iterator[None]:
    """Whatever AWS answers with but success is `Unavailable`; its cause stays attached."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise Unavailable from error
