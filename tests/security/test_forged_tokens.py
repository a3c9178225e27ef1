"""Forged, altered and confused access tokens: over 2,000, and the authorizer refuses each."""

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.aws.secrets import secrets
from chalicelib.edge.tokens import PURPOSE, Issuer, RingKeys, TokenVerifier, base64url, own_issuer
from chalicelib.kernel.errors import Unauthenticated
from chalicelib.users.authorizer import Unauthorized, jwt_authorizer, verifier
from tests.cloud import cloud
from tests.security.actors import Person, person

HEADER: dict[str, Any] = {"alg": "HS256", "typ": "JWT", "kid": "k1"}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture(scope="module", autouse=True)
def owner() -> Iterator[Person]:
    """Somebody whose real token is let in."""
    with cloud():
        yield person()


def is_let_in(header: str) -> bool:
    """Whether the gateway's authorizer lets this Authorization header in."""
    arn = "arn:aws:execute-api:us-east-1:123456789012:api/v1/GET/users/me"
    event = {"type": "TOKEN", "authorizationToken": header, "methodArn": arn}
    try:
        policy = jwt_authorizer(event, SimpleNamespace())
    except Unauthorized:
        return False
    return bool(policy["policyDocument"]["Statement"][0]["Resource"])


def own_key() -> bytes:
    """The shop's own key, as if a forger had it: form alone must be enough to refuse."""
    return secrets().ring("tokens").key(PURPOSE, "k1")


def written(header: Any, claims: Any, *, key: bytes | None = None) -> str:
    """A token of any header and claims, signed with HS256."""
    parts = [
        base64url(one if isinstance(one, bytes) else json.dumps(one).encode())
        for one in (header, claims)
    ]
    said = ".".join(parts)
    mac = hmac.digest(key or own_key(), said.encode(), hashlib.sha256)
    return f"{said}.{base64url(mac)}"


