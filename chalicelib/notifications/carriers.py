"""The providers of the channels: SES for mail, SNS for text messages and push.

None of them takes an idempotency key, so each call is made once; what happened to it is told
as sent, refused (surely not sent) or in doubt.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Protocol

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
)

from chalicelib.aws.rates import RateLimiter, RateRule
from chalicelib.kernel.errors import RateLimited
from chalicelib.notifications.service import (
    SMS_WINDOW_S,
    Message,
    SendingInDoubt,
    SendingRefused,
)
from chalicelib.users.possessions import Device

ATTEMPTS: Final = 1
RECIPIENT_TAG: Final = "recipient_key"
SWITCHED_OFF: Final = "EndpointDisabled"
PLATFORMS: Final = MappingProxyType({"ios": "APNS", "android": "GCM", "web": "GCM"})
_KNOWN_ENDPOINT: Final = re.compile(r"[Ee]ndpoint (arn:\S+) already exists")
_TRANSACTIONAL: Final = MappingProxyType({"DataType": "String", "StringValue": "Transactional"})
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


class Allowance:
    """How many messages a UTC day may carry."""

    def __init__(self, limiter: RateLimiter, daily_max: int) -> None:
        self._limiter = limiter
        self._rule = RateRule("sms-daily", daily_max, SMS_WINDOW_S, is_volume=False)

    def take(self, now: datetime) -> bool:
        """Count one more; False if the day is used up."""
        try:
            self._limiter.count(self._rule, "all", now)
        except RateLimited:
            return False
        return True


class SnsText:
    """Text messages by SNS, at most so many a UTC day."""

    def __init__(self, sns: Any, allowance: Allowance) -> None:
        """`sns` is a botocore client (Any: botocore builds classes at run time)."""
        self._sns = sns
        self._allowance = allowance

    def may_send(self, now: datetime) -> bool:
        """Whether the day's allowance is not used up; counts this message."""
        return self._allowance.take(now)

    def send(self, message: Message, address: str | None) -> None:
        """Send one text message."""
        for number in (address,) if address else message.addresses:
            with _told_apart():
                self._sns.publish(
                    PhoneNumber=number,
                    Message=message.text.strip(),
                    MessageAttributes={"AWS.SNS.SMS.SMSType": dict(_TRANSACTIONAL)},
                )


class Devices(Protocol):
    """The devices that take push messages."""

    def devices_of(self, user_id: str) -> Sequence[Device]:
        """The devices of a user."""
        ...


class SnsPush:
    """Push messages by SNS, one endpoint for each device.

    The platform applications hold credentials of Apple and Google and are made by hand, named
    like the stage (docs/runbook); browsers are reached through Google's.
    """

    def __init__(self, sns: Any, devices: Devices, application: Callable[[str], str]) -> None:
        """`application` names the platform application of a platform.

        `sns` is a botocore client (Any: botocore builds classes at run time).
        """
        self._sns = sns
        self._devices = devices
        self._application = application

    def may_send(self, now: datetime) -> bool:  # noqa: ARG002 - the port's signature
        """Push has no allowance of ours."""
        return True

    def send(self, message: Message, address: str | None) -> None:
        """Send to one device; one that is gone or switched off is passed over."""
        devices = {device.id: device for device in self._devices.devices_of(_user_of(message))}
        device = devices.get(address or "")
        if device is None:
            return
        platform = PLATFORMS[device.platform]
        try:
            with _told_apart():
                self._sns.publish(
                    TargetArn=self._endpoint(platform, device.token),
                    MessageStructure="json",
                    Message=_payload(platform, message),
                )
        except SendingRefused as refusal:
            if SWITCHED_OFF not in str(refusal):
                raise

    def _endpoint(self, platform: str, token: str) -> str:
        try:
            reply = self._sns.create_platform_endpoint(
                PlatformApplicationArn=self._application(platform), Token=token
            )
        except ClientError as error:
            # An endpoint with other attributes, such as one that is switched off: SNS refuses to
            # make it again, and names it.
            known = _KNOWN_ENDPOINT.search(str(error.response.get("Error", {}).get("Message")))
            if known is None:
                raise
            return known[1]
        return str(reply["EndpointArn"])


def _user_of(message: Message) -> str:
    return message.delivery.recipient_key


def _payload(platform: str, message: Message) -> str:
    title, body = message.subject, message.text.strip()
    told: dict[str, Any]
    if platform == "APNS":
        told = {"aps": {"alert": {"title": title, "body": body}}}
    else:
        told = {"notification": {"title": title, "body": body}}
    return json.dumps({"default": body, platform: json.dumps(told, ensure_ascii=False)})
