"""The providers of the channels: SES for mail, SNS for text messages and push.

None of them takes an idempotency key, so each call is made once; what happened to it is told
as sent, refused (surely not sent) or in doubt.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
)

from chalicelib.notifications.service import Message, SendingInDoubt, SendingRefused

ATTEMPTS: Final = 1
RECIPIENT_TAG: Final = "recipient_key"
_SERVER_FAULT: Final = 500


@contextmanager
def _told_apart() -> Iterator[None]:
    """A refusal is told by its code alone: the provider's sentences quote addresses."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_FAULT)
        if status >= _SERVER_FAULT:
            raise SendingInDoubt from error
        raise SendingRefused(f"refused by the provider: {code}") from error
    except (ConnectTimeoutError, EndpointConnectionError) as error:
        raise SendingRefused("the provider was not reached") from error
    except BotoCoreError as error:
        raise SendingInDoubt from error


class SesMail:
    """E-mail by SES; every mail is tagged with its recipient_key for bounces and complaints."""

    def __init__(self, sesv2: Any, sender: str, configuration_set: str) -> None:
        """`sesv2` is a botocore client (Any: botocore builds classes at run time)."""
        self._sesv2 = sesv2
        self._sender = sender
        self._configuration_set = configuration_set

    def may_send(self, now: datetime) -> bool:  # noqa: ARG002 - the port's signature
        """Mail has no allowance of ours."""
        return True

    def send(self, message: Message, address: str | None) -> None:
        """Send one mail to all its addresses."""
        if not self._sender:
            raise SendingRefused("MailFrom is not set")
        recipients = [address] if address else list(message.addresses)
        tags = {
            RECIPIENT_TAG: message.delivery.recipient_key,
            "template": message.delivery.template,
        }
        with _told_apart():
            self._sesv2.send_email(
                FromEmailAddress=f"Souk <{self._sender}>",
                Destination={"ToAddresses": recipients},
                Content={"Simple": _content(message)},
                EmailTags=[{"Name": name, "Value": value} for name, value in tags.items()],
                ConfigurationSetName=self._configuration_set,
            )


def _content(message: Message) -> dict[str, Any]:
    content: dict[str, Any] = {
        "Subject": {"Data": message.subject, "Charset": "UTF-8"},
        "Body": {
            "Text": {"Data": message.text, "Charset": "UTF-8"},
            "Html": {"Data": message.html, "Charset": "UTF-8"},
        },
    }
    if message.headers:
        content["Headers"] = [
            {"Name": name, "Value": value} for name, value in message.headers.items()
        ]
    return content
