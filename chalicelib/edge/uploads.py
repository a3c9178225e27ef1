"""The bucket trigger in both ways of deploying, from one declaration.

`chalice deploy` wires a bucket by `on_s3_event`; `chalice package` refuses it, and there the
merge template holds bucket, notification and permission (S3_WIRING=template).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

from chalicelib.aws.settings import is_template_wired, settings
from chalicelib.edge.blueprints import EventBlueprint
from chalicelib.kernel.event_forms import is_text

CREATED: Final = "s3:ObjectCreated:*"
Taker = Callable[["Uploaded"], None]


@dataclass(frozen=True, slots=True)
class Uploaded:
    """One object that arrived: its decoded key and its ETag."""

    key: str
    etag: str


class UploadBlueprint(EventBlueprint):
    """A blueprint whose functions take objects that arrive in the quarantine bucket."""

    def s3_source(self, *, prefix: str, name: str) -> Callable[[Taker], Callable[..., None]]:
        """Declare a function that runs for each new object under `prefix`."""

        def wrap(take: Taker) -> Callable[..., None]:
            if is_template_wired():

                def adapter(event: dict[str, Any], _context: Any) -> None:  # Any: JSON, Chalice
                    _each(event, take)

                register = self.lambda_function(name=name)
            else:

                def adapter(event: Any) -> None:  # type: ignore[misc]  # Any: Chalice's S3Event
                    _each(event.to_dict(), take)

                register = self.on_s3_event(
                    bucket=settings().uploads_bucket, events=[CREATED], name=name, prefix=prefix
                )
            # Lambda looks the handler up by this name.
            adapter.__name__ = take.__name__
            adapter.__doc__ = take.__doc__
            registered: Callable[..., None] = register(adapter)
            return registered

        return wrap


class UploadMalformed(ValueError):
    """Some records of a notification name no object; the others have had their effect."""


def _each(event: Mapping[str, Any], take: Taker) -> None:
    records = event.get("Records", ())
    found = [_uploaded(record) for record in (records if isinstance(records, list) else [None])]
    for uploaded in found:
        if uploaded is not None:
            take(uploaded)
    if None in found:
        raise UploadMalformed(f"{found.count(None)} of {len(found)} records name no object")


def _uploaded(record: object) -> Uploaded | None:
    try:
        told = record["s3"]["object"]  # type: ignore[index]  # whatever it is, it is tried
        key, etag = told["key"], told.get("eTag", "")
    except (AttributeError, IndexError, KeyError, TypeError):
        return None
    if not is_text(key) or not is_text(etag):
        return None
    return Uploaded(unquote_plus(key), etag.strip('"'))
