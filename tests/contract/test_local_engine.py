"""The embedded AWS with our patches keeps what local/ relies on, whatever release is installed."""

import io
import json
import os
import signal
import socket
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local import gateway, mail_page, worker_patches
from local.engine_process import EngineProcess
from local.failures import EngineStopped
from local.instance import Instance
from local.stack import client

pytestmark = [pytest.mark.network, pytest.mark.filterwarnings("ignore::ResourceWarning")]

HANDLER = """
import logging, os, sys, time
class OutOfStock(Exception): pass
def handle(event, context):
    if "log" in event: logging.getLogger("shop").warning(event["log"])
    if "say" in event: sys.stderr.write(event["say"])
    time.sleep(event.get("sleep", 0))
    if "fail" in event: raise OutOfStock(event["fail"])
    if "exit" in event: sys.exit(event["exit"])
    return {"pid": os.getpid()}
"""


ASSUMED_BY_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
SOCKETS_OF_LINUX = Path("/proc/net/tcp")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(instance: Instance, *, persist: bool) -> Iterator[EngineProcess]:
    engine = EngineProcess(instance, persist=persist, settings={"LOCAL_SAVE_EVERY_S": "1"})
    with instance.locked("test") as descriptor:
        engine.start(descriptor)
        try:
            engine.wait_until_ready()
            yield engine
        finally:
            engine.stop()


class _Function:
    """One deployed handler."""

    def __init__(self, endpoint: str) -> None:
        self._client = client(endpoint, "lambda")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as contents:
            contents.writestr("shop.py", HANDLER)
        role = client(endpoint, "iam").create_role(
            RoleName="shop", AssumeRolePolicyDocument=json.dumps(ASSUMED_BY_LAMBDA)
        )
        self._client.create_function(
            FunctionName="shop",
            Runtime="python3.11",
            Role=role["Role"]["Arn"],
            Handler="shop.handle",
            Code={"ZipFile": archive.getvalue()},
            Timeout=20,
        )

    def call(self, **event: object) -> dict[str, Any]:
        """The reply with its decoded payload."""
        reply: dict[str, Any] = self._client.invoke(
            FunctionName="shop", Payload=json.dumps(event), LogType="Tail"
        )
        return reply | {"Payload": json.loads(reply["Payload"].read())}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """An instance with two processes a function."""
    return Instance(tmp_path_factory.mktemp("engine"), _free_port(), lambda_workers=2)


@pytest.fixture(scope="module")
def shop(instance: Instance) -> Iterator[_Function]:
    """The handler on a running engine."""
    with _running(instance, persist=False):
        yield _Function(instance.endpoint)


def test_installed_code_is_the_code_the_patches_know() -> None:
    """A new release of MiniStack fails here first."""
    worker_patches.require_signatures(lambda_runtime, lambda_svc)
    patched = worker_patches.patched_script(lambda_runtime._PYTHON_WORKER_SCRIPT)
    compile(patched, "worker", "exec")


def test_p1_an_exception_keeps_its_type_and_the_process(shop: _Function) -> None:
    """Catch and Retry of a workflow look at the class name."""
    before = shop.call()["Payload"]["pid"]
    failed = shop.call(fail="lamp")
    assert failed["FunctionError"] == "Unhandled"
    assert failed["Payload"]["errorType"] == "OutOfStock"
    assert failed["Payload"]["errorMessage"] == "lamp"
    assert "raise OutOfStock" in failed["Payload"]["stackTrace"][-1]
    assert shop.call()["Payload"]["pid"] == before


def test_p1_a_handler_that_exits_is_a_failed_call(shop: _Function) -> None:
    """Not a hanging one."""
    assert shop.call(exit=3)["Payload"]["errorType"] == "SystemExit"


def test_p2_a_silent_call_does_not_wait_for_logs(shop: _Function) -> None:
    """Stock waits 50 ms; the fastest of several is free of this machine's other work."""
    shop.call()
    times = []
    for _ in range(20):
        began = time.perf_counter()
        shop.call()
        times.append(time.perf_counter() - began)
    assert min(times) < 0.04


def test_p2_a_call_gets_its_own_log_lines(shop: _Function, instance: Instance) -> None:
    """Logged, printed, and unfinished ones."""
    shop.call(log="first")
    shop.call(say="unfinished")
    events = client(instance.endpoint, "logs").filter_log_events(logGroupName="/aws/lambda/shop")
    streams: dict[str, list[str]] = {}
    for event in events["events"]:
        streams.setdefault(event["logStreamName"], []).append(event["message"].strip())
    with_first = next(lines for lines in streams.values() if any("first" in it for it in lines))
    assert any(line.startswith("[WARNING]") and "first" in line for line in with_first)
    assert not any("unfinished" in line for line in with_first)
    assert any("unfinished" in lines for lines in streams.values())


def test_p3_concurrent_calls_share_bounded_processes(shop: _Function) -> None:
    """Nobody is throttled, and two processes answer them all."""
    with ThreadPoolExecutor(max_workers=10) as pool:
        replies = list(pool.map(lambda _: shop.call(sleep=0.1), range(10)))
    assert not any("FunctionError" in reply for reply in replies)
    assert len({reply["Payload"]["pid"] for reply in replies}) <= 2


