"""What the packaged template still needs on AWS and neither Chalice nor a merge can say.

- REST calls reach the alias `live`, else a canary would shift nothing: the API calls $LATEST.
- Every path answers the browser's preflight with the origins of the deployment.
- Roles are narrowed from name patterns to this stage, account, region and partition, so that
  two stages in one account cannot reach each other's tables and secrets.
- A new version is published when code, template or parameters change. By itself SAM looks at the
  code alone, and a changed parameter would never reach the version behind the alias.
"""

import hashlib
import json
import re
from typing import Any, Final

Template = dict[str, Any]

ALLOWED_HEADERS: Final = (
    "Authorization,Content-Type,Idempotency-Key,If-Match,If-None-Match,X-Correlation-Id"
)
PREFLIGHT_AGE_S: Final = 600
SDK_DATA: Final = "/var/task/aws_data"
# Browsers send `Origin` over HTTP/1.1 and `origin` over HTTP/2; the gateway tells them apart.
PREFLIGHT_REPLY: Final = """\
#set($origin = $input.params().header.get("Origin"))
#if(!$origin)#set($origin = $input.params().header.get("origin"))#end
#foreach($allowed in "${AllowedOrigins}".split(","))
#if($allowed != "" && $allowed == $origin)
#set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)
#end
#end
"""
# Push reaches devices of our platform applications; the embedded AWS decides on "*" alone.
OWN_PUSH: Final = {
    "Resource": [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:sns:${{AWS::Region}}:${{AWS::AccountId}}:{place}"}
        for place in ("app/*/souk-${Stage}", "endpoint/*/souk-${Stage}/*")
    ]
}
# The embedded AWS checks sending against everything; AWS knows identities and the sender.
OWN_MAIL: Final = {
    "Resource": [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:ses:${{AWS::Region}}:${{AWS::AccountId}}:{name}"}
        for name in ("configuration-set/souk-${Stage}", "identity/*")
    ],
    "Condition": {"StringEquals": {"ses:FromAddress": {"Ref": "MailFrom"}}},
}
ARN_OF_ANYWHERE: Final = re.compile(r"^arn:\*:([a-z0-9-]+):\*:\*:")
ARN_OF_BUCKET: Final = re.compile(r"^arn:\*:s3:::(souk-\*-[a-z]+)-\*")


def finish(template: Template) -> Template:
    """The template as it goes to AWS."""
    api = template["Resources"]["RestAPI"]
    template["Resources"]["RestAPI"] = _through_alias(api)
    permission = template["Resources"]["APIHandlerInvokePermission"]["Properties"]
    permission["FunctionName"] = {"Ref": "APIHandler.Alias"}
    for path in template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"].values():
        path["options"] = _preflight(sorted(path.keys() - {"options"}))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role":
            _narrow(resource["Properties"])
    # The SDK reads its endpoint list at each cold start; ours is cut to the services in use.
    template["Globals"]["Function"]["Environment"]["Variables"]["AWS_DATA_PATH"] = SDK_DATA
    return template


def release(template: Template, *others: bytes) -> Template:
    """The template as a new version, unless it and the other bytes are the same as before."""
    handler = template["Resources"]["APIHandler"]["Properties"]
    handler.pop("AutoPublishCodeSha256", None)
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode())
    for content in others:
        digest.update(hashlib.sha256(content).digest())
    handler["AutoPublishCodeSha256"] = digest.hexdigest()
    return template


def _through_alias(node: Any) -> Any:
    match node:
        case {"Fn::Sub": str(text)} if "${APIHandler.Arn}" in text:
            named = text.replace("${APIHandler.Arn}", "${Handler}")
            return {"Fn::Sub": [named, {"Handler": {"Ref": "APIHandler.Alias"}}]}
        case dict():
            return {key: _through_alias(value) for key, value in node.items()}
        case list():
            return [_through_alias(value) for value in node]
        case _:
            return node


def _preflight(methods: list[str]) -> dict[str, Any]:
    headers = {
        "Access-Control-Allow-Methods": ",".join(method.upper() for method in methods),
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": str(PREFLIGHT_AGE_S),
        "Cache-Control": "no-store",
        "Vary": "Origin",
    }
    declared = {name: {"type": "string"} for name in (*headers, "Access-Control-Allow-Origin")}
    return {
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "responses": {"204": {"description": "The preflight's answer", "headers": declared}},
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "passthroughBehavior": "when_no_match",
            "requestTemplates": {"application/json": '{"statusCode": 204}'},
            "responses": {
                "default": {
                    "statusCode": "204",
                    "responseParameters": {
                        f"method.response.header.{name}": f"'{value}'"
                        for name, value in headers.items()
                    },
                    "responseTemplates": {"application/json": {"Fn::Sub": PREFLIGHT_REPLY}},
                }
            },
        },
    }


def _narrow(role: dict[str, Any]) -> None:
    for policy in role.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            named = statement["Resource"]
            statement["Resource"] = (
                [_here(arn) for arn in named] if isinstance(named, list) else _here(named)
            )
            if statement["Action"] == ["ses:SendEmail"]:
                statement.update(OWN_MAIL)
            if statement["Action"] == ["sns:CreatePlatformEndpoint", "sns:Publish"]:
                statement.update(OWN_PUSH)


def _here(arn: Any) -> Any:
    if not isinstance(arn, str) or not arn.startswith("arn:*:"):
        return arn
    placed = ARN_OF_ANYWHERE.sub(r"arn:${AWS::Partition}:\1:${AWS::Region}:${AWS::AccountId}:", arn)
    placed = ARN_OF_BUCKET.sub(r"arn:${AWS::Partition}:s3:::\1-${AWS::AccountId}", placed)
    placed = placed.replace("souk-*", "souk-${Stage}").replace("souk/*", "souk/${Stage}")
    return {"Fn::Sub": placed}
