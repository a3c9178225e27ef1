"""Cached service clients with explicit time-outs and retries, all from one session."""

from functools import lru_cache
from typing import Any, Final

import botocore.session
from botocore.config import Config

from chalicelib.aws.service_models import service_models
from chalicelib.aws.settings import settings

CONNECT_TIMEOUT_S: Final = 1
READ_TIMEOUT_S: Final = 3
ATTEMPTS: Final = 2
CONNECTIONS: Final = 16


@lru_cache(maxsize=1)
def _session() -> botocore.session.Session:
    session = botocore.session.get_session()
    found = service_models(session.get_config_variable("data_path"))
    session.register_component("data_loader", found)
    return session


@lru_cache(maxsize=32)
def client(
    service: str, endpoint_url: str | None = None, attempts: int = ATTEMPTS
) -> Any:  # Any: botocore builds classes
    """The client of `service`, made on first use and kept for the life of the process.

    Connect 1 s, read 3 s, two attempts: their sum stays below every function's time-out, and
    nothing above repeats a call blindly. Providers that take no key get one attempt, since the
    second could send again what the first has sent.
    """
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=CONNECTIONS,
        parameter_validation=settings().validates_calls,
        # Written once: left to itself the SDK puts it together again for each call.
        user_agent=f"{_session().user_agent()} app/souk",
        # Upload forms of old regions would still be signed by the withdrawn version 2.
        signature_version="s3v4" if service == "s3" else None,
        # Forms name the bucket's own regional host, unless a custom endpoint serves all buckets.
        s3={"addressing_style": "path" if settings().endpoint_url else "virtual"},
    )
    return _session().create_client(
        service, region_name=settings().region, endpoint_url=endpoint_url, config=config
    )


def credentials() -> Any:  # Any: botocore's read-only credentials
    """The keys of this function's role, as they are this moment."""
    return _session().get_credentials().get_frozen_credentials()
