"""Souk's loader of service models finds what the SDK's own finds, with less looking."""

import botocore
import botocore.session
import pytest
from botocore.exceptions import DataNotFoundError

from chalicelib.aws.clients import client
from chalicelib.aws.service_models import service_models
from tools.sdk_data import services_in_use


@pytest.mark.parametrize("service", sorted(services_in_use()))
def test_the_model_of_a_service_is_the_sdk_s(service: str) -> None:
    """The same newest version of every service that Souk calls."""
    loader = botocore.session.get_session().get_component("data_loader")
    assert service_models(None).load_service_model(
        service, "service-2"
    ) == loader.load_service_model(service, "service-2")


def test_a_service_that_is_not_there_is_said_to_be_missing() -> None:
    """An unknown service, and a service without waiters, are the errors that the SDK expects."""
    found = service_models(None)
    with pytest.raises(DataNotFoundError):
        found.load_service_model("teapots", "service-2")
    with pytest.raises(DataNotFoundError):
        found.load_service_model("sqs", "waiters-2")


def test_every_client_of_a_process_uses_it() -> None:
    """The session that clients come from carries the loader."""
    assert type(client("sqs")._loader).__name__ == "ServiceModels"


def test_every_client_tells_who_calls_and_with_what() -> None:
    """The user agent names the SDK with its version, and the shop."""
    agent = client("sqs").meta.config.user_agent
    assert agent.startswith(f"Botocore/{botocore.__version__} ")
    assert agent.endswith(" app/souk")
