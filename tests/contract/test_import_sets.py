"""A cold start pays for what it imports: a Lambda entry loads its own slice and little else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.system_map import handler_modules

ROOT = Path(__file__).parents[2]
SHARED = {"kernel", "wire", "aws", "edge"}
# Libraries that cost a cold start a tenth of a client or more, or have no place on Lambda at all.
COSTLY = {
    "PIL",
    "app",
    "argon2",
    "aws_lambda_powertools",
    "aws_xray_sdk",
    "boto3",
    "cryptography",
    "jinja2",
    "jwt",
    "pydantic",
    "yaml",
}
# What a function may load beside its own slice, and why.
ALLOWED: dict[str, set[str]] = {
    # Every route parses a strict model; chalice makes the handler out of app.py. The slices come
    # with the first calls for them (test_mounting.py).
    "api_handler": {"app", "pydantic"},
    # A mail is put into words with what the people and orders concerned look like now.
    "notify_email": {"users", "orders", "products", "support"},
    "notify_sms": {"users", "orders", "products", "support"},
    "notify_push": {"users", "orders", "products", "support"},
    # A socket stands for a session of a user.
    "websocket_connect": {"users"},
    "websocket_disconnect": {"users"},
    # Conversations are about orders, with pictures and names, and travel by live connections.
    "websocket_message": {"live", "users", "orders", "products"},
    "chat_fanout": {"live", "users", "orders", "products"},
    # A push shows how orders and stock stand now, and goes to live connections.
    "notify_live": {"live", "users", "orders", "products", "support"},
    # Orders move stock, and the ledger of stock is written by products.
    "order_payment": {"products"},
    "order_signals": {"products"},
    "order_status": {"products"},
    "order_stock": {"products"},
    "payment_events": {"products"},
    # It also looks after uploads that have not moved on.
    "sweeper": {"products", "media"},
    # The catalogue owns the key and the shape of a media row.
    "media_steps": {"products"},
    "media_uploaded": {"products"},
}

LOADED = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""


def loaded_by(module: str, function: str) -> set[str]:
    """Import one module in a fresh interpreter as its function does, and list what it pulled in."""
    finished = subprocess.run(
        [sys.executable, "-c", LOADED, module],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={
            "PATH": "/usr/bin:/bin",
            "SOUK_STAGE": "local",
            "AWS_LAMBDA_FUNCTION_NAME": f"souk-local-{function}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    assert finished.returncode == 0, finished.stderr
    return set(json.loads(finished.stdout))


@pytest.mark.parametrize(("function", "module"), sorted(handler_modules().items()))
def test_a_function_loads_only_what_it_uses(function: str, module: str) -> None:
    """No foreign slice and no costly library, unless this file says why."""
    modules = loaded_by(module, function)
    allowed = ALLOWED.get(function, set())
    costly = {name for name in COSTLY if name in modules} - allowed
    assert costly == set()
    slices = {
        name.split(".")[1] for name in modules if name.startswith("chalicelib.") and "." in name
    }
    own = set(module.split(".")[1:2]) if module.startswith("chalicelib.") else set()
    assert slices - SHARED - own - allowed == set()
