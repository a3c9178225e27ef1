"""Lints the packaged template as SAM and again as the CloudFormation that SAM makes of it.

Cycles and what SAM adds show only in the second. W2001 is ignored there: a parameter that SAM
itself consumed looks unused afterwards.
"""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from infra.finish import finish
from infra.packaging import ROOT, Package

PIPELINE: Final = ROOT / "infra" / "pipeline.yaml"


def expanded(template: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """What SAM makes of the template; code and definitions are taken as uploaded."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    # SAM reports its own metrics and feature toggles as warnings.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    uploaded = json.loads(json.dumps(template))
    for resource in uploaded["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "code", "Key": "code.zip"}
        if resource["Type"] == "AWS::Serverless::StateMachine":
            resource["Properties"]["DefinitionUri"] = {"Bucket": "code", "Key": "flow.json"}
    made: dict[str, Any] = Translator({}, Parser()).translate(uploaded, parameters)
    return made


def complaints(package: Package) -> str:
    """What cfn-lint says of pipeline, SAM form and finished, expanded form; empty if nothing."""
    said = _lint(PIPELINE) + _lint(package.template_file)
    form = package.folder / "expanded.json"
    form.write_text(json.dumps(expanded(finish(package.template()), {"Canary": "true"}), indent=1))
    return said + _lint(form, "--ignore-checks", "W2001")


def _lint(template: Path, *options: str) -> str:
    tool = Path(sys.executable).parent / "cfn-lint"
    run = subprocess.run(
        [str(tool), "--template", str(template), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout + run.stderr if run.returncode else ""
