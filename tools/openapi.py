"""Write the OpenAPI document of the live app to a file."""

import json
import os
import sys
from pathlib import Path

TARGET = Path("docs/api/openapi.json")


def written() -> str:
    """The document as it is kept in the repository."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    import app  # noqa: F401 - importing it declares every route
    from chalicelib.edge import openapi
    from chalicelib.edge.gateway import version

    return json.dumps(openapi.document(version()), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the document to the path given, docs/api/openapi.json by default."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(written(), encoding="utf-8")
    print(f"wrote {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
