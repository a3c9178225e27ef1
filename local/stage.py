"""The local stage: the parameter values that differ from production, and the demo logins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.gateway import api_url

if TYPE_CHECKING:
    from local.instance import Instance

ACCOUNT = "000000000000"
MAIL_FROM = "shop@souk.example"
DEMO_PASSWORD = "demo-Souk-2026-pass"
DEMO_LOGINS = {
    "admin": "admin@souk.example",
    "merchant": "merchant@souk.example",
    "warehouse": "warehouse@souk.example",
    "support": "support@souk.example",
    "customer": "amina@souk.example",
}


def parameters(instance: Instance) -> dict[str, str]:
    """Template parameters of an instance; those that a template does not know are left out."""
    return {
        "Stage": "local",
        "Target": "local",
        "Canary": "false",
        "Sandbox": "on",
        "StaffMfa": "optional",
        "RateScale": "100",
        "AuthorizerTtlSeconds": "10",
        "ResolveWaitSeconds": "1",
        "MailFrom": MAIL_FROM,
        "ReportRecipients": "admin@souk.example",
        "PublicBaseUrl": api_url(instance),
        "AllowedOrigins": instance.endpoint,
        "MediaBaseUrl": f"{instance.endpoint}/souk-local-media-{ACCOUNT}",
    }


def logins() -> dict[str, dict[str, str]]:
    """A login for each role, as stack.json shows them."""
    return {
        role: {"email": email, "password": DEMO_PASSWORD} for role, email in DEMO_LOGINS.items()
    }
