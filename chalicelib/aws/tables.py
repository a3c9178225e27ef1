"""The two tables of this process, each made on first use."""

from functools import lru_cache

from chalicelib.aws.clients import client
from chalicelib.aws.settings import settings
from chalicelib.aws.table import Table


@lru_cache(maxsize=1)
def core_table() -> Table:
    """The table of everything but live connections and conversations."""
    return Table(client("dynamodb"), settings().core_table)


@lru_cache(maxsize=1)
def live_table() -> Table:
    """The table of connections, topics and conversations."""
    return Table(client("dynamodb"), settings().live_table)
