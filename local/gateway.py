"""A stable URL for the REST API of an instance.

The embedded AWS gives the REST API a new id whenever a route changes, and everything that was told
the old URL would break. API Gateway's own answer is a custom domain with a base path mapping; the
embedded one resolves such a domain by the Host header, and 127.0.0.1 is as good a name as another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.instance import Instance

DOMAIN = "127.0.0.1"
API_STAGE = "v1"


def api_url(instance: Instance) -> str:
    """The prefix to which a route is appended; it depends on nothing but the port."""
    return f"{instance.endpoint}/{API_STAGE}"


def socket_base_url(instance: Instance) -> str:
    """The prefix to which the id of the socket API and its stage are appended."""
    return f"ws://{DOMAIN}:{instance.port}/_aws/execute-api"


def websocket_url(instance: Instance, api_id: str) -> str:
    """Where sockets connect."""
    return f"{socket_base_url(instance)}/{api_id}/{API_STAGE}"


def map_api(client: Any, rest_api_id: str) -> None:
    """Let `api_url` lead to this REST API from now on."""
    domains = client.get_domain_names()["items"]
    if DOMAIN not in {entry["domainName"] for entry in domains}:
        client.create_domain_name(domainName=DOMAIN)
    mappings = client.get_base_path_mappings(domainName=DOMAIN)["items"]
    for mapping in mappings:
        if mapping["basePath"] == API_STAGE and mapping["restApiId"] == rest_api_id:
            return
    # The embedded API Gateway replaces a mapping of the same path, so there is no gap.
    client.create_base_path_mapping(
        domainName=DOMAIN, basePath=API_STAGE, restApiId=rest_api_id, stage=API_STAGE
    )