def odd_headers() -> list[Any]:
    """Headers that no token of ours has."""
    algorithms = [
        "none", "None", "NONE", "hs256", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA",
        "", None, 256, ["HS256"], {"alg": "HS256"}, "HS256 ", "\x00HS256",
    ]  # fmt: skip
    kids = [
        "", "k2", "k99", "../k1", "k1/..", "/dev/null", "k1\x00", "current", "previous", "K1",
        None, 1, ["k1"], {"k": "k1"}, "k" * 65, "k1' OR '1'='1", "https://evil.example/k1",
    ]  # fmt: skip
    types = ["", "jwt", "at+jwt", "JWS", None, 1, ["JWT"]]
    extras: list[dict[str, Any]] = [
        {"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": True},
        {"crit": ["b64"], "b64": False}, {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/cert.pem"}, {"x5c": ["MIIB"]}, {"x5t": "aa"},
        {"jwk": {"kty": "oct", "k": "AA"}}, {"zip": "DEF"}, {"cty": "JWT"}, {"enc": "A256GCM"},
        {"p2c": 10_000_000}, {"epk": {}}, {"iv": "AA"}, {"tag": "AA"}, {"apu": "AA"}, {"": ""},
    ]  # fmt: skip
    return [
        *(HEADER | {"alg": alg} for alg in algorithms),
        *(HEADER | {"kid": kid} for kid in kids),
        *(HEADER | {"typ": typ} for typ in types),
        *(HEADER | extra for extra in extras),
        *({name: HEADER[name] for name in HEADER if name != left_out} for left_out in HEADER),
        {}, [], None, "HS256", 1, [HEADER],
        b'{"alg":"HS256","alg":"none","typ":"JWT","kid":"k1"}',
        b'{"alg":"none","typ":"JWT","kid":"k1","alg":"HS256"}',
        b"\xef\xbb\xbf" + json.dumps(HEADER).encode(), b"{", b"\xff\xfe", b"[" * 5_000,
    ]  # fmt: skip


def odd_claims(claims: dict[str, Any]) -> list[Any]:
    """Claims that no valid token has, each otherwise right."""
    now = claims["iat"]
    strange: list[Any] = [
        None, "", 0, -1, True, 1.5, "x" * 300, [], {}, [claims["sub"]], "usr_", "\x00", "null",
        10**400, f"{now}",
    ]  # fmt: skip
    odd: list[Any] = []
    for name, right in claims.items():
        odd.append({one: claims[one] for one in claims if one != name})
        odd += [claims | {name: value} for value in strange if value != right]
    times: list[dict[str, Any]] = [
        {"exp": now - 31}, {"nbf": now + 31}, {"iat": now + 31}, {"exp": now + 901},
        {"exp": 10**12}, {"exp": float(claims["exp"])}, {"iat": 0}, {"iat": now - 3_600},
    ]  # fmt: skip
    values: list[dict[str, Any]] = [
        {"iss": "souk-prod"}, {"iss": "souk-test "}, {"iss": ["souk-test"]}, {"iss": "SOUK-TEST"},
        {"aud": ["souk-api"]}, {"aud": ["souk-api", "x"]}, {"aud": "souk"}, {"aud": "souk-api/"},
        {"typ": "refresh"}, {"typ": "id"}, {"typ": "Access"}, {"sv": 0}, {"sv": 2}, {"sv": "1"},
        {"sub": claims["sid"]}, {"sid": claims["sub"]}, {"sub": claims["sub"].lower()},
        {"scope": "admin"}, {"admin": True}, {"permissions": ["*"]},
    ]  # fmt: skip
    odd += [claims | change for change in (*times, *values)]
    odd += [[], None, 1, "claims", [claims], b"{}", b'{"sub":1', b"\xff"]
    return odd


def odd_forms(token: str) -> list[str]:
    """The right token in a form that is not the one right form."""
    header, claims, mac = token.split(".")
    padded = [f"{header}=.{claims}.{mac}", f"{header}.{claims}=.{mac}", f"{header}.{claims}.{mac}="]
    orders = "hc", "hc-", "-cm", "h-m", "hcm-", "hcmm", "---", "hcmcm", "chm", "hhm", "m", "hmc"
    part = {"h": header, "c": claims, "m": mac, "-": ""}
    cut = [".".join(part[one] for one in order) for order in orders]
    last = mac[:-1] + ALPHABET[ALPHABET.index(mac[-1]) ^ 1]
    spread = [token[:20] + gap + token[20:] for gap in (" ", "\n", "\t", "%2E", "\x00", "=", "+")]
    foreign = [token.replace(".", other) for other in (",", "..", "%2e", " ")]
    wide = [token + tail for tail in (" ", "\n", ".", "A", "=", "\x00", "AAAA")]
    hmac_of_nothing = f"{header}.{claims}.{base64url(b'')}"
    plain = base64.b64encode(json.dumps(HEADER).encode()).decode()
    return [*padded, *cut, f"{header}.{claims}.{last}", *spread, *foreign, *wide, hmac_of_nothing,
            f"{plain}.{claims}.{mac}", token.upper(), token.lower(), token[::-1], token * 2,
            "A" * 5_000, "", ".", "..", "...", "null", "undefined", "Bearer"]  # fmt: skip


def mutants(token: str, seed: int) -> Iterable[str]:
    """Every character of a token replaced, six times, by other characters of the alphabet."""
    chance = random.Random(seed)
    for place, present in enumerate(token):
        for _ in range(6):
            other = chance.choice(ALPHABET + ".=")
            if other != present:
                yield token[:place] + other + token[place + 1 :]


def test_the_real_token_is_let_in(owner: Person) -> None:
    """What follows refuses for the flaw alone."""
    assert is_let_in(f"Bearer {owner.token()}")
    assert is_let_in(f"Bearer {written(HEADER, owner.claims())}")


def test_every_forgery_is_refused(owner: Person) -> None:
    """Headers, claims, forms and single characters: over two thousand, none is let in."""
    token, claims = owner.token(), owner.claims()
    forgeries = [
        *(written(header, claims) for header in odd_headers()),
        *(written(HEADER, odd) for odd in odd_claims(claims)),
        *odd_forms(token),
        *mutants(token, seed=4127),
    ]
    let_in = [forgery for forgery in forgeries if is_let_in(f"Bearer {forgery}")]
    assert let_in == []
    assert len(set(forgeries)) > 2_000


@pytest.mark.parametrize(
    "form",
    ["{}", "Bearer{}", "Bearer  {}", " Bearer {}", "Bearer {} ", "Basic {}", "Token {}",
     "Bearer {0},{0}", "Bearer {0} {0}", "BEARER {}", "Bearer\t{}", "Bearer {}\n", "Bearer ", ""],
)  # fmt: skip
def test_other_forms_of_the_header_are_refused(owner: Person, form: str) -> None:
    """One scheme, one blank, one token."""
    assert not is_let_in(form.format(owner.token()))


def test_signatures_of_other_keys_are_refused(owner: Person) -> None:
    """Neither an empty key, nor the kid, nor the ring's raw secret, nor another purpose's key."""
    ring = secrets().ring("tokens")
    keys = [b"k1", b"secret", b"\x00" * 32, ring.versions["k1"].encode(), ring.key("cursor"),
            secrets().ring("identity").key(PURPOSE), b"souk-test"]  # fmt: skip
    for key in keys:
        assert not is_let_in(f"Bearer {written(HEADER, owner.claims(), key=key)}")


class Jwks:
    """The keys of an OIDC provider, as its JWKS document lists them."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._keys = {one["kid"]: jwt.PyJWK(one).key for one in document["keys"]}

    def key(self, kid: str) -> Any:
        """The public key called `kid`, or None."""
        return self._keys.get(kid)


def an_oidc_provider() -> tuple[rsa.RSAPrivateKey, Issuer]:
    """A provider with one RSA key, and the entry that trusts it."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    written_key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key()))
    jwks = Jwks({"keys": [written_key | {"kid": "rsa-1", "alg": "RS256", "use": "sig"}]})
    needed = ("iss", "aud", "sub", "iat", "exp")
    issuer = Issuer(
        "https://login.example", "souk-web", "RS256", jwks, needed, lambda _claims: None
    )
    return private, issuer


def test_another_issuer_is_one_more_entry(owner: Person) -> None:
    """RS256 tokens of a listed OIDC provider are believed beside ours, unlisted ones are not."""
    private, issuer = an_oidc_provider()
    keys = RingKeys(lambda: secrets().ring("tokens"), lambda: secrets().ring("tokens"))
    both = TokenVerifier([own_issuer("test", keys), issuer])
    now = owner.claims()["iat"]
    claims = {"iss": issuer.name, "aud": "souk-web", "sub": "person-7", "iat": now, "exp": now + 60}
    token = jwt.encode(claims, private, algorithm="RS256", headers={"kid": "rsa-1"})
    assert both.verify(token)["sub"] == "person-7"
    assert both.verify(owner.token())["sub"] == owner.user.id
    with pytest.raises(Unauthenticated):
        verifier().verify(token)


def test_a_public_key_is_no_hmac_secret(owner: Person) -> None:
    """HS256 under the provider's public key, and RS256 in the shop's name, are both refused."""
    private, issuer = an_oidc_provider()
    keys = RingKeys(lambda: secrets().ring("tokens"), lambda: secrets().ring("tokens"))
    both = TokenVerifier([own_issuer("test", keys), issuer])
    pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = owner.claims()
    theirs = {"iss": issuer.name, "aud": "souk-web"}
    confused = [
        written(HEADER | {"kid": "rsa-1"}, claims | theirs, key=pem),
        written(HEADER | {"alg": "RS256", "kid": "rsa-1"}, claims | theirs, key=pem),
        written(HEADER, claims, key=pem),
        jwt.encode(claims, private, algorithm="RS256", headers={"kid": "k1"}),
        jwt.encode(claims, private, algorithm="RS256", headers={"kid": "rsa-1"}),
    ]
    for token in confused:
        with pytest.raises(Unauthenticated):
            both.verify(token)