def test_p4_a_mail_is_checked_on_the_senders_identity(shop: _Function, instance: Instance) -> None:
    """A role may send as one address and no other."""
    shop.call()
    endpoint = instance.endpoint
    for address in ("shop@souk.example", "other@souk.example"):
        client(endpoint, "ses").verify_email_identity(EmailAddress=address)
    role = client(endpoint, "iam").create_role(
        RoleName="mail", AssumeRolePolicyDocument=json.dumps(ASSUMED_BY_LAMBDA)
    )
    allowed = {
        "Effect": "Allow",
        "Action": "ses:SendEmail",
        "Resource": "arn:*:ses:*:*:identity/shop@souk.example",
    }
    client(endpoint, "iam").put_role_policy(
        RoleName="mail",
        PolicyName="send",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    session = client(endpoint, "sts").assume_role(
        RoleArn=role["Role"]["Arn"], RoleSessionName="mail"
    )["Credentials"]
    mails = boto3.client(
        "sesv2",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    mail = {
        "Destination": {"ToAddresses": ["amina@souk.example"]},
        "Content": {"Simple": {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "Hello"}}}},
    }
    assert mails.send_email(FromEmailAddress="Souk <shop@souk.example>", **mail)["MessageId"]
    with pytest.raises(ClientError, match=r"other@souk\.example"):
        mails.send_email(FromEmailAddress="other@souk.example", **mail)


@pytest.mark.skipif(not SOCKETS_OF_LINUX.exists(), reason="reads Linux's list of sockets")
def test_p7_links_of_mails_lead_to_the_mailbox_page(shop: _Function, instance: Instance) -> None:
    """The address of a page of the web front is answered, and sent on to the page that plays it."""
    assert shop is not None
    mail_page.publish(client(instance.endpoint, "s3"), instance.endpoint)
    with urllib.request.urlopen(f"{instance.endpoint}/verify-email", timeout=20) as reply:  # noqa: S310
        assert reply.url == f"{instance.endpoint}{mail_page.PATH}?page=verify-email"
        assert "Souk" in reply.read().decode()


def test_the_engine_listens_on_the_loopback_only(shop: _Function, instance: Instance) -> None:
    """Nobody else on the network can reach it."""
    shop.call()
    inodes = {
        line.split()[9]: line.split()[1]
        for line in SOCKETS_OF_LINUX.read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    }
    ours = [
        address for address in inodes.values() if int(address.split(":")[1], 16) == instance.port
    ]
    assert ours == [f"0100007F:{instance.port:04X}"]


def test_the_api_url_outlives_the_id_of_the_api(shop: _Function, instance: Instance) -> None:
    """A mapping of 127.0.0.1 may be made again and again."""
    shop.call()
    apis = client(instance.endpoint, "apigateway")
    for status in (201, 202):
        api = apis.create_rest_api(name="shop")["id"]
        root = apis.get_resources(restApiId=api)["items"][0]["id"]
        method = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
        apis.put_method(**method, authorizationType="NONE")
        template = {"application/json": json.dumps({"statusCode": status})}
        apis.put_integration(**method, type="MOCK", requestTemplates=template)
        apis.put_method_response(**method, statusCode=str(status))
        apis.put_integration_response(**method, statusCode=str(status))
        apis.create_deployment(restApiId=api, stageName="v1")
        gateway.map_api(apis, api)
        assert _status(gateway.api_url(instance) + "/") == status


def _status(url: str) -> int:
    with urllib.request.urlopen(url) as reply:  # noqa: S310  (our own loopback URL)
        return int(reply.status)


def test_state_survives_an_orderly_stop(tmp_path: Path) -> None:
    """And the stop is quick, even while a call runs."""
    instance = Instance(tmp_path, _free_port(), 1)
    with _running(instance, persist=True):
        queues = client(instance.endpoint, "sqs")
        queue = queues.create_queue(QueueName="kept")["QueueUrl"]
        queues.send_message(QueueUrl=queue, MessageBody="hello")
        shop = _Function(instance.endpoint)
        pool = ThreadPoolExecutor()
        running = pool.submit(shop.call, sleep=15)
        time.sleep(0.7)
        began = time.monotonic()
    assert time.monotonic() - began < 10
    assert running.exception() is not None
    pool.shutdown()
    with _running(instance, persist=True):
        queues = client(instance.endpoint, "sqs")
        received = queues.receive_message(QueueUrl=queue)["Messages"]
        assert [message["Body"] for message in received] == ["hello"]


def test_a_killed_engine_loses_seconds_only_and_is_noticed(tmp_path: Path) -> None:
    """What was saved in the background is there again."""
    instance = Instance(tmp_path, _free_port(), 1)
    table = {
        "TableName": "kept",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    with _running(instance, persist=True) as engine:
        tables = client(instance.endpoint, "dynamodb")
        tables.create_table(**table)
        tables.put_item(TableName="kept", Item={"pk": {"S": "first"}})
        saved = instance.folder("state") / "dynamodb.json"
        end = time.monotonic() + 30
        while not saved.exists() and time.monotonic() < end:
            time.sleep(0.1)
        os.kill(engine.pid, signal.SIGKILL)
        time.sleep(0.3)
        with pytest.raises(EngineStopped, match="ended by itself"):
            engine.require_alive()
    with _running(instance, persist=True):
        tables = client(instance.endpoint, "dynamodb")
        assert tables.scan(TableName="kept")["Items"] == [{"pk": {"S": "first"}}]


def test_nothing_outlives_a_killed_parent(tmp_path: Path) -> None:
    """The engine notices the closed pipe, saves, and takes its workers along."""
    instance = Instance(tmp_path, _free_port(), 1)
    with _running(instance, persist=True) as engine:
        _Function(instance.endpoint).call()
        process = engine._process
        assert process
        assert process.stdin
        # What the kernel does when the parent dies.
        process.stdin.close()
        process.wait(10)
        assert (instance.folder("state") / "lambda.json").exists()
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", instance.port)) != 0
