"""The whole environment as one frozen, validated object; the only reader of os.environ."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_SWITCH: Final = ("on", "off")


class SettingsInvalid(RuntimeError):
    """The environment lacks a value or holds one that is not allowed."""


class _Environment:
    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name) or default

    def number(self, name: str, default: int, *, least: int = 0) -> int:
        written = self.text(name, str(default))
        if not written.isdecimal() or int(written) < least:
            raise SettingsInvalid(f"{name} must be a whole number of at least {least}")
        return int(written)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        chosen = self.text(name, default)
        if chosen not in allowed:
            raise SettingsInvalid(f"{name} must be one of {', '.join(allowed)}")
        return chosen

    def several(self, name: str) -> tuple[str, ...]:
        return tuple(word for word in self.text(name).replace(",", " ").split() if word)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment may choose (domain rule 1.8), and the names that follow from it."""

    stage: str
    region: str
    account: str
    partition: str
    function: str
    queue_url_prefix: str
    endpoint_url: str
    ca_bundle: str
    version: str
    log_level: str
    is_tracing: bool
    validates_calls: bool
    shop_currency: str
    shipping_fee: int
    free_shipping_from: int
    review_above: int
    review_timeout_s: int
    action_timeout_s: int
    resolve_wait_s: int
    authorizer_ttl_s: int
    rate_scale: int
    staff_mfa_required: bool
    is_sandbox: bool
    sms_daily_cap: int
    allowed_origins: tuple[str, ...]
    public_base_url: str
    media_base_url: str
    socket_base_url: str
    mail_from: str
    report_recipients: tuple[str, ...]

    def name(self, resource: str) -> str:
        """The deployed name of a table, queue, bus, topic or workflow: souk-<stage>-<resource>."""
        return f"souk-{self.stage}-{resource}"

    @property
    def core_table(self) -> str:
        """The table of everything but live connections and conversations."""
        return self.name("core")

    @property
    def live_table(self) -> str:
        """The table of connections, topics and conversations."""
        return self.name("live")

    @property
    def bus(self) -> str:
        """The event bus."""
        return f"souk-{self.stage}"

    @property
    def uploads_bucket(self) -> str:
        """The private quarantine of uploaded originals."""
        return f"souk-{self.stage}-uploads-{self.account}"

    @property
    def media_bucket(self) -> str:
        """The public home of renditions."""
        return f"souk-{self.stage}-media-{self.account}"

    def queue_url(self, queue: str) -> str:
        """The URL of a queue of this stage."""
        return self.queue_url_prefix + self.name(queue)

    def workflow_arn(self, workflow: str) -> str:
        """The ARN of a state machine of this stage; no `Ref`, which would make a cycle."""
        return self._arn("states", f"stateMachine:{self.name(workflow)}")

    def execution_arn(self, workflow: str, execution: str) -> str:
        """The ARN of one run of a state machine."""
        return self._arn("states", f"execution:{self.name(workflow)}:{execution}")

    def topic_arn(self, topic: str) -> str:
        """The ARN of a topic of this stage."""
        return self._arn("sns", self.name(topic))

    def platform_application_arn(self, platform: str) -> str:
        """The ARN of the application that pushes to one platform (APNS, GCM)."""
        return self._arn("sns", f"app/{platform}/souk-{self.stage}")

    def secret_id(self, secret: str) -> str:
        """The name of a secret of this stage."""
        return f"souk/{self.stage}/{secret}"

    def _arn(self, service: str, tail: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{tail}"


def read_settings(values: Mapping[str, str]) -> Settings:
    """Settings from an environment; SettingsInvalid names the first value that is not allowed."""
    env = _Environment(values)
    stage = env.text("SOUK_STAGE", "local")
    region = env.text("AWS_REGION", env.text("AWS_DEFAULT_REGION", "us-east-1"))
    account = env.text("SOUK_ACCOUNT", "000000000000")
    default_prefix = f"https://sqs.{region}.amazonaws.com/{account}/"
    return Settings(
        stage=stage,
        region=region,
        account=account,
        partition=env.text("SOUK_PARTITION", "aws"),
        function=env.text("AWS_LAMBDA_FUNCTION_NAME", "souk").removeprefix(f"souk-{stage}-"),
        queue_url_prefix=env.text("SOUK_QUEUE_URL_PREFIX", default_prefix),
        endpoint_url=env.text("AWS_ENDPOINT_URL"),
        ca_bundle=env.text("AWS_CA_BUNDLE"),
        version=env.text("SOUK_VERSION", "0.1.0"),
        log_level=env.choice("SOUK_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        is_tracing=env.choice("SOUK_TRACING", "off", _SWITCH) == "on",
        validates_calls=env.choice("SOUK_VALIDATE_CALLS", "off", _SWITCH) == "on",
        shop_currency=env.text("SOUK_SHOP_CURRENCY", "EUR"),
        shipping_fee=env.number("SOUK_SHIPPING_FEE", 500),
        free_shipping_from=env.number("SOUK_FREE_SHIPPING_FROM", 5000),
        review_above=env.number("SOUK_REVIEW_ABOVE", 100_000),
        review_timeout_s=env.number("SOUK_REVIEW_TIMEOUT_SECONDS", 86_400, least=1),
        action_timeout_s=env.number("SOUK_ACTION_TIMEOUT_SECONDS", 900, least=1),
        resolve_wait_s=env.number("SOUK_RESOLVE_WAIT_SECONDS", 5),
        authorizer_ttl_s=env.number("SOUK_AUTHORIZER_TTL_SECONDS", 60),
        rate_scale=env.number("SOUK_RATE_SCALE", 1, least=1),
        staff_mfa_required=env.choice("SOUK_STAFF_MFA", "required", ("required", "optional"))
        == "required",
        is_sandbox=env.choice("SOUK_SANDBOX", "off", _SWITCH) == "on",
        sms_daily_cap=env.number("SOUK_SMS_DAILY_CAP", 100),
        allowed_origins=env.several("SOUK_ALLOWED_ORIGINS"),
        public_base_url=env.text("SOUK_PUBLIC_BASE_URL").rstrip("/"),
        media_base_url=env.text("SOUK_MEDIA_BASE_URL").rstrip("/"),
        socket_base_url=env.text("SOUK_SOCKET_BASE_URL").rstrip("/"),
        mail_from=env.text("SOUK_MAIL_FROM"),
        report_recipients=env.several("SOUK_REPORT_RECIPIENTS"),
    )


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return read_settings(os.environ)


def core_stream_arn() -> str:
    """The stream of the core table; decorators need an ARN before a stack exists."""
    return os.environ.get("SOUK_CORE_STREAM_ARN", _harmless_stream("core"))


def live_stream_arn() -> str:
    """The stream of the live table; decorators need an ARN before a stack exists."""
    return os.environ.get("SOUK_LIVE_STREAM_ARN", _harmless_stream("live"))


def is_template_wired() -> bool:
    """Whether the merge template wires the buckets: only it can under `chalice package`."""
    return os.environ.get("S3_WIRING") == "template"


def _harmless_stream(table: str) -> str:
    name = settings().name(table)
    return f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}/stream/unset"
