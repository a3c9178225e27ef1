"""The way to production: tested once, tried on dev, approved by a person, shifted step by step."""

import json
from functools import cache
from typing import Any

import pytest
import yaml

from infra.packaging import ROOT, packaged
from tests.contract.packages import packaged_template


class _Long(yaml.SafeLoader):
    """Reads short intrinsics as their long form."""


def _intrinsic(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {tag: loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode)
    return {tag: loader.construct_sequence(node, deep=True)}


_Long.add_multi_constructor("!", _intrinsic)


@cache
def pipeline() -> dict[str, Any]:
    """The resources of the pipeline's template."""
    text = (ROOT / "infra" / "pipeline.yaml").read_text()
    read: dict[str, Any] = yaml.load(text, Loader=_Long)["Resources"]  # noqa: S506 - a safe loader
    return read


def stages() -> dict[str, list[dict[str, Any]]]:
    """The actions of each stage, in the order in which they run."""
    return {
        stage["Name"]: sorted(stage["Actions"], key=lambda action: action.get("RunOrder", 1))
        for stage in pipeline()["Pipeline"]["Properties"]["Stages"]
    }


@pytest.mark.covers(117)
@pytest.mark.timeout(180)
@pytest.mark.covers(115)
def test_one_package_serves_every_stage() -> None:
    """What was tested is what is deployed: no stage is baked into the template."""
    with packaged("prod", with_libraries=False) as package:
        assert package.template() == packaged_template()


@pytest.mark.covers(116)
def test_production_follows_dev_and_waits_for_a_person() -> None:
    """Nothing reaches production before dev answered and a person saw the change set."""
    assert list(stages()) == ["Source", "Build", "Dev", "Prod"]
    assert [action["Name"] for action in stages()["Dev"]] == ["Propose", "Execute", "Smoke"]
    names = [action["Name"] for action in stages()["Prod"]]
    assert names == ["Propose", "Approve", "Execute", "Smoke"]
    assert stages()["Prod"][1]["ActionTypeId"]["Category"] == "Approval"


@pytest.mark.covers(116)
def test_production_shifts_traffic_step_by_step() -> None:
    """Production alone asks for the canary, whose alarms take it back."""
    asked = {
        stage: json.loads((ROOT / "infra" / "parameters" / f"{stage}.json").read_text())
        for stage in ("local", "dev", "prod")
    }
    assert {s: p["Parameters"]["Canary"] for s, p in asked.items()} == {
        "local": "false",
        "dev": "false",
        "prod": "true",
    }
    handler = packaged_template()["Resources"]["APIHandler"]["Properties"]
    assert handler["DeploymentPreference"]["Type"] == "Canary10Percent5Minutes"
    assert handler["DeploymentPreference"]["Enabled"] == {"Ref": "Canary"}


@pytest.mark.covers(117)
@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_parameters_of_a_stage_are_declared_ones(stage: str) -> None:
    """No parameter file holds a misspelt or a withdrawn name."""
    text = (ROOT / "infra" / "parameters" / f"{stage}.json").read_text()
    given = json.loads(text)["Parameters"]
    assert set(given) <= set(packaged_template()["Parameters"])
    assert given["Stage"] == stage


@pytest.mark.parametrize(("stage", "other"), [("Dev", "prod"), ("Prod", "dev")])
def test_deploy_role_of_a_stage_reaches_no_other(stage: str, other: str) -> None:
    """A broken deployment to dev cannot touch production."""
    role = json.dumps(pipeline()[f"Deploy{stage}Role"])
    assert f"souk-{stage.lower()}-" in role
    assert f"souk-{other}" not in role
    assert f"souk/{other}" not in role


def test_deploy_roles_pass_roles_only_to_the_services_that_take_them() -> None:
    """A deployment cannot hand its roles to anything but functions, workflows and the canary."""
    for stage in ("Dev", "Prod"):
        policy = pipeline()[f"Deploy{stage}Role"]["Properties"]["Policies"][0]["PolicyDocument"]
        (passing,) = [s for s in policy["Statement"] if "iam:PassRole" in s["Action"]]
        assert passing["Condition"]["StringEquals"]["iam:PassedToService"] == [
            "codedeploy.amazonaws.com",
            "lambda.amazonaws.com",
            "states.amazonaws.com",
        ]
