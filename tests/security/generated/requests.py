"""Requests of one route, drawn from its place in the OpenAPI document."""

import json
from collections.abc import Iterator
from typing import Any

from tests.security.generated.floor import JSON_TYPE, Asked
from tests.security.generated.samples import TEXTS, Samples

HOSTILE = (*TEXTS, "", " ", "\x00", "a\nb", "\u2028", "x" * 300, "..", "%00", "%2e%2e%2f", "\ud800")
NAMES = ("role", "LIMIT", "limit[]", "", "\u202e")
NUMBERS = ("1e3", "01", "1.0", "+1", "yes", "x" * 2049)
WRONG_HEADERS = (
    "", "*", "short", "a b c d e f g h", "x" * 129, "\u00e9" * 20, '"1", "2"', 'W/"1"', "1",
)  # fmt: skip
WRONG_TYPES = (
    "text/plain", "application/xml", "application/json; charset=utf-16", "json",
    "multipart/form-data; boundary=x", "application/json, text/plain",
)  # fmt: skip
MISSING_KEY = (400, "idempotency_key_missing")
MISSING_VERSION = (428, "precondition_required")
JSON = "application/json"
Json = Any


class Drawing:
    """Draws requests of one operation, right and wrong ones."""

    def __init__(self, method: str, route: str, document: Json, samples: Samples) -> None:
        self.method, self.route = method, route
        self.operation: Json = document["paths"][route][method.lower()]
        self.samples, self.draws = samples, samples.draws
        content = self.operation.get("requestBody", {}).get("content", {})
        self.body_schema: Json = content.get(JSON, {}).get("schema")

    def parameters(self, place: str) -> list[Json]:
        """The parameters that stand in the path, the query or the headers."""
        return [one for one in self.operation["parameters"] if one["in"] == place]

    def allowed(self) -> Asked:
        """A request that the document allows."""
        return Asked(
            self.method,
            self.route,
            path={one["name"]: self._parameter(one) for one in self.parameters("path")},
            query=tuple(
                (one["name"], self._parameter(one))
                for one in self.parameters("query")
                # A cursor is opaque: nobody but the shop writes one that counts.
                if one["name"] != "cursor" and (one["required"] or self.draws.random() < 0.5)
            ),
            headers=self._headers(),
            body=self._body(self.samples.valid(self.body_schema)) if self.body_schema else None,
        )

    def _parameter(self, about: Json) -> str:
        drawn = self.samples.valid(about["schema"], about["name"])
        return drawn if isinstance(drawn, str) else json.dumps(drawn)

    def _headers(self) -> dict[str, str]:
        headers = dict(JSON_TYPE)
        for one in self.parameters("header"):
            if one["name"] == "If-Match":
                headers["if-match"] = f'"{self.draws.randint(1, 3)}"'
            elif one.get("required") or self.draws.random() < 0.3:
                headers[one["name"].lower()] = self.samples.valid(one["schema"])
        return headers

    def _body(self, value: Json) -> bytes:
        return json.dumps(value, ensure_ascii=self.draws.random() < 0.5).encode()

    # --- requests that must be refused, with the status and code that name why -------------------
    def broken_bodies(self) -> Iterator[tuple[Asked, int, str]]:
        """Endless: bodies that break the schema in one place."""
        while self.body_schema:
            wrong = self._body(self.samples.broken(self.body_schema))
            too_large = len(wrong) > 64 * 1024
            refusal = (413, "payload_too_large") if too_large else (422, "validation_failed")
            yield self._but(body=wrong), *refusal

    def broken_queries(self) -> Iterator[tuple[Asked, int, str]]:
        """Endless: parameters that are unknown, repeated, or of no allowed form."""
        known = self.parameters("query")
        while True:
            query = list(self.allowed().query)
            match self.draws.randrange(3) if known else 0:
                case 0:
                    query.append((self.draws.choice(NAMES), "1"))
                case 1:
                    name = self.draws.choice(known)["name"]
                    query = [(name, "1"), *query, (name, "2")]
                case _:
                    about = self.draws.choice(known)
                    wrong = self.draws.choice((*HOSTILE, *NUMBERS))
                    if self._is_text_that_fits(about["schema"], wrong):
                        continue
                    query = [pair for pair in query if pair[0] != about["name"]]
                    query.append((about["name"], wrong))
            yield self._but(query=tuple(query)), 422, "validation_failed"

    def _is_text_that_fits(self, schema: Json, text: str) -> bool:
        is_text = self.samples.resolved(schema).get("type", "string") == "string"
        return is_text and self.samples.allows(schema, text.encode(errors="replace").decode())

    def broken_paths(self) -> Iterator[tuple[Asked, int, str]]:
        """Endless: ids of another form; there is no such thing."""
        known = self.parameters("path")
        while known:
            about = self.draws.choice(known)
            wrong = self.draws.choice((*HOSTILE, self._nearly(about)))
            if not self._is_text_that_fits(about["schema"], wrong):
                path = {**self.allowed().path, about["name"]: wrong}
                yield self._but(path=path), 404, "not_found"

    def _nearly(self, about: Json) -> str:
        value = self._parameter(about)
        at = self.draws.randrange(len(value))
        odd = value[:at] + "\u0660" + value[at + 1 :]
        return self.draws.choice((value + "\n", value + value, odd, value.swapcase() + "!"))

    def broken_headers(self) -> Iterator[tuple[Asked, int, str]]:
        """Endless: headers that are missing or of no allowed form."""
        names = {one["name"] for one in self.parameters("header")}
        wanted = names & {"Idempotency-Key", "If-Match"} | ({"type"} if self.body_schema else set())
        while wanted:
            headers = dict(self.allowed().headers)
            match self.draws.choice(sorted(wanted)):
                case "type":
                    headers["content-type"] = self.draws.choice(WRONG_TYPES)
                    yield self._but(headers=headers), 415, "unsupported_media_type"
                case name if self.draws.random() < 0.3:
                    del headers[name.lower()]
                    is_key = name == "Idempotency-Key"
                    missing = (
                        (400, "idempotency_key_missing")
                        if is_key
                        else (428, "precondition_required")
                    )
                    yield self._but(headers=headers), *missing
                case name:
                    headers[name.lower()] = self.draws.choice(WRONG_HEADERS)
                    yield self._but(headers=headers), 400, "bad_request"

    def _but(self, **changed: Any) -> Asked:
        asked = self.allowed()
        kept = {name: getattr(asked, name) for name in ("path", "query", "headers", "body")}
        return Asked(self.method, self.route, **{**kept, **changed})

    def odd(self) -> Asked:
        """An allowed request with headers that mean nothing."""
        asked = self.allowed()
        junk = self.draws.choice
        headers = {
            **asked.headers,
            "x-correlation-id": junk(HOSTILE),
            "origin": junk(HOSTILE),
            "if-none-match": junk(HOSTILE),
            "x-forwarded-for": junk(HOSTILE),
            "authorization": junk(HOSTILE),
            "accept": junk(HOSTILE),
            "x-http-method-override": "DELETE",
        }
        return Asked(self.method, self.route, asked.path, asked.query, headers, asked.body)
