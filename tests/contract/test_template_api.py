"""What the gateway itself answers, and what finishing adds: envelope, CORS, alias."""

import json
from typing import Any

import pytest

from infra.finish import finish, release
from infra.lint import expanded
from tests.contract.packages import packaged_template, resources


@pytest.mark.covers(74)
def test_gateway_replies_carry_the_one_envelope() -> None:
    """Replies that never reach a function look like all others, with a code of domain.md 1.2."""
    body = resources()["RestAPI"]["Properties"]["DefinitionBody"]
    replies = body["x-amazon-apigateway-gateway-responses"]
    codes = {
        kind: json.loads(reply["responseTemplates"]["application/json"])["error"]
        for kind, reply in replies.items()
    }
    assert all(error.keys() == {"code", "message", "request_id"} for error in codes.values())
    assert {
        kind: (replies[kind].get("statusCode"), codes[kind]["code"])
        for kind in (
            "UNAUTHORIZED",
            "ACCESS_DENIED",
            "MISSING_AUTHENTICATION_TOKEN",
            "REQUEST_TOO_LARGE",
            "UNSUPPORTED_MEDIA_TYPE",
            "THROTTLED",
            "INTEGRATION_TIMEOUT",
            "DEFAULT_5XX",
        )
    } == {
        "UNAUTHORIZED": (401, "unauthenticated"),
        "ACCESS_DENIED": (403, "forbidden"),
        "MISSING_AUTHENTICATION_TOKEN": (404, "not_found"),
        "REQUEST_TOO_LARGE": (413, "payload_too_large"),
        "UNSUPPORTED_MEDIA_TYPE": (415, "unsupported_media_type"),
        "THROTTLED": (429, "rate_limited"),
        "INTEGRATION_TIMEOUT": (503, "unavailable"),
        "DEFAULT_5XX": (500, "internal"),
    }


def test_gateway_replies_carry_security_and_cors_headers() -> None:
    """No reply is stored or sniffed; no origin but the deployment's own is allowed."""
    body = resources()["RestAPI"]["Properties"]["DefinitionBody"]
    for reply in body["x-amazon-apigateway-gateway-responses"].values():
        headers = reply["responseParameters"]
        prefix = "gatewayresponse.header."
        assert headers[prefix + "X-Content-Type-Options"] == "'nosniff'"
        assert headers[prefix + "Cache-Control"] == "'no-store'"
        assert "AllowedOrigins" in json.dumps(headers[prefix + "Access-Control-Allow-Origin"])


def test_authoriser_cache_follows_the_parameter() -> None:
    """The authoriser's policy is cached for AuthorizerTtlSeconds."""
    body = resources()["RestAPI"]["Properties"]["DefinitionBody"]
    authorizer = body["securityDefinitions"]["jwt_authorizer"]["x-amazon-apigateway-authorizer"]
    assert authorizer["authorizerResultTtlInSeconds"] == {"Ref": "AuthorizerTtlSeconds"}


def test_finished_api_calls_the_alias_and_nothing_else() -> None:
    """A canary shifts real traffic: neither a route nor the permission names $LATEST."""
    finished = finish(json.loads(json.dumps(packaged_template())))["Resources"]
    assert "APIHandler.Arn" not in json.dumps(finished["RestAPI"])
    assert "APIHandler.Alias" in json.dumps(finished["RestAPI"])
    permission = finished["APIHandlerInvokePermission"]["Properties"]
    assert permission["FunctionName"] == {"Ref": "APIHandler.Alias"}
    assert finished["APIHandler"]["Properties"]["AutoPublishAlias"] == "live"
    assert finished["APIHandler"]["Properties"]["DeploymentPreference"]["Alarms"]


def test_finished_api_answers_every_preflight() -> None:
    """Browsers of an allowed origin may call every path with its methods."""
    finished = finish(json.loads(json.dumps(packaged_template())))["Resources"]
    paths = finished["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    assert paths
    for path, methods in paths.items():
        assert "options" in methods, path
        reply = methods["options"]["x-amazon-apigateway-integration"]["responses"]["default"]
        told = reply["responseParameters"]["method.response.header.Access-Control-Allow-Methods"]
        assert sorted(told.strip("'").lower().split(",")) == sorted(set(methods) - {"options"})


def test_finished_roles_reach_no_other_stage_or_account() -> None:
    """Every name pattern of a policy file is narrowed to the stage that is deployed."""
    finished = finish(json.loads(json.dumps(packaged_template())))["Resources"]
    for name, resource in finished.items():
        if resource["Type"] == "AWS::IAM::Role":
            text = json.dumps(resource["Properties"]["Policies"])
            assert "souk-*" not in text, name
            assert "souk/*" not in text, name
            assert "arn:*" not in text, name


def test_changed_code_template_or_parameter_makes_a_new_version() -> None:
    """Whatever changes reaches the version behind the alias; what does not publishes nothing."""
    template = finish(json.loads(json.dumps(packaged_template())))
    versions = [
        _version(release(template, b"code", b"parameters")),
        _version(release(template, b"code", b"parameters")),
        _version(release(template, b"other code", b"parameters")),
        _version(release(template, b"code", b"other parameters")),
    ]
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3


def _version(template: dict[str, Any]) -> str:
    made = expanded(template, {})["Resources"]
    version: str
    (version,) = [name for name, it in made.items() if it["Type"] == "AWS::Lambda::Version"]
    return version


def test_finished_mail_leaves_from_the_shops_address_only() -> None:
    """On AWS nobody can be written to under another name, whatever the code asks for."""
    finished = finish(json.loads(json.dumps(packaged_template())))["Resources"]
    policy = finished["NotifyEmailRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    (sending,) = [s for s in policy["Statement"] if "ses:SendEmail" in s["Action"]]
    assert sending["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "MailFrom"}}}
    assert "*" not in sending["Resource"]


def test_finished_push_reaches_our_own_applications_only() -> None:
    """On AWS the consumer of push messages can publish to no topic and no foreign device."""
    finished = finish(json.loads(json.dumps(packaged_template())))["Resources"]
    policy = finished["NotifyPushRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    (pushing,) = [s for s in policy["Statement"] if "sns:Publish" in s["Action"]]
    assert all("souk-${Stage}" in place["Fn::Sub"] for place in pushing["Resource"])
