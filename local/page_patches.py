"""P7, the pages that mails link to: no web front stands here yet, so the mailbox page plays it.

A mail links to `/verify-email`, `/reset-password` and `/orders/<id>` of the shop's own pages. On
this machine these addresses lead to the page that shows the mails, which does what each promises.
MiniStack would look for buckets of these names.
"""

from __future__ import annotations

import re
from functools import wraps
from typing import Any, Final

from local.mail_page import PATH
from local.worker_patches import UnknownEngine

PAGES: Final = re.compile(r"/(verify-email|reset-password|orders/ord_[0-9A-HJKMNP-TV-Z]{26})")


def install(engine: Any) -> None:
    """Put P7 around MiniStack's application, or raise UnknownEngine."""
    serve = getattr(engine, "app", None)
    if serve is None:
        raise UnknownEngine("MiniStack's application is not where it was")

    @wraps(serve)
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await serve(scope, receive, send)
        elif found := PAGES.fullmatch(scope["path"]):
            # Browsers carry the fragment, which holds the token, over to the new address.
            location = f"{PATH}?page={found[1]}"
            headers = [(b"location", location.encode()), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 302, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
        else:
            await serve(scope, receive, send)

    engine.app = app
