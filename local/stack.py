"""One running Souk: the embedded AWS, the deployed template, and what a client needs to know."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config

from local import gateway, mail_page, stage
from local.deploy import Deployer
from local.engine_process import CREDENTIALS, REGION, EngineProcess
from local.failures import NotAnswering
from local.instance import ROOT
from local.package import Package, Packager
from local.progress import Silence

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from local.deploy import Deployed
    from local.instance import Instance
    from local.progress import Progress

ANSWER_MAX_S = 20.0


class Stack:
    """Start it, use `info` and `client`, stop it; or use it in a `with` block."""

    def __init__(
        self,
        instance: Instance,
        *,
        progress: Progress | None = None,
        source: Path = ROOT,
        persist: bool = True,
        overrides: Mapping[str, str] | None = None,
    ) -> None:
        """`overrides` replaces template parameters; without `persist` nothing outlives a stop."""
        self.instance = instance
        self.source = source
        self.info: dict[str, Any] = {}  # what stack.json holds
        self._progress = progress or Silence()
        self._parameters = stage.parameters(instance, source) | dict(overrides or {})
        self._engine = EngineProcess(instance, persist=persist)
        self._packager = Packager(source, instance.build_dir)
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def start(self) -> dict[str, Any]:
        """Start and deploy; returns what stack.json will hold, once the API answers."""
        progress = self._progress
        descriptor = self._held.enter_context(self.instance.locked("run"))
        try:
            # Left behind by a kill -9: nothing answers there any more.
            self.instance.stack_file.unlink(missing_ok=True)
            self.instance.require_free_port()
            self.instance.require_readable_state()
            with progress.step("start the embedded AWS"):
                self._engine.start(descriptor)
                self._packager.start()
                self._engine.wait_until_ready()
            with progress.step("package the app as for AWS"):
                package = self._packager.package()
            with progress.step("deploy the template"):
                deployed = self._deploy(package)
            with progress.step("wait until the API answers"):
                self._wait_for_answers()
            contract = gateway.api_url(self.instance) + "/openapi.json"
            is_served = self._answer("/openapi.json")[0] == HTTPStatus.OK
            self.info = self._describe(deployed) | {"openapi_url": contract if is_served else None}
        except BaseException:
            self.stop()
            raise
        return self.info

    @property
    def is_started(self) -> bool:
        """There is something to stop."""
        return self._engine.pid != 0

    def announce(self) -> None:
        """Write stack.json, whole or not at all; call it when everything is there."""
        draft = self.instance.stack_file.with_suffix(".draft")
        draft.write_text(json.dumps(self.info, indent=2) + "\n")
        draft.replace(self.instance.stack_file)

    def stop(self) -> None:
        """End everything that this stack started; harmless when it never started."""
        if self.is_started:
            self.instance.stack_file.unlink(missing_ok=True)
        self._packager.stop()
        self._engine.stop()
        self._held.close()

    def require_alive(self) -> None:
        """Raise EngineStopped if the embedded AWS has ended by itself."""
        self._engine.require_alive()

    def reload(self) -> bool:
        """Package and deploy what the files say now; False if that is what runs already."""
        deployed = self._deploy(self._packager.package())
        if deployed.changed:
            # The contract's URL stays; to ask for it would wait for a cold start of the new code.
            kept = {name: self.info[name] for name in ("started_at", "openapi_url")}
            self.info = self._describe(deployed) | kept
            self.announce()
        return deployed.changed

    def client(self, service: str) -> Any:
        """A boto3 client of the embedded AWS, with all rights."""
        return client(self.instance.endpoint, service)

    def _deploy(self, package: Package) -> Deployed:
        deployed = Deployer(self.client, self.instance.endpoint).deploy(package, self._parameters)
        gateway.map_api(self.client("apigateway"), deployed.outputs["RestAPIId"])
        # On AWS the owner of the domain does this by hand, once.
        self.client("ses").verify_email_identity(EmailAddress=self._parameters["MailFrom"])
        for platform in ("APNS", "GCM"):
            # They hold credentials of Apple and Google, so no template makes them.
            self.client("sns").create_platform_application(
                Name="souk-local", Platform=platform, Attributes={"PlatformCredential": "local"}
            )
        return deployed

    def _wait_for_answers(self) -> None:
        """Health needs the API function alone, ready also its tables and secrets."""
        end = time.monotonic() + ANSWER_MAX_S
        while True:
            answers = {path: self._answer(path) for path in ("/health", "/ready")}
            if all(status == HTTPStatus.OK for status, _ in answers.values()):
                return
            self._engine.require_alive()
            if time.monotonic() > end:
                detail = "\n".join(
                    f"GET {path}: {status} {text}" for path, (status, text) in answers.items()
                )
                raise NotAnswering(
                    "The template is deployed, but the API does not answer; "
                    "`python -m local logs api_handler` of a running stack shows why:",
                    detail,
                )
            time.sleep(0.1)

    def _answer(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(  # noqa: S310  (our own loopback URL)
                gateway.api_url(self.instance) + path, timeout=ANSWER_MAX_S
            ) as reply:
                return reply.status, ""
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read(2000).decode(errors="replace")
        except OSError as fault:
            return 0, str(fault)

    def _describe(self, deployed: Deployed) -> dict[str, Any]:
        tables = deployed.physical_ids("AWS::DynamoDB::Table")
        buses = deployed.physical_ids("AWS::Events::EventBus")
        socket_api = deployed.outputs.get("WebsocketAPIId")
        api = gateway.api_url(self.instance)
        return {
            "aws_endpoint": self.instance.endpoint,
            "region": REGION,
            "account": stage.ACCOUNT,
            "stage": "local",
            "api_url": api,
            "websocket_url": socket_api and gateway.websocket_url(self.instance, socket_api),
            "web_url": None,
            "docs_url": None,
            "openapi_url": None,
            "mail_url": mail_page.publish(self.client("s3"), self.instance.endpoint),
            "logins": stage.logins(),
            "tables": {
                "core": "souk-local-core" if "souk-local-core" in tables else None,
                "live": "souk-local-live" if "souk-local-live" in tables else None,
            },
            "bus": buses[0] if buses else None,
            "started_at": datetime.now(UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
        }


def client(endpoint: str, service: str) -> Any:
    """A boto3 client of one service of the embedded AWS at `endpoint`, with all rights."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        # A Lambda may run for a minute; a second try would run it twice.
        config=Config(read_timeout=90, retries={"total_max_attempts": 1}, inject_host_prefix=False),
    )


def running_stack(instance: Instance) -> dict[str, Any] | None:
    """What stack.json of this folder says, if its stack is still running."""
    if not instance.is_held():
        return None
    with contextlib.suppress(OSError, ValueError):
        written: dict[str, Any] = json.loads(instance.stack_file.read_text())
        return written
    return None
